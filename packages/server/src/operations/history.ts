/** The last hour of the node, a sample every few seconds, in bounded memory. */
import type { LatencyHistogram, OperationsSample } from "@broadtape/protocol/operations";
import { isoTime } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { Meter } from "../engine/meter.ts";
import { BUCKETS, type Counted, Latency, beginOf, countOf, quantilesOf, sumOf } from "./latency.ts";
import { standingOf } from "./standing.ts";

export const SAMPLE_MS = 5000;
const KEPT_MS = 3_600_000;
const KEPT = KEPT_MS / SAMPLE_MS;

/** What happened, counted. */
export type Counters = Readonly<Record<Exclude<keyof Meter, "keptRows" | "publishToWrite" | "witness">, number>>;

/** What the process tells of itself. */
export interface Host {
  /** Share of time in which the event loop was busy since it was last asked, 0 to 1. */
  readonly eventLoop: () => number;
  readonly rssBytes: () => number;
}

interface Kept {
  readonly at: number;
  readonly sample: OperationsSample;
  readonly latency: Counted;
}

export class History {
  readonly latency = new Latency();
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
  samples(after = -Infinity): OperationsSample[] {
    return this.#kept.filter(({ at }) => at > after).map(({ sample }) => sample);
  }

  get newest(): OperationsSample | undefined {
    return this.#kept.at(-1)?.sample;
  }

  /** Of samples that ended after this time. */
  histogram(after: number, windowMs: number): LatencyHistogram {
    const counted = sumOf(this.#kept.filter(({ at }) => at > after).map(({ latency }) => latency));
    const buckets = [...counted.counts].map((count, index) => ({
      fromMs: beginOf(index),
      toMs: index === BUCKETS - 1 ? null : beginOf(index + 1),
      count,
    }));
    return { windowMs, count: countOf(counted.counts), ...quantilesOf(counted), buckets: withoutEmptyEnds(buckets) };
  }

  #sampleLater(engine: Engine, since: number, before: Counters): void {
    engine.wheel.arm(SAMPLE_MS, () => {
      const counters = countersOf(engine.meter);
      const now = engine.clock.monotonic();
      this.#add(engine, now - since, differenceOf(counters, before));
      this.#sampleLater(engine, now, counters);
    });
  }

  #add(engine: Engine, ms: number, counters: Counters): void {
    const latency = this.latency.take();
    const at = engine.clock.now();
    const sample: OperationsSample = {
      at: isoTime(at),
      ms: Math.round(ms),
      ...counters,
      ...quantilesOf(latency),
      connections: engine.sessions.size,
      users: engine.sessions.users,
      ...standingOf(engine.sessions.values()),
      lagEvents: Math.max(0, engine.bounds().head - engine.routedTo),
      eventLoop: this.#host.eventLoop(),
      rssBytes: this.#host.rssBytes(),
    };
    this.#kept.push({ at, sample, latency });
    if (this.#kept.length > KEPT) this.#kept.shift();
  }
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
  return {
    published: now.published - before.published,
    duplicates: now.duplicates - before.duplicates,
    refused: now.refused - before.refused,
    delivered: now.delivered - before.delivered,
    writes: now.writes - before.writes,
    bytes: now.bytes - before.bytes,
    conflated: now.conflated - before.conflated,
    paused: now.paused - before.paused,
    replayed: now.replayed - before.replayed,
    resynced: now.resynced - before.resynced,
    redelivered: now.redelivered - before.redelivered,
    pendingLost: now.pendingLost - before.pendingLost,
    dropped: now.dropped - before.dropped,
  };
}

function withoutEmptyEnds<T extends { readonly count: number }>(buckets: readonly T[]): T[] {
  const first = buckets.findIndex(({ count }) => count > 0);
  return first < 0 ? [] : buckets.slice(first, buckets.findLastIndex(({ count }) => count > 0) + 1);
}
