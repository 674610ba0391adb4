/**
 * How far this node's clock is from the database's. What is measured is how far the database is from a clock that is never set: so
 * that setting this node's clock moves nothing at all.
 */

export interface LocalClock {
  /** Milliseconds since the epoch, as this node has them. May be wrong, and may jump. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly monotonic: () => number;
}

/** Measurements remembered. Of these, the one with the shortest round trip is the best. */
const REMEMBERED = 8;
/** What is off by more than a measurement can be wrong, and by more than this, is a step when it is found so often in a row. */
const STEP_MS = 100;
const STEP_MEASUREMENTS = 3;
/** What is off by less is drift and noise: so much of it is followed with each measurement. */
const SLEW_MS = 5;
/** Whole milliseconds read at another moment differ by so much. */
const JITTER_MS = 2;

interface Measurement {
  /** The database's time less the monotonic one. */
  readonly lead: number;
  readonly roundTrip: number;
}

export class DatabaseClock {
  readonly #local: LocalClock;
  #remembered: Measurement[] = [];
  /** The last ones that contradict {@link #lead}. */
  #contrary: Measurement[] = [];
  #lead: number | undefined;
  #told = 0;

  constructor(local: LocalClock) {
    this.#local = local;
  }

  /** What to add to this node's time for the database's. Zero until it is measured. */
  offsetMs(): number {
    if (this.#lead === undefined) return 0;
    const offset = this.#lead + this.#local.monotonic() - this.#local.now();
    if (Math.abs(offset - this.#told) > JITTER_MS) this.#told = Math.round(offset);
    return this.#told;
  }

  /** Asks for the database's time, in milliseconds since the epoch. Rejects as that does. */
  async measure(ask: () => Promise<number>): Promise<void> {
    const asked = this.#local.monotonic();
    const time = await ask();
    const roundTrip = this.#local.monotonic() - asked;
    this.#add({ lead: time - asked - roundTrip / 2, roundTrip });
  }

  #add(measurement: Measurement): void {
    this.#remembered = [...this.#remembered.slice(1 - REMEMBERED), measurement];
    if (this.#lead === undefined) {
      this.#lead = measurement.lead;
      return;
    }
    const isContrary = Math.abs(measurement.lead - this.#lead) > STEP_MS + measurement.roundTrip / 2;
    this.#contrary = isContrary ? [...this.#contrary, measurement] : [];
    if (this.#contrary.length >= STEP_MEASUREMENTS) {
      this.#remembered = this.#contrary;
      this.#contrary = [];
      this.#lead = bestOf(this.#remembered).lead;
    } else if (!isContrary) {
      const behind = bestOf(this.#remembered).lead - this.#lead;
      this.#lead += Math.max(-SLEW_MS, Math.min(SLEW_MS, behind));
    }
  }

  /** After the first measurements: the best of them, at once. */
  settle(): void {
    if (this.#remembered.length > 0) this.#lead = bestOf(this.#remembered).lead;
  }
}

function bestOf(measurements: readonly Measurement[]): Measurement {
  return measurements.reduce((best, next) => (next.roundTrip < best.roundTrip ? next : best));
}
