/** Who follows what. A topic exists here while somebody follows it; bounded by the sessions' own limits. */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Message } from "./message.ts";
import type { Session } from "./session.ts";

/** One session's following of one topic (or of all topics of a kind that match a pattern). */
export interface Subscription {
  readonly session: Session;
  /** As the client named it: the topic, or a pattern. */
  readonly name: string;
  /** Tells nothing at or before this offset: the snapshot has it. */
  from: Offset;
  /** Everything after this offset and up to `from` was told before the lossless lane was moved back for other topics. */
  since: Offset;
  /** Least time between two values of a key; 0 without a limit. */
  minIntervalMs: number;
  readonly filter: ((message: Message) => boolean) | undefined;
  /** Set where all values leave together, at most one time in `minIntervalMs`: when they last did. */
  readonly window?: { sentAt: number } | undefined;
  /** When each key was last sent; kept only where there is a rate. Bounded by the topic's keys. */
  readonly sentAt: Map<string, number>;
  /** Where it stands in each topic's `followers`; a pattern stands in several. */
  readonly places: Map<Topic, number>;
}

export interface Topic {
  readonly key: string;
  readonly tenant: string;
  readonly name: string;
  /** In no order; removal swaps with the last. */
  readonly followers: Subscription[];
  /** Messages told on it; a metric. */
  told: number;
}

interface Pattern {
  readonly tenant: string;
  readonly test: RegExp;
  readonly subscription: Subscription;
}

export class Topics {
  readonly #topics = new Map<string, Topic>();
  /** By subscription: a shared pattern has one entry a tenant. */
  readonly #patterns = new Map<Subscription, Pattern[]>();

  /** Called with a topic that has got its first follower, and with one that has lost its last. */
  onFollowed: ((topic: Topic) => void) | undefined;
  onLeft: ((topic: Topic) => void) | undefined;

  /** Topics that have followers; a metric. */
  get size(): number {
    return this.#topics.size;
  }

  /** All topics that somebody follows now; for operators. */
  values(): Iterable<Topic> {
    return this.#topics.values();
  }

  follow(tenant: string, name: string, subscription: Subscription): void {
    this.#join(this.#topics.get(topicKey(tenant, name)) ?? this.#create(tenant, name), subscription);
  }

  /** Follows every topic of the tenant whose name matches, now and later. `*` stands for any characters. */
  followPattern(tenant: string, pattern: string, subscription: Subscription): void {
    const test = new RegExp(`^${pattern.split("*").map(escapeRegExp).join(".*")}$`);
    const patterns = this.#patterns.get(subscription) ?? [];
    patterns.push({ tenant, test, subscription });
    this.#patterns.set(subscription, patterns);
    for (const topic of this.#topics.values()) {
      if (topic.tenant === tenant && test.test(topic.name)) this.#join(topic, subscription);
    }
  }

  unfollow(subscription: Subscription): void {
    this.#patterns.delete(subscription);
    for (const [topic, place] of subscription.places) this.#leave(topic, place);
    subscription.places.clear();
  }

  /** Whom a message on this topic is told; undefined when nobody. */
  followers(tenant: string, name: string): readonly Subscription[] | undefined {
    const topic = this.#topics.get(topicKey(tenant, name)) ?? this.#wanted(tenant, name);
    if (topic === undefined) return undefined;
    topic.told += 1;
    return topic.followers;
  }

  /** Creates the topic when a pattern wants it, so that later look-ups are one map access. */
  #wanted(tenant: string, name: string): Topic | undefined {
    let topic: Topic | undefined;
    for (const patterns of this.#patterns.values()) {
      for (const pattern of patterns) {
        if (pattern.tenant !== tenant || !pattern.test.test(name)) continue;
        topic ??= this.#create(tenant, name);
        this.#join(topic, pattern.subscription);
      }
    }
    return topic;
  }

  /** A new topic, with those on it whose patterns match. */
  #create(tenant: string, name: string): Topic {
    const topic: Topic = { key: topicKey(tenant, name), tenant, name, followers: [], told: 0 };
    this.#topics.set(topic.key, topic);
    for (const patterns of this.#patterns.values()) {
      for (const pattern of patterns) {
        if (pattern.tenant === tenant && pattern.test.test(name)) this.#join(topic, pattern.subscription);
      }
    }
    return topic;
  }

  #join(topic: Topic, subscription: Subscription): void {
    if (subscription.places.has(topic)) return;
    subscription.places.set(topic, topic.followers.length);
    topic.followers.push(subscription);
    if (topic.followers.length === 1) this.onFollowed?.(topic);
  }

  #leave(topic: Topic, place: number): void {
    const last = topic.followers.pop();
    const leaving = topic.followers[place];
    if (last !== undefined && leaving !== undefined) {
      topic.followers[place] = last;
      last.places.set(topic, place);
    }
    if (topic.followers.length > 0) return;
    this.#topics.delete(topic.key);
    this.onLeft?.(topic);
  }
}

/** Identity of a topic over all tenants. */
export function topicKey(tenant: string, name: string): string {
  return `${tenant}\u0000${name}`;
}

export function isPattern(name: string): boolean {
  return name.includes("*");
}

/** Whether a name matches a pattern in which `*` stands for any characters. */
export function matchesPattern(pattern: string, name: string): boolean {
  return new RegExp(`^${pattern.split("*").map(escapeRegExp).join(".*")}$`).test(name);
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
