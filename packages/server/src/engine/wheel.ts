/**
 * One timer for all deadlines of the engine: heartbeats, pacing, expiries, idle and slow clients.
 *
 * A deadline never fires early and fires at most one slot (plus the event loop's delay) late. Deadlines are kept in
 * buckets, so arming, disarming and firing cost the same with ten or with a hundred thousand of them.
 */
import type { Clock } from "./clock.ts";

const SLOT_MS = 4;
const SLOTS = 4096;

/** Something armed on the wheel. */
export interface Deadline {
  readonly at: number;
  readonly run: () => void;
  /** True once disarmed or fired. */
  done: boolean;
}

export class Wheel {
  readonly #clock: Clock;
  readonly #buckets: Deadline[][] = Array.from({ length: SLOTS }, () => []);
  /** Invariant: every armed deadline with a slot number below this one has fired. */
  #nextSlot: number;
  #armed = 0;
  #stopTimer: (() => void) | undefined;
  #wakeAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nextSlot = Math.floor(clock.monotonic() / SLOT_MS);
  }

  /** How many deadlines are armed; a metric. */
  get size(): number {
    return this.#armed;
  }

  /** Runs `run` once, `ms` from now or as soon after as the loop allows. */
  arm(ms: number, run: () => void): Deadline {
    const now = this.#clock.monotonic();
    const deadline: Deadline = { at: now + Math.max(0, ms), run, done: false };
    const slot = Math.max(Math.ceil(deadline.at / SLOT_MS), this.#nextSlot);
    bucketOf(this.#buckets, slot).push(deadline);
    this.#armed += 1;
    this.#wake(Math.min(slot * SLOT_MS, now + (SLOTS / 2) * SLOT_MS), now);
    return deadline;
  }

  disarm(deadline: Deadline | undefined): void {
    if (deadline === undefined || deadline.done) return;
    deadline.done = true;
    this.#armed -= 1;
  }

  /** Disarms everything. */
  stop(): void {
    for (const bucket of this.#buckets) bucket.length = 0;
    this.#armed = 0;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#wakeAt = Infinity;
  }

  #wake(at: number, now: number): void {
    if (at >= this.#wakeAt) return;
    this.#stopTimer?.();
    this.#wakeAt = at;
    this.#stopTimer = this.#clock.after(Math.max(0, at - now), () => {
      this.#turn();
    });
  }

  #turn(): void {
    this.#stopTimer = undefined;
    this.#wakeAt = Infinity;
    const now = this.#clock.monotonic();
    const lastSlot = Math.floor(now / SLOT_MS);
    const due: Deadline[] = [];
    // After a pause longer than one round every bucket holds what is due: each needs one look only.
    const first = Math.max(this.#nextSlot, lastSlot - SLOTS + 1);
    for (let slot = first; slot <= lastSlot; slot++) {
      const bucket = bucketOf(this.#buckets, slot);
      if (bucket.length === 0) continue;
      const later = bucket.filter((deadline) => !deadline.done && deadline.at > now);
      for (const deadline of bucket) if (!deadline.done && deadline.at <= now) due.push(deadline);
      bucket.length = 0;
      bucket.push(...later);
    }
    this.#nextSlot = lastSlot + 1;
    due.sort((a, b) => a.at - b.at);
    for (const deadline of due) {
      if (deadline.done) continue;
      deadline.done = true;
      this.#armed -= 1;
      deadline.run();
    }
    if (this.#armed > 0) this.#wake(this.#nextBusySlot() * SLOT_MS, now);
  }

  /** The first slot from the next one on whose bucket is not empty, at most half a round away. */
  #nextBusySlot(): number {
    for (let slot = this.#nextSlot; slot < this.#nextSlot + SLOTS / 2; slot++) {
      if (bucketOf(this.#buckets, slot).length > 0) return slot;
    }
    return this.#nextSlot + SLOTS / 2;
  }
}

function bucketOf(buckets: readonly Deadline[][], slot: number): Deadline[] {
  const bucket = buckets[slot % SLOTS];
  if (bucket === undefined) throw new Error(`wheel slot ${slot} out of range`);
  return bucket;
}
