/** The SDK's own client: everything once, in order, whatever happens, also where it ends and goes on elsewhere with its cursors. */
import { setTimeout as passed } from "node:timers/promises";
import { Broadtape } from "@broadtape/client";
import { type Journal, differences, offsetsOf } from "./journal.ts";
import { RECONNECTION_DELAY_MS, type Reader, type ReaderContext, bearerOf, leak, missing, offsetOf } from "./reader.ts";

/** Follows topics over the native protocol; now and then ends, and goes on elsewhere with its cursors. */
export class TapeReader implements Reader {
  readonly #context: ReaderContext;
  readonly #transport: "websocket" | "sse";
  readonly #told = new Map<string, number[]>();
  readonly #cursors = new Map<string, string>();
  #tape: Broadtape | undefined;
  #isSettled = false;

  private constructor(context: ReaderContext, transport: "websocket" | "sse") {
    this.#context = context;
    this.#transport = transport;
    for (const kind of ["orders", "transactions", "fraud", "alerts"]) this.#told.set(kind, []);
  }

  static async open(context: ReaderContext, transport: "websocket" | "sse", isMoving: boolean): Promise<TapeReader> {
    const reader = new TapeReader(context, transport);
    await reader.#open();
    if (isMoving) void reader.#move();
    return reader;
  }

  settle(): void {
    this.#isSettled = true;
  }

  behind(journal: Journal): string | undefined {
    const { state } = this.#tape?.status.get() ?? { state: "nothing" };
    if (state !== "live") return `is ${state}`;
    for (const [kind, told] of this.#told) {
      const behind = missing(this.#expected(journal, kind), new Set(told));
      if (behind !== undefined) return `${kind}: ${behind}`;
    }
    return undefined;
  }

  faults(journal: Journal): string[] {
    return [...this.#told].flatMap(([kind, told]) => differences(this.#expected(journal, kind), told).map((fault) => `${kind}: ${fault}`));
  }

  close(): void {
    this.#tape?.close();
  }

  async #open(): Promise<void> {
    const { random, urls, onViolation } = this.#context;
    const tape = new Broadtape({
      url: random.oneOf(urls),
      token: await bearerOf(this.#context),
      transport: this.#transport,
      reconnectionDelay: RECONNECTION_DELAY_MS,
      onError: (error) => onViolation(`a callback threw ${String(error)}`),
    });
    this.#tape = tape;
    const following = [...this.#told].map(async ([kind, told]) => {
      const { ready } = tape.follow<string>(
        `${kind}:me`,
        {
          onSnapshot: (_state, { cursor }) => {
            if (!this.#cursors.has(kind)) this.#cursors.set(kind, cursor);
          },
          onEvent: ({ eventId = "", data }) => {
            told.push(offsetOf(eventId));
            this.#cursors.set(kind, eventId);
            const leaked = leak(this.#context, data);
            if (leaked !== undefined) onViolation(leaked);
          },
          onResync: (reason) => onViolation(`had to begin anew: ${reason}`),
        },
        { after: this.#cursors.get(kind) },
      );
      const answer = await ready;
      if (!answer.ok && answer.code !== "CLOSED") onViolation(`was refused ${kind}: ${JSON.stringify(answer)}`);
    });
    await Promise.all(following);
  }

  async #move(): Promise<void> {
    while (this.#mayMove()) {
      await passed(this.#context.random.between(500, 12_000));
      if (!this.#mayMove()) return;
      this.#tape?.close();
      await passed(this.#context.random.between(0, 1500));
      void this.#open();
    }
  }

  #mayMove(): boolean {
    return !this.#isSettled;
  }

  #expected(journal: Journal, kind: string): number[] {
    const { tenant, user } = this.#context;
    return offsetsOf(journal, tenant, [`${kind}:${user}`]);
  }
}
