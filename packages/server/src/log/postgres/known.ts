/** What this node knows of where the log stands, whoever told it. Never goes back: answers may arrive in any order. */
import type { LogBounds } from "../log.ts";

export class Known {
  readonly #hearers = new Set<(bounds: LogBounds) => void>();
  #bounds: LogBounds;

  constructor(bounds: LogBounds) {
    this.#bounds = onlyBounds(bounds);
  }

  get bounds(): LogBounds {
    return this.#bounds;
  }

  /** Hears of every step. Returns how to stop hearing. */
  onMoved(hear: (bounds: LogBounds) => void): () => void {
    this.#hearers.add(hear);
    return () => void this.#hearers.delete(hear);
  }

  learn({ oldest, head, headStoredAt }: LogBounds): void {
    const before = this.#bounds;
    if (oldest <= before.oldest && head <= before.head) return;
    this.#bounds = {
      oldest: Math.max(oldest, before.oldest),
      head: Math.max(head, before.head),
      headStoredAt: Math.max(headStoredAt, before.headStoredAt),
    };
    for (const hear of this.#hearers) hear(this.#bounds);
  }
}

function onlyBounds({ oldest, head, headStoredAt }: LogBounds): LogBounds {
  return { oldest, head, headStoredAt };
}
