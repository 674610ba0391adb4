/** Durations counted in buckets that grow by a fifth each: fine enough for a 99th percentile, and a few stores to count one. */
import type { LatencyBuckets } from "@broadtape/protocol/operations";
import { known } from "./told.ts";

const FLOOR_MS = 0.05;
const PER_OCTAVE = 4;
/** The last one has no end; it begins at about 74 s. */
export const BUCKETS = 84;

export class Latency {
  #counts = new Uint32Array(BUCKETS);
  #maxMs = 0;

  /** Hot path: one call a message. */
  observe(ms: number): void {
    const index = indexOf(ms);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** What was counted since the last time. */
  take(): Counted {
    const counted = { counts: this.#counts, maxMs: this.#maxMs };
    this.#counts = new Uint32Array(BUCKETS);
    this.#maxMs = 0;
    return counted;
  }
}

export interface Counted {
  readonly counts: Uint32Array;
  readonly maxMs: number;
}

export function sumOf(all: Iterable<Counted>): Counted {
  const counts = new Uint32Array(BUCKETS);
  let maxMs = 0;
  for (const each of all) {
    for (const [index, count] of each.counts.entries()) counts[index] = (counts[index] ?? 0) + count;
    maxMs = Math.max(maxMs, each.maxMs);
  }
  return { counts, maxMs };
}

/** As nodes tell it each other: most buckets are empty. */
export interface ToldLatency {
  /** Index of a bucket and its count, one after the other. */
  readonly filled: readonly number[];
  readonly maxMs: number;
}

export function toldOf({ counts, maxMs }: Counted): ToldLatency {
  return { filled: [...counts.entries()].filter(([, count]) => count > 0).flat(), maxMs };
}

export function countedOf({ filled, maxMs }: ToldLatency): Counted {
  const counts = new Uint32Array(BUCKETS);
  for (let at = 0; at + 1 < filled.length; at += 2) counts[filled[at] ?? 0] = filled[at + 1] ?? 0;
  return { counts, maxMs: known(maxMs) };
}

export function histogramOf(counted: Counted): LatencyBuckets {
  const buckets = [...counted.counts].map((count, index) => ({
    fromMs: beginOf(index),
    toMs: index === BUCKETS - 1 ? null : beginOf(index + 1),
    count,
  }));
  return { count: countOf(counted.counts), ...quantilesOf(counted), buckets: withoutEmptyEnds(buckets) };
}

function withoutEmptyEnds<T extends { readonly count: number }>(buckets: readonly T[]): T[] {
  const first = buckets.findIndex(({ count }) => count > 0);
  return first < 0 ? [] : buckets.slice(first, buckets.findLastIndex(({ count }) => count > 0) + 1);
}

/** Null where nothing was counted. */
export function quantilesOf({ counts, maxMs }: Counted): {
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
} {
  const total = countOf(counts);
  if (total === 0) return { p50Ms: null, p99Ms: null, maxMs: null };
  return { p50Ms: quantile(counts, total * 0.5, maxMs), p99Ms: quantile(counts, total * 0.99, maxMs), maxMs };
}

export function countOf(counts: Uint32Array): number {
  return counts.reduce((sum, each) => sum + each, 0);
}

/** Where bucket `index` begins. */
export function beginOf(index: number): number {
  return index === 0 ? 0 : FLOOR_MS * 2 ** ((index - 1) / PER_OCTAVE);
}

function indexOf(ms: number): number {
  if (ms < FLOOR_MS) return 0;
  return Math.min(BUCKETS - 1, 1 + Math.floor(Math.log2(ms / FLOOR_MS) * PER_OCTAVE));
}

/** As if durations were spread evenly within their bucket. */
function quantile(counts: Uint32Array, rank: number, maxMs: number): number {
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = beginOf(index);
      const to = index === BUCKETS - 1 ? maxMs : beginOf(index + 1);
      return Math.min(maxMs, from + ((to - from) * (rank - below)) / count);
    }
    below += count;
  }
  return maxMs;
}
