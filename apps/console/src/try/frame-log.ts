/** The newest frames of a connection, as they came, in bounded memory. */

export interface RawFrame {
  /** Counted from 0 over the page's life. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly direction: "in" | "out";
  readonly text: string;
}

export const MAX_FRAMES = 5000;
/** Of text, counted in UTF-16 units. */
export const MAX_CHARACTERS = 8_000_000;

export class FrameLog {
  /** Invariant: consecutive numbers; never more than the limits allow, and the newest frame always. */
  #frames: RawFrame[] = [];
  #characters = 0;
  #total = 0;

  /** All that ever came, those forgotten included. */
  get total(): number {
    return this.#total;
  }

  /** As they stand now: what comes later changes nothing of it. */
  frames(): readonly RawFrame[] {
    return this.#frames.slice();
  }

  add(frame: Omit<RawFrame, "number">): void {
    this.#frames.push({ ...frame, number: this.#total++ });
    this.#characters += frame.text.length;
    let forgotten = 0;
    for (const { text } of this.#frames) {
      const left = this.#frames.length - forgotten;
      if (left === 1 || (left <= MAX_FRAMES && this.#characters <= MAX_CHARACTERS)) break;
      this.#characters -= text.length;
      forgotten += 1;
    }
    if (forgotten > 0) this.#frames.splice(0, forgotten);
  }

  clear(): void {
    this.#frames = [];
    this.#characters = 0;
  }
}
