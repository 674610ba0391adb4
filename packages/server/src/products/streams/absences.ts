/** Who had a connection to a stream, and how far it was when its last one ended (contract 50-sse "Buffer"). */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Clock } from "../../engine/clock.ts";
import type { Desk } from "../../engine/surface.ts";

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

/** How a reader stands at a node. */
interface Standing {
  readonly isPresent: boolean;
  /** Where its last connection there ended, if that is remembered. */
  readonly after: Offset | undefined;
}

/** A stream is not held up for longer by a node that died: who asks it is told a little more than it missed. */
const ASK_MS = 500;
/** Departures remembered; beyond it the oldest is forgotten first, as if that reader had never been here. */
const MAX_DEPARTURES = 100_000;

export class Absences {
  readonly #clock: Clock;
  readonly #rules: AbsenceRules;
  readonly #cluster: Desk["cluster"];
  readonly #kind: string;
  /** Connections by reader. Bounded by the connections. */
  readonly #present = new Map<string, number>();
  /** In order of departure; none is present, and none left longer ago than what is told anybody. */
  readonly #departures = new Map<string, Departure>();

  /** @param stream its name, by which it is the same on all nodes */
  constructor({ clock, cluster }: Pick<Desk, "clock" | "cluster">, stream: string, rules: AbsenceRules) {
    this.#clock = clock;
    this.#rules = rules;
    this.#cluster = cluster;
    this.#kind = `absence ${stream}`;
    cluster.onAsked(this.#kind, (reader) => JSON.stringify(this.#standing(reader)));
  }

  /** Departures that are remembered; a metric. */
  get size(): number {
    return this.#departures.size;
  }

  /** What the reader has missed; undefined while it has a connection at any node. Who is not known has missed all. */
  async since(reader: string): Promise<Missed | undefined> {
    const own = this.#standing(reader);
    if (own.isPresent) return undefined;
    const answers = this.#cluster.others().length === 0 ? [] : await this.#cluster.ask(this.#kind, reader, { timeoutMs: ASK_MS });
    // What another node of this release wrote.
    const standings = [own, ...answers.map(({ body }) => JSON.parse(body) as Standing)];
    if (standings.some(({ isPresent }) => isPresent)) return undefined;
    const { events, ageMs } = this.#rules;
    return { after: Math.max(...standings.map(({ after = 0 }) => after)), most: events, since: this.#clock.now() - ageMs };
  }

  #standing(reader: string): Standing {
    this.#forget();
    return { isPresent: this.#present.has(reader), after: this.#departures.get(reader)?.after };
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
