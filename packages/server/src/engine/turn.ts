/**
 * What leaves in one turn of the event loop: everything that was routed since the last one goes to each connection in one
 * write (design.md, idea 4). With a window, turns are at least that far apart.
 */
import type { Clock } from "./clock.ts";
import type { Message } from "./message.ts";
import type { Meter } from "./meter.ts";
import type { Outgoing } from "./outgoing.ts";
import { Sequence } from "./sequence.ts";

export class Turn {
  /** Where every list of this turn starts, so that equal lists are one object. */
  empty: Sequence = Sequence.empty();
  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #windowMs: number;
  #outgoing: Outgoing[] = [];
  #routed: Message[] = [];
  #scheduled = false;

  constructor(clock: Clock, meter: Meter, windowMs: number) {
    this.#clock = clock;
    this.#meter = meter;
    this.#windowMs = windowMs;
  }

  /** Flushes this at the end of the turn. */
  add(outgoing: Outgoing): void {
    this.#outgoing.push(outgoing);
    this.#schedule();
  }

  /** Measures how long this message took to be written. */
  measure(message: Message): void {
    this.#routed.push(message);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#windowMs > 0) {
      this.#clock.after(this.#windowMs, () => {
        this.flush();
      });
    } else {
      this.#clock.endOfTurn(() => {
        this.flush();
      });
    }
  }

  flush(): void {
    this.#scheduled = false;
    const outgoing = this.#outgoing;
    const routed = this.#routed;
    this.#outgoing = [];
    this.#routed = [];
    this.empty = Sequence.empty();
    for (const each of outgoing) each.flush();
    if (routed.length === 0) return;
    const now = this.#clock.monotonic();
    const wall = this.#clock.now();
    for (const { receivedAt, storedAt } of routed) {
      // What another node was asked to publish is its to measure.
      if (receivedAt > 0) this.#meter.publishToWrite((now - receivedAt) / 1000);
      // Clocks of two nodes differ by a little, and anybody's may be set.
      this.#meter.storedToWrite(Math.max(0, wall - storedAt) / 1000);
    }
  }
}
