/** Who had a connection to a stream, and how far it was when its last one ended (contract 50-sse "Buffer"). */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Clock } from "../../engine/clock.ts";

export interface AbsenceRules {
  /** The newest so many events are told to who was away. */
  readonly events: number;
  /** None that is older. */
  readonly ageMs: number;
}

/** What somebody has missed: the newest `most` events after an offset that are not older than an instant. */
export interface Missed {
  readonly after: Offset;
  readonly most: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

interface Departure {
  readonly at: number;
  readonly after: Offset;
}

/** Departures remembered; beyond it the oldest is forgotten first, as if that reader had never been here. */
const MAX_DEPARTURES = 100_000;

export class Absences {
  readonly #clock: Clock;
  readonly #rules: AbsenceRules;
  /** Connections by reader. Bounded by the connections. */
  readonly #present = new Map<string, number>();
  /** In order of departure; none is present, and none left longer ago than what is told anybody. */
  readonly #departures = new Map<string, Departure>();

  constructor(clock: Clock, rules: AbsenceRules) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** Departures that are remembered; a metric. */
  get size(): number {
    return this.#departures.size;
  }

  /** What the reader has missed; undefined while it has a connection. Who is not known has missed all. */
  since(reader: string): Missed | undefined {
    this.#forget();
    if (this.#present.has(reader)) return undefined;
    const { events, ageMs } = this.#rules;
    return { after: this.#departures.get(reader)?.after ?? 0, most: events, since: this.#clock.now() - ageMs };
  }

  entered(reader: string): void {
    this.#present.set(reader, (this.#present.get(reader) ?? 0) + 1);
    this.#departures.delete(reader);
  }

  /** `after`: everything up to there was sent. */
  left(reader: string, after: Offset): void {
    const left = (this.#present.get(reader) ?? 1) - 1;
    if (left > 0) {
      this.#present.set(reader, left);
      return;
    }
    this.#present.delete(reader);
    this.#departures.set(reader, { at: this.#clock.monotonic(), after });
    this.#forget();
  }

  #forget(): void {
    const oldest = this.#clock.monotonic() - this.#rules.ageMs;
    for (const [reader, { at }] of this.#departures) {
      if (at >= oldest && this.#departures.size <= MAX_DEPARTURES) return;
      this.#departures.delete(reader);
    }
  }
}
