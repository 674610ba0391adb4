/** Services that publish without a pause, and hand in again under the same id whatever was not acknowledged. */
import { randomUUID } from "node:crypto";
import { publisherToken } from "../contract/server.ts";
import { orderCreated } from "../contract/trading-order.ts";
import { until } from "../until.ts";

/** An acknowledged event. */
export interface Stored {
  readonly id: string;
  readonly user: string;
  readonly eventId: string;
  readonly offset: number;
}

export interface PublisherOptions {
  /** Where attempt `attempt` of publisher `publisher` goes. */
  readonly urlOf: (publisher: number, attempt: number) => string;
  readonly publishers: number;
  readonly users: readonly string[];
  /** The pause between two events of one publisher, in milliseconds. */
  readonly pauseMs?: number;
  /** An attempt without an answer by then is given up, and repeated. */
  readonly timeoutMs?: number;
}

const RETRY_MS = 100;

export class Publishers {
  readonly #options: Required<PublisherOptions>;
  /** Nobody else has published under these ids. */
  readonly #source = randomUUID();
  readonly #stored: Stored[] = [];
  readonly #running: Promise<void>[];
  /** Attempts that ended in neither an answer of success nor a refusal for good. */
  #retries = 0;
  #refusal: Error | undefined;
  #isOver = false;
  /** What became of the last attempt of each event that is not acknowledged yet, by its id. */
  readonly #underWay = new Map<string, string>();

  constructor(options: PublisherOptions) {
    this.#options = { pauseMs: 5, timeoutMs: 5000, ...options };
    const bearer = publisherToken();
    this.#running = Array.from({ length: options.publishers }, (_, publisher) => this.#run(publisher, bearer));
  }

  get acknowledged(): number {
    return this.#stored.length;
  }

  get retries(): number {
    return this.#retries;
  }

  /**
   * Ends after the events under way; resolves with everything that was acknowledged. Rejects where one was refused, stored out of its order, or never
   * acknowledged.
   */
  async end(): Promise<readonly Stored[]> {
    this.#isOver = true;
    await until(
      () => this.#underWay.size === 0,
      () => [...this.#underWay],
    );
    await Promise.all(this.#running);
    if (this.#refusal !== undefined) throw this.#refusal;
    return this.#stored;
  }

  async #run(publisher: number, bearer: Promise<string>): Promise<void> {
    const { users, pauseMs } = this.#options;
    let last = 0;
    for (let number = 0; !this.#isOver; number++) {
      const id = `p${publisher}-${number}`;
      const user = users[(publisher + number * this.#options.publishers) % users.length] ?? "";
      const place = await this.#untilStored(publisher, id, user, await bearer);
      if (place === undefined) return;
      if (place.offset <= last)
        this.#refusal = new Error(`${id} was stored at ${place.offset}, before the one published before it, at ${last}`);
      last = place.offset;
      this.#stored.push({ id, user, ...place });
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #untilStored(publisher: number, id: string, user: string, bearer: string) {
    for (let attempt = 0; ; attempt++) {
      this.#underWay.set(id, `attempt ${attempt} since ${new Date().toISOString()} after: ${this.#underWay.get(id)?.slice(0, 500)}`);
      const answer = await this.#attempt(this.#options.urlOf(publisher, attempt), { id, user, bearer });
      if (answer === "refused" || typeof answer === "object") {
        this.#underWay.delete(id);
        return answer === "refused" ? undefined : answer;
      }
      this.#underWay.set(id, answer);
      this.#retries += 1;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Resolves with its place, "refused", or why it is to be tried again. */
  async #attempt(url: string, { id, user, bearer }: { id: string; user: string; bearer: string }) {
    try {
      const response = await fetch(`${url}/api/v1/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
        body: JSON.stringify({ id, source: this.#source, ...orderCreated(id, user) }),
        signal: AbortSignal.timeout(this.#options.timeoutMs),
      });
      const text = await response.text();
      if (response.status >= 500) return `${response.status} ${text}`;
      if (response.status !== 200) {
        this.#refusal ??= new Error(`${id}: ${response.status} ${text}`);
        return "refused";
      }
      const { results } = JSON.parse(text) as { results: { eventId: string; offset: number }[] };
      const [place] = results;
      return place === undefined ? text : { eventId: place.eventId, offset: place.offset };
    } catch (error) {
      // Nobody knows whether it is stored: the same id again.
      return String(error);
    }
  }
}
