/** The newest lossless messages, encoded: most catch-ups after a short cut never touch the disk. Bounded by count and bytes. */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Message } from "./message.ts";

interface Step {
  /** Newest offset of the publish batch. */
  readonly upTo: Offset;
  readonly storedAt: number;
  readonly messages: readonly Message[];
  readonly bytes: number;
}

export class Ring {
  readonly #limits: { readonly events: number; readonly bytes: number };
  /** One a publish batch, in log order. The first `#start` ones are gone: undefined, so that they cost a reference. */
  #steps: (Step | undefined)[] = [];
  #start = 0;
  #bytes = 0;
  #messages = 0;
  /** Invariant: every lossless message after this offset and up to the newest is here. */
  #floor: Offset;

  constructor(floor: Offset, limits: { readonly events: number; readonly bytes: number }) {
    this.#floor = floor;
    this.#limits = limits;
  }

  /** Whether everything after `offset` is here. */
  covers(offset: Offset): boolean {
    return offset >= this.#floor;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a publish batch. Batches without lossless messages cost nothing. */
  add(upTo: Offset, storedAt: number, messages: readonly Message[]): void {
    if (messages.length === 0) return;
    // Text and up to two frames of it.
    const bytes = messages.reduce((sum, message) => sum + 3 * message.size, 0);
    this.#steps.push({ upTo, storedAt, messages, bytes });
    this.#bytes += bytes;
    this.#messages += messages.length;
    while (this.#messages > this.#limits.events || this.#bytes > this.#limits.bytes) this.#dropOldest();
  }

  /** Publish batches after `offset`, oldest first. Only where {@link covers} it. */
  *after(offset: Offset): Iterable<Step> {
    for (let index = this.#firstAfter(offset); index < this.#steps.length; index++) {
      const step = this.#steps[index];
      if (step !== undefined) yield step;
    }
  }

  #firstAfter(offset: Offset): number {
    let low = this.#start;
    let high = this.#steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#steps[middle]?.upTo ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #dropOldest(): void {
    const step = this.#steps[this.#start];
    if (step === undefined) return;
    this.#steps[this.#start] = undefined;
    this.#start += 1;
    this.#floor = step.upTo;
    this.#bytes -= step.bytes;
    this.#messages -= step.messages.length;
    if (this.#start > 1024 && this.#start * 2 > this.#steps.length) {
      this.#steps = this.#steps.slice(this.#start);
      this.#start = 0;
    }
  }
}
