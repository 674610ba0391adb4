/** What the SDK knows of one topic that is followed: its followers, its state, and how far it has got. */
import type { EventMessage, Filters, RequestId } from "@broadtape/protocol/native";
import type { Fold } from "./folds.ts";
import { isNewer, later } from "./position.ts";
import { safely } from "./store.ts";
import type { FollowStatus, TopicHandlers } from "./types.ts";

export interface TopicOptions {
  /** The most updates a second and key. The highest that any follower asks for counts; without it each update comes. */
  readonly maxUpdatesPerSecond?: number | undefined;
  /** What the server sends at all. One connection follows a topic with one set of filters. */
  readonly filters?: Filters | undefined;
  /** A cursor of your own to resume from: what came after it is told first, then the state. */
  readonly after?: string | undefined;
}

/** Invariant: who `hears` has had everything up to the topic's `cursor`; who `awaits` is owed a snapshot. */
export interface Follower {
  readonly handlers: TopicHandlers;
  maxUpdatesPerSecond: number | undefined;
  hears: boolean;
  awaits: boolean;
  /** What it was last told of the subscription. */
  status: FollowStatus | undefined;
  /** Resolves `ready`. */
  readonly answer: (status: FollowStatus) => void;
}

/** What the server was last asked for this topic, on this connection. */
export interface Asked {
  readonly id: RequestId;
  readonly after: string | undefined;
  rate: number | undefined;
  isAnswered: boolean;
}

export class Topic {
  readonly name: string;
  readonly pattern: RegExp | undefined;
  readonly fold: Fold | undefined;
  readonly filters: Filters | undefined;
  readonly followers = new Set<Follower>();
  /** As of the newest event; only while `hasState`. */
  state: unknown;
  hasState = false;
  /** Everything of this topic up to here was received. */
  cursor: string | undefined;
  asked: Asked | undefined;
  /** From `subscribed` to the end of the connection. */
  isLive = false;
  /** The server's refusal on this connection: it is not asked again before the next one. */
  refusal: FollowStatus | undefined;
  /** It was refused together with others and is asked for by itself. */
  isAlone = false;
  /** The newest lossless event that was taken or is in the snapshot. */
  #passed: string | undefined;
  /** Everything up to here is in the snapshot. */
  #snapshotCut: string | undefined;
  /** The newest value of each key since the snapshot: the conflated class has an order of its own. Bounded by the topic's keys. */
  readonly #values = new Map<string, string>();

  constructor(name: string, fold: Fold | undefined, filters: Filters | undefined, cursor: string | undefined) {
    this.name = name;
    this.pattern = patternOf(name);
    this.fold = fold;
    this.filters = filters;
    this.cursor = cursor;
    this.#passed = cursor;
  }

  /** The one subscription's rate: the highest of the followers', none where one wants all. */
  get rate(): number | undefined {
    let highest = 0;
    for (const { maxUpdatesPerSecond } of this.followers) {
      if (maxUpdatesPerSecond === undefined) return undefined;
      highest = Math.max(highest, maxUpdatesPerSecond);
    }
    return highest === 0 ? undefined : highest;
  }

  get awaitsSnapshot(): boolean {
    for (const { awaits } of this.followers) if (awaits) return true;
    return false;
  }

  /** Where to ask from: with somebody who heard what was before, what came since; else nothing but the state. */
  get resumeFrom(): string | undefined {
    // The server replays topics, not patterns.
    if (this.cursor === undefined || this.pattern !== undefined) return undefined;
    for (const { hears } of this.followers) if (hears) return this.cursor;
    return undefined;
  }

  /** Takes what is new of these events, all of one message, into the state; returns it. */
  take(events: readonly EventMessage[], onError: (error: unknown) => void): readonly EventMessage[] {
    // Compared with what was before the message: one event may be told in several parts, and they come together.
    const fresh = events.filter((event) => this.#isNew(event));
    for (const event of fresh) {
      this.#mark(event);
      if (!this.hasState) continue;
      const { fold } = this;
      this.hasState = false;
      // Without a fold, or with one that throws, the state is not known from here on.
      if (fold !== undefined && this.pattern === undefined) safely(() => this.#fold(fold, event), onError);
    }
    return fresh;
  }

  /** The state as of `cut` replaces what was known. A pattern has none of its own. */
  takeSnapshot(state: unknown, cut: string): void {
    this.hasState = this.pattern === undefined;
    this.state = state;
    this.#passed = cut;
    this.#snapshotCut = cut;
    this.#values.clear();
  }

  /** Ids and states of before say nothing any more. */
  forget(): void {
    this.hasState = false;
    this.cursor = undefined;
    this.#passed = undefined;
    this.#snapshotCut = undefined;
    this.#values.clear();
    for (const follower of this.followers) {
      follower.hears = false;
      follower.awaits = true;
    }
  }

  /** The connection ended; `head` is what every live topic had passed. */
  cut(head: string | undefined): void {
    if (this.isLive) this.cursor = later(this.cursor, head);
    this.isLive = false;
    this.asked = undefined;
    this.refusal = undefined;
    if (this.pattern !== undefined) for (const follower of this.followers) follower.awaits = true;
  }

  #fold(fold: Fold, event: EventMessage): void {
    this.state = fold(this.state ?? undefined, event);
    this.hasState = true;
  }

  #isNew({ eventId, topic, key }: EventMessage): boolean {
    if (eventId === undefined) return true;
    return isNewer(eventId, key === undefined ? this.#passed : (this.#values.get(valueKey(topic, key)) ?? this.#snapshotCut));
  }

  #mark({ eventId, topic, key }: EventMessage): void {
    if (eventId === undefined) return;
    if (key !== undefined) {
      this.#values.set(valueKey(topic, key), eventId);
      return;
    }
    this.#passed = eventId;
    this.cursor = later(this.cursor, eventId);
  }
}

function valueKey(topic: string, key: string): string {
  return `${topic}\u0000${key}`;
}

/** `*` stands for any characters. */
function patternOf(name: string): RegExp | undefined {
  if (!name.includes("*")) return undefined;
  const parts = name.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
