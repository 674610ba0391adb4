/** Publishes one numbered event after the other, follows them as any client does, and says what became of them. */
import { Broadtape } from "../../packages/client/src/index.ts";

export interface WitnessOptions {
  readonly url: string;
  readonly publisherToken: string;
  readonly readerToken: string;
}

export interface Testimony {
  /** Acknowledged to the publisher. */
  readonly stored: number;
  readonly received: number;
  /** Acknowledged, and passed over: a later one came. */
  readonly lost: number;
  readonly doubled: number;
  /** Attempts that failed and were made again under the same id. */
  readonly repeated: number;
  /** The longest time without an acknowledgement, and without an event, since it was last asked for. */
  readonly longestMs: { readonly publishing: number; readonly receiving: number };
  /** From publishing to receiving, of the newest. */
  readonly latencyMs: number;
}

const USER = "witness";
const EVERY_MS = 50;
const ANSWER_MS = 3000;
const AGAIN_MS = 100;

export class Witness {
  readonly #options: WitnessOptions;
  readonly #tape: Broadtape;
  readonly #sentAt = new Map<number, number>();
  #stored = 0;
  #newest = 0;
  #received = 0;
  #lost = 0;
  #doubled = 0;
  #repeated = 0;
  #latencyMs = 0;
  #storedAt = performance.now();
  #receivedAt = performance.now();
  #longestPublishing = 0;
  #longestReceiving = 0;
  #isClosed = false;

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#tape = new Broadtape({ url: options.url, token: () => options.readerToken });
    const following = this.#tape.follow("balances:me", { onEvent: ({ data }) => this.#take(numberOf(data)) });
    void following.ready.then(() => this.#publish());
  }

  /** What is so far; pauses are measured anew from here. */
  tell(): Testimony {
    const told = this.peek();
    this.#longestPublishing = 0;
    this.#longestReceiving = 0;
    return told;
  }

  /** What is so far. */
  peek(): Testimony {
    const now = performance.now();
    const longestMs = {
      publishing: Math.max(this.#longestPublishing, now - this.#storedAt),
      receiving: Math.max(this.#longestReceiving, now - this.#receivedAt),
    };
    return {
      stored: this.#stored,
      received: this.#received,
      lost: this.#lost,
      doubled: this.#doubled,
      repeated: this.#repeated,
      longestMs,
      latencyMs: this.#latencyMs,
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#tape.close();
  }

  async #publish(): Promise<void> {
    this.#storedAt = performance.now();
    this.#receivedAt = performance.now();
    for (let number = 1; !this.#isClosed; number++) {
      this.#sentAt.set(number, performance.now());
      await this.#store(number);
      const now = performance.now();
      this.#longestPublishing = Math.max(this.#longestPublishing, now - this.#storedAt);
      this.#storedAt = now;
      this.#stored = number;
      await pause(EVERY_MS);
    }
  }

  async #store(number: number): Promise<void> {
    while (!(await this.#isTaken(number)) && !this.#isClosed) {
      this.#repeated++;
      await pause(AGAIN_MS);
    }
  }

  /** Under an id of its own: what was taken and not answered is not taken twice. */
  async #isTaken(number: number): Promise<boolean> {
    const amount = { currency: "EUR", total: String(number), available: String(number), locked: "0" };
    try {
      const { ok } = await fetch(`${this.#options.url}/api/v1/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${this.#options.publisherToken}`, "content-type": "application/json" },
        body: JSON.stringify({ type: "trading.balance.updated", id: `${USER}-${number}`, data: { userId: USER, balance: amount } }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      return ok;
    } catch {
      return false;
    }
  }

  #take(number: number): void {
    const now = performance.now();
    this.#longestReceiving = Math.max(this.#longestReceiving, now - this.#receivedAt);
    this.#receivedAt = now;
    if (number <= this.#newest) {
      this.#doubled++;
      return;
    }
    this.#received++;
    this.#lost += number - this.#newest - 1;
    this.#newest = number;
    const sentAt = this.#sentAt.get(number);
    if (sentAt !== undefined) this.#latencyMs = now - sentAt;
    for (const known of this.#sentAt.keys()) if (known <= number) this.#sentAt.delete(known);
  }
}

export const WITNESS_USER = USER;

function numberOf(data: unknown): number {
  const { balance } = data as { readonly balance: { readonly total: string | number } };
  return Number(balance.total);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
