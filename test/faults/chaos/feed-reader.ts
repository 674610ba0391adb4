/** The SDK's client of the money feed. */
import { setTimeout as passed } from "node:timers/promises";
import { TransactionFeedClient } from "@broadtape/client/transactions";
import { type Journal, differences, offsetsOf } from "./journal.ts";
import { RECONNECTION_DELAY_MS, type Reader, type ReaderContext, bearerOf, leak, missing, offsetOf } from "./reader.ts";

/** The money feed with its acks. One client is told everything once; another one that comes after it what that did not acknowledge, too. */
export class FeedReader implements Reader {
  readonly #context: ReaderContext;
  readonly #told: number[] = [];
  #client: TransactionFeedClient | undefined;
  #isSettled = false;

  constructor(context: ReaderContext, isMoving: boolean) {
    this.#context = context;
    this.#open();
    if (isMoving) void this.#move();
  }

  settle(): void {
    this.#isSettled = true;
  }

  behind(journal: Journal): string | undefined {
    if (this.#client?.state !== "live") return `is ${this.#client?.state ?? "nothing"}`;
    return missing(this.#expected(journal), new Set(this.#told));
  }

  faults(journal: Journal): string[] {
    return differences(this.#expected(journal), [...new Set(this.#told)]);
  }

  close(): void {
    this.#client?.disconnect();
  }

  #open(): void {
    const { random, urls, name, onViolation } = this.#context;
    const here = new Set<number>();
    const client = new TransactionFeedClient({
      url: random.oneOf(urls),
      token: () => bearerOf(this.#context),
      clientId: name,
      events: ["transaction", "fraud"],
      reconnectionDelay: RECONNECTION_DELAY_MS,
      onError: (error) => onViolation(`an error nobody took: ${String(error)}`),
    });
    const take = async ({ eventId }: { readonly eventId: string }, body: unknown) => {
      const offset = offsetOf(eventId);
      if (here.has(offset)) onViolation(`was handed ${offset} twice`);
      here.add(offset);
      this.#told.push(offset);
      const leaked = leak(this.#context, body);
      if (leaked !== undefined) onViolation(leaked);
      await passed(random.between(0, 20));
    };
    client.on("transaction", (message) => take(message, message.transaction));
    client.on("fraud", (message) => take(message, message.alert));
    client.on("resync", ({ reason }) => onViolation(`had to begin anew: ${reason}`));
    // An ack of the one before may come to its node later than this one; it takes over.
    client.on("error", (error) => {
      if (this.#client === client && error.code !== "SHUTTING_DOWN") onViolation(`was refused: ${error.code} ${error.message}`);
    });
    this.#client = client;
  }

  async #move(): Promise<void> {
    const { random } = this.#context;
    while (this.#mayMove()) {
      await passed(random.between(1000, 12_000));
      if (!this.#mayMove()) return;
      // A page is closed, and opened elsewhere.
      this.#client?.disconnect();
      await passed(random.is(0.5) ? 0 : random.between(0, 3000));
      this.#open();
    }
  }

  #mayMove(): boolean {
    return !this.#isSettled;
  }

  #expected(journal: Journal): number[] {
    const { tenant, user } = this.#context;
    return offsetsOf(journal, tenant, [`transactions:${user}`, `fraud:${user}`]);
  }
}
