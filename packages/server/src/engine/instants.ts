/** When the newest events were stored, by offset: what an offset needs to be spelled as the id of its event. */
import type { Offset } from "@broadtape/protocol/event-id";

/** Commits that are remembered; older offsets are spelled with the oldest instant that still is. */
const RUNS = 32_768;

/** Bounded: a ring of commits, each with the last offset it stored and its instant. Both never go back. */
export class Instants {
  readonly #upTo = new Float64Array(RUNS);
  readonly #storedAt = new Float64Array(RUNS);
  /** Runs ever added; the newest stands at `#count - 1`. */
  #count = 0;

  /** Events up to `offset`, after those of the call before, were stored at `storedAt` (milliseconds since the epoch). */
  add(offset: Offset, storedAt: number): void {
    const isSame = this.#count > 0 && this.#storedAt[(this.#count - 1) % RUNS] === storedAt;
    if (!isSame) this.#count += 1;
    const slot = (this.#count - 1) % RUNS;
    this.#upTo[slot] = offset;
    this.#storedAt[slot] = storedAt;
  }

  /** When the event at `offset` was stored; 0 where nothing is known, or for the place before the first event. */
  at(offset: Offset): number {
    if (offset <= 0 || this.#count === 0) return 0;
    let low = Math.max(0, this.#count - RUNS);
    let high = this.#count - 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#upTo[middle % RUNS] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return this.#storedAt[low % RUNS] ?? 0;
  }
}
