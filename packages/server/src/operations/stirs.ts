/** Readers at the log's end that wait for the next event of theirs. */
import type { StoredEvent } from "@broadtape/protocol/event";
import { Refusal } from "@broadtape/protocol/errors";
import type { Clock } from "../engine/clock.ts";

const MOST = 200;
const RETRY_MS = 1000;

interface Waiting {
  readonly wants: (event: StoredEvent) => boolean;
  readonly stir: () => void;
  readonly giveUp: () => void;
}

export class Stirs {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Called with every event once it was routed. */
  hear(event: StoredEvent): void {
    if (this.#waiting.size === 0) return;
    for (const each of this.#waiting) if (each.wants(event)) each.stir();
  }

  /** Nobody waits any longer. */
  release(): void {
    for (const { giveUp } of this.#waiting) giveUp();
  }

  /** True when there is such an event; false after `ms`, or when the reader is gone. Throws LIMIT_REACHED where too many wait. */
  async wait(wants: Waiting["wants"], ms: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#waiting.size >= MOST)
      throw new Refusal("LIMIT_REACHED", "too many readers wait at the log's end", { retryAfterMs: RETRY_MS });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = () => {
      resolve(false);
    };
    const waiting = {
      wants,
      stir: () => {
        resolve(true);
      },
      giveUp,
    };
    this.#waiting.add(waiting);
    const cancel = this.#clock.after(ms, giveUp);
    signal.addEventListener("abort", giveUp);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(waiting);
      cancel();
      signal.removeEventListener("abort", giveUp);
    }
  }
}
