/** The last hour of the node, a sample every few seconds, in bounded memory. */
import type { OperationsSample } from "@broadtape/protocol/operations";
import { isoTime } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { Meter } from "../engine/meter.ts";
import { type Counted, Latency, quantilesOf, sumOf } from "./latency.ts";
import { standingOf } from "./standing.ts";

export const SAMPLE_MS = 5000;
const KEPT_MS = 3_600_000;
const KEPT = KEPT_MS / SAMPLE_MS;

/** What happened, counted. */
export type Counters = Readonly<Record<Exclude<keyof Meter, "keptRows" | "publishToWrite" | "storedToWrite" | "witness">, number>>;

/** What the process tells of itself. */
export interface Host {
  /** Share of time in which the event loop was busy since it was last asked, 0 to 1. */
  readonly eventLoop: () => number;
  readonly rssBytes: () => number;
}

export interface Kept {
  /** Its end. */
  readonly at: number;
  readonly sample: OperationsSample;
  /** From publish to write, of what this node took. */
  readonly latency: Counted;
  /** From the log's stamp to the write, of what any node took. */
  readonly stored: Counted;
}

export class History {
  readonly latency = new Latency();
  readonly stored = new Latency();
  readonly #host: Host;
  /** Oldest first; never more than {@link KEPT}. */
  readonly #kept: Kept[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  /** Takes samples of this engine until its wheel stops. */
  observe(engine: Engine): void {
    this.#sampleLater(engine, engine.clock.monotonic(), countersOf(engine.meter));
  }

  /** Oldest first; those that ended after this time, where it is given. */
  kept(after = -Infinity): readonly Kept[] {
    return this.#kept.filter(({ at }) => at > after);
  }

  get newest(): OperationsSample | undefined {
    return this.#kept.at(-1)?.sample;
  }

  /** Of samples that ended after this time. */
  latencyAfter(after: number): Pick<Kept, "latency" | "stored"> {
    const kept = this.kept(after);
    return { latency: sumOf(kept.map(({ latency }) => latency)), stored: sumOf(kept.map(({ stored }) => stored)) };
  }

  /** At times that are the same on every node, so that samples of several nodes can be added up. */
  #sampleLater(engine: Engine, since: number, before: Counters): void {
    const wall = engine.clock.now();
    engine.wheel.arm((slotOf(wall) + 1) * SAMPLE_MS - wall, () => {
      const counters = countersOf(engine.meter);
      const now = engine.clock.monotonic();
      this.#add(engine, now - since, differenceOf(counters, before));
      this.#sampleLater(engine, now, counters);
    });
  }

  #add(engine: Engine, ms: number, counters: Counters): void {
    const latency = this.latency.take();
    const stored = this.stored.take();
    const at = engine.clock.now();
    const sample: OperationsSample = {
      at: isoTime(at),
      ms: Math.round(ms),
      ...counters,
      ...quantilesOf(latency),
      stored: quantilesOf(stored),
      connections: engine.sessions.size,
      users: engine.sessions.users,
      ...standingOf(engine.sessions.values()),
      lagEvents: Math.max(0, engine.bounds().head - engine.routedTo),
      eventLoop: this.#host.eventLoop(),
      rssBytes: this.#host.rssBytes(),
    };
    this.#kept.push({ at, sample, latency, stored });
    if (this.#kept.length > KEPT) this.#kept.shift();
  }
}

/** Which of the times at which nodes take samples is the nearest. */
export function slotOf(at: number): number {
  return Math.round(at / SAMPLE_MS);
}

export function countersOf(meter: Meter): Counters {
  const { published, duplicates, refused, delivered, writes, bytes } = meter;
  const { conflated, paused, replayed, resynced, redelivered, pendingLost } = meter;
  let dropped = 0;
  for (const count of meter.dropped.values()) dropped += count;
  return {
    published,
    duplicates,
    refused,
    delivered,
    writes,
    bytes,
    conflated,
    paused,
    replayed,
    resynced,
    redelivered,
    pendingLost,
    dropped,
  };
}

function differenceOf(now: Counters, before: Counters): Counters {
  return combined(now, before, (a, b) => a - b);
}

export function combined(one: Counters, other: Counters, combine: (a: number, b: number) => number): Counters {
  return {
    published: combine(one.published, other.published),
    duplicates: combine(one.duplicates, other.duplicates),
    refused: combine(one.refused, other.refused),
    delivered: combine(one.delivered, other.delivered),
    writes: combine(one.writes, other.writes),
    bytes: combine(one.bytes, other.bytes),
    conflated: combine(one.conflated, other.conflated),
    paused: combine(one.paused, other.paused),
    replayed: combine(one.replayed, other.replayed),
    resynced: combine(one.resynced, other.resynced),
    redelivered: combine(one.redelivered, other.redelivered),
    pendingLost: combine(one.pendingLost, other.pendingLost),
    dropped: combine(one.dropped, other.dropped),
  };
}
