/**
 * How far a client has acknowledged (contract 30-transactions "Delivery guarantee"): a cursor and the gaps below it, not a
 * row per event. Knows offsets alone: whose they are and which life of the log they belong to is checked before.
 */
import type { Offset } from "@broadtape/protocol/event-id";

/** Events in flight unacknowledged, where a connection names no other number (`?window=`). */
export const DEFAULT_ACK_WINDOW = 256;

/** As the registry keeps it; both parts belong into one write. */
export interface AckedState {
  /** Nothing above it was sent. What is not above it is acknowledged, or was none of the client's, but for the gaps. */
  readonly upTo: Offset;
  /** Sent and not acknowledged, ascending. */
  readonly gaps: readonly Offset[];
}

export class AckedPosition {
  /** The most gaps that {@link sent} opens. */
  readonly window: number;
  /** Every offset up to and including `upTo` was sent or passed; those in `gaps` are not acknowledged. */
  #upTo: Offset;
  /** Strictly ascending, none above `upTo`. */
  readonly #gaps: Offset[];

  /** @param state where the client is; `gaps` of a wider window than this one are kept. Throws for what was never a state. */
  constructor({ upTo, gaps }: AckedState, window: number = DEFAULT_ACK_WINDOW) {
    const isAscending = gaps.every((gap, index) => Number.isSafeInteger(gap) && gap > (gaps[index - 1] ?? 0) && gap <= upTo);
    if (!Number.isSafeInteger(upTo) || upTo < 0 || !isAscending) throw new RangeError("gaps must ascend, from 1 and up to the cursor");
    if (!Number.isSafeInteger(window) || window < 1) throw new RangeError("the window must hold at least one event");
    this.window = window;
    this.#upTo = upTo;
    this.#gaps = [...gaps];
  }

  /** The newest cursor from which a resume misses nothing that is not acknowledged. */
  get position(): Offset {
    const [oldest] = this.#gaps;
    return oldest === undefined ? this.#upTo : oldest - 1;
  }

  /** Where sending goes on: what is above it was never sent. */
  get sentTo(): Offset {
    return this.#upTo;
  }

  get inFlight(): number {
    return this.#gaps.length;
  }

  get isFull(): boolean {
    return this.#gaps.length >= this.window;
  }

  /**
   * The event was sent and waits for its acknowledgement. Sent again, or acknowledged before: nothing changes. Throws where
   * the window is full: who sends asks {@link isFull} first.
   */
  sent(offset: Offset): void {
    if (offset <= this.#upTo) return;
    if (!Number.isSafeInteger(offset)) throw new RangeError(`${offset} is no offset`);
    if (this.isFull) throw new RangeError(`more than ${this.window} events in flight`);
    this.#gaps.push(offset);
    this.#upTo = offset;
  }

  /** An event that was acknowledged or passed is sent once more and waits for its ack. Throws where the window is full. */
  reopen(offset: Offset): void {
    const index = this.#countBelow(offset);
    if (offset > this.#upTo || this.#gaps[index] === offset) return;
    if (this.isFull) throw new RangeError(`more than ${this.window} events in flight`);
    this.#gaps.splice(index, 0, offset);
  }

  /** What is not above it needs no acknowledgement: filtered away, none of the client's, or sent to a client that gives none. */
  passed(offset: Offset): void {
    if (Number.isSafeInteger(offset) && offset > this.#upTo) this.#upTo = offset;
  }

  /** Whether it was waited for. Unknown, foreign and repeated ones change nothing. */
  ack(offset: Offset): boolean {
    const index = this.#countBelow(offset);
    if (this.#gaps[index] !== offset) return false;
    this.#gaps.splice(index, 1);
    return true;
  }

  /** Acknowledges all that was sent up to and including `offset`; returns how many were waited for. */
  ackUpTo(offset: Offset): number {
    const index = this.#countBelow(offset);
    return this.#gaps.splice(0, this.#gaps[index] === offset ? index + 1 : index).length;
  }

  isPending(offset: Offset): boolean {
    return this.#gaps[this.#countBelow(offset)] === offset;
  }

  /** Sent and not acknowledged, in order. */
  pending(): readonly Offset[] {
    return [...this.#gaps];
  }

  toJSON(): AckedState {
    return { upTo: this.#upTo, gaps: [...this.#gaps] };
  }

  /** How many gaps are below `offset`. */
  #countBelow(offset: Offset): number {
    let low = 0;
    let high = this.#gaps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#gaps[middle] ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
