/** How often topics are told, measured from one question to the next: nothing is measured while nobody asks. */
import type { TopicRates } from "@broadtape/protocol/operations";
import type { Clock } from "../engine/clock.ts";
import type { Topic } from "../engine/topics.ts";
import { PerTenant } from "./per-tenant.ts";

const TENANTS = 20;
/** Questions that come sooner get the answer of the last. */
const LEAST_MS = 1000;
/** After so long a rate would be of the past: it is measured anew. */
const MOST_MS = 60_000;

interface Measure {
  at: number;
  /** What had been told by then. Bounded by the topics that are followed. */
  told: ReadonlyMap<Topic, number>;
  /** A second, of the time before; null where there was none. */
  rates: ReadonlyMap<Topic, number> | null;
  overMs: number;
}

export class TopicMeter {
  readonly #clock: Clock;
  readonly #topics: { values(): Iterable<Topic> };
  readonly #measures = new PerTenant<Measure>(TENANTS, () => ({ at: -Infinity, told: new Map(), rates: null, overMs: 0 }));

  constructor(clock: Clock, topics: { values(): Iterable<Topic> }) {
    this.#clock = clock;
    this.#topics = topics;
  }

  top(tenant: string, limit: number): TopicRates {
    const topics = [...this.#topics.values()].filter((topic) => topic.tenant === tenant);
    const { rates, overMs } = this.#measure(tenant, topics);
    const rateOf = (topic: Topic) => rates?.get(topic) ?? 0;
    topics.sort((a, b) => rateOf(b) - rateOf(a) || b.told - a.told || b.followers.length - a.followers.length);
    const listed = topics.slice(0, limit).map((topic) => ({
      topic: topic.name,
      followers: topic.followers.length,
      told: topic.told,
      perSecond: rates === null ? null : rateOf(topic),
    }));
    return { measuredMs: Math.round(overMs), followed: topics.length, topics: listed };
  }

  #measure(tenant: string, topics: readonly Topic[]): Measure {
    const measure = this.#measures.of(tenant);
    const now = this.#clock.monotonic();
    const overMs = now - measure.at;
    if (overMs < LEAST_MS) return measure;
    const { told } = measure;
    const isFresh = overMs <= MOST_MS;
    measure.rates = isFresh ? new Map(topics.map((topic) => [topic, ((topic.told - (told.get(topic) ?? 0)) * 1000) / overMs])) : null;
    measure.overMs = isFresh ? overMs : 0;
    measure.told = new Map(topics.map((topic) => [topic, topic.told]));
    measure.at = now;
    return measure;
  }
}
