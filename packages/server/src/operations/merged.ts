/** Parts of several nodes put together; with one part, the answer is that of its node. */
import type {
  LatencyHistogram,
  LimitHit,
  LimitHits,
  OperationsHistory,
  OperationsSample,
  PublishRefusal,
  SlowConsumer,
  TopicRates,
} from "@broadtape/protocol/operations";
import { isoTime } from "../engine/clock.ts";
import type { Part, Parts } from "./asking.ts";
import { SAMPLE_MS, combined, slotOf } from "./history.ts";
import { type Counted, type ToldLatency, countedOf, histogramOf, quantilesOf, sumOf } from "./latency.ts";
import { SLOW_LISTED } from "./listed.ts";
import { known } from "./told.ts";
import type { Unnamed } from "./unnamed.ts";

/** Named in the answer where there are some: what they know is missing in it. */
export function unansweredOf({ silent }: Pick<Parts<unknown>, "silent">) {
  return silent.length === 0 ? {} : { unanswered: silent.map(({ id, name }) => ({ id, name })) };
}

export function mergedRefusals(parts: readonly Part<readonly Unnamed<PublishRefusal>[]>[], limit: number): PublishRefusal[] {
  return named(parts)
    .sort((a, b) => newestFirst(a.at, b.at))
    .slice(0, limit);
}

export interface ToldLimits {
  readonly limits: readonly Unnamed<LimitHit>[];
  readonly slow: readonly Unnamed<SlowConsumer>[];
}

export function mergedLimits(parts: readonly Part<ToldLimits>[], limit: number): LimitHits {
  const limits = named(parts.map(({ node, answer }) => ({ node, answer: answer.limits })));
  const slow = named(parts.map(({ node, answer }) => ({ node, answer: answer.slow })));
  const slowFor = ({ stuckMs, awaitsAcksMs }: SlowConsumer) => Math.max(known(stuckMs ?? 0), known(awaitsAcksMs ?? 0));
  return {
    limits: limits.sort((a, b) => newestFirst(a.lastAt, b.lastAt)).slice(0, limit),
    slow: slow.sort((a, b) => slowFor(b) - slowFor(a)).slice(0, SLOW_LISTED),
  };
}

/** Each node tells its own followers of a topic, the same as the others theirs: rates are not added up. */
export function mergedTopics(parts: readonly Part<TopicRates>[], limit: number): TopicRates {
  const [own, ...others] = parts;
  if (own === undefined || others.length === 0) return own?.answer ?? { measuredMs: 0, followed: 0, topics: [] };
  const topics = new Map<string, TopicRates["topics"][number]>();
  for (const each of parts.flatMap(({ answer }) => answer.topics)) {
    const before = topics.get(each.topic);
    const perSecond = Math.max(before?.perSecond ?? -1, each.perSecond ?? -1);
    topics.set(each.topic, {
      topic: each.topic,
      followers: (before?.followers ?? 0) + known(each.followers),
      told: Math.max(before?.told ?? 0, known(each.told)),
      perSecond: perSecond < 0 ? null : perSecond,
    });
  }
  const listed = [...topics.values()].sort(
    (a, b) => (b.perSecond ?? 0) - (a.perSecond ?? 0) || b.told - a.told || b.followers - a.followers,
  );
  return {
    measuredMs: Math.max(...parts.map(({ answer }) => known(answer.measuredMs))),
    followed: Math.max(listed.length, ...parts.map(({ answer }) => known(answer.followed))),
    topics: listed.slice(0, limit),
  };
}

/** From publish to write, and from the log's stamp to the write. */
export interface ToldLatencies extends ToldLatency {
  readonly stored?: ToldLatency | undefined;
}

export function mergedLatency(parts: readonly Part<ToldLatencies>[], windowMs: number): LatencyHistogram {
  const own = parts.map(({ answer }) => countedOf(answer));
  const stored = parts.flatMap(({ answer }) => (answer.stored === undefined ? [] : [countedOf(answer.stored)]));
  return { windowMs, ...histogramOf(sumOf(own)), stored: histogramOf(sumOf(stored)) };
}

export interface ToldSample {
  readonly at: number;
  readonly sample: OperationsSample;
  readonly latency: ToldLatency;
  readonly stored?: ToldLatency | undefined;
}

/**
 * Nodes take samples at the same times, so that those of one time are added up. `after`: as nodes were asked, each of which took its sample a little after
 * the time that this answer gives it.
 */
export function mergedHistory(parts: readonly Part<readonly ToldSample[]>[], after = -Infinity): OperationsHistory {
  const [own, ...rest] = parts;
  if (own === undefined || rest.length === 0) return { sampleMs: SAMPLE_MS, samples: (own?.answer ?? []).map(({ sample }) => sample) };
  const slots = new Map<number, ToldSample[]>();
  for (const told of parts.flatMap(({ answer }) => answer)) {
    const slot = slotOf(told.at);
    if (slot * SAMPLE_MS <= after) continue;
    const others = slots.get(slot);
    if (others === undefined) slots.set(slot, [told]);
    else others.push(told);
  }
  const newest = parts.map(({ answer }) => slotOf(answer.at(-1)?.at ?? -Infinity));
  const last = Math.max(...newest);
  // One that is about to take the newest sample has it in the next answer, with the others'.
  const isLate = newest.includes(last - 1);
  const samples = [...slots].filter(([slot]) => slot < last || !isLate).sort(([a], [b]) => a - b);
  return { sampleMs: SAMPLE_MS, samples: samples.map(([slot, told]) => sampleOf(slot, told)) };
}

function sampleOf(slot: number, told: readonly ToldSample[]): OperationsSample {
  const samples = told.map(({ sample }) => sample);
  const latency: Counted = sumOf(told.map((each) => countedOf(each.latency)));
  const stored: Counted = sumOf(told.flatMap((each) => (each.stored === undefined ? [] : [countedOf(each.stored)])));
  const sum = (of: (sample: OperationsSample) => number) => samples.reduce((total, sample) => total + known(of(sample)), 0);
  const most = (of: (sample: OperationsSample) => number) => Math.max(...samples.map((sample) => known(of(sample))));
  return {
    at: isoTime(slot * SAMPLE_MS),
    ms: most(({ ms }) => ms),
    ...samples.map((sample) => combined(sample, sample, known)).reduce((a, b) => combined(a, b, (one, other) => one + other)),
    ...quantilesOf(latency),
    stored: quantilesOf(stored),
    connections: sum(({ connections }) => connections),
    users: sum(({ users }) => users),
    pausedConnections: sum(({ pausedConnections }) => pausedConnections),
    queuedBytes: sum(({ queuedBytes }) => queuedBytes),
    heldValues: sum(({ heldValues }) => heldValues),
    lagEvents: most(({ lagEvents }) => lagEvents),
    eventLoop: most(({ eventLoop }) => eventLoop),
    rssBytes: sum(({ rssBytes }) => rssBytes),
    nodes: samples.length,
  };
}

function named<T extends object>(parts: readonly Part<readonly T[]>[]): (T & { node: string })[] {
  return parts.flatMap(({ node, answer }) => answer.map((each) => ({ ...each, node: node.name })));
}

function newestFirst(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0;
}
