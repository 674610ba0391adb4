/** `Broadtape`: any topic that one is entitled to, over one connection (contract 60-native "SDK"). */
import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import type { ConnectionStatus } from "./connection-state.ts";
import { Feed } from "./feed.ts";
import { DEFAULT_FOLDS, type Fold, type Folds, kindOf } from "./folds.ts";
import { CursorKeeper, type PersistOptions } from "./persist.ts";
import { isNewer } from "./position.ts";
import { type Store, safely } from "./store.ts";
import { type Follower, Topic, type TopicOptions } from "./topic.ts";
import type { EventOf, FollowStatus, StateOf, TopicHandlers } from "./types.ts";
import { viewOf } from "./view.ts";

export interface BroadtapeOptions extends ConnectionOptions {
  /** Keeps cursors over a reload of the page: what came meanwhile is told, then the state. */
  readonly persist?: PersistOptions | undefined;
  /** How events of your own kinds of topic become states; beside those that the SDK brings. */
  readonly folds?: Folds | undefined;
}

/** One's own following of a topic. */
export interface Following {
  /** What the server answered, or why it never will. Never rejects. */
  readonly ready: Promise<FollowStatus>;
  /** Changes the rate; without a number each update comes. */
  update(options: { readonly maxUpdatesPerSecond: number | undefined }): void;
  /** Ends it. The last one who leaves a topic ends the subscription. Harmless when repeated. */
  unfollow(): void;
}

/**
 * One connection to a Broadtape server. It is opened at once and comes back for ever.
 *
 * Every follower of a topic gets a snapshot and then each event after it: in order, none missing, none twice, whatever
 * happens to the connection. What was missed during a cut comes after it. A gap that cannot be filled is told (`onResync`)
 * and followed by a fresh snapshot; there is never a silent one. On conflated topics (prices) "each event" means the newest
 * value of each key.
 *
 * @example
 * const tape = new Broadtape({ url: "https://tape.example", token: () => fetchToken() });
 * const following = tape.follow("symbol:EURUSD", { onSnapshot: show, onEvent: ({ data }) => show(data) });
 */
export class Broadtape {
  /** How the connection is; `staleSince` says since when nothing on the screen is known to be true. */
  readonly status: Store<ConnectionStatus>;
  readonly #connection: Connection;
  readonly #feed: Feed;
  readonly #folds: Folds;
  readonly #keeper: CursorKeeper | undefined;

  constructor(options: BroadtapeOptions = {}) {
    this.#folds = { ...DEFAULT_FOLDS, ...options.folds };
    // Arrow functions: the connection and the feed know each other only through what they call.
    const connection = new Connection(options, {
      onWelcome: (message) => this.#feed.open(message),
      onMessage: (message) => this.#feed.receive(message),
      onCut: () => this.#feed.cut(),
      onUser: (user) => (this.#feed.aliases.user = user),
      onClosed: () => this.#closed(),
    });
    const { environment, onError } = connection;
    this.#connection = connection;
    this.status = connection.status;
    this.#feed = new Feed({
      environment,
      onError,
      send: (message) => connection.send(message),
      caughtUp: () => connection.caughtUp(),
      moved: () => this.#keeper?.moved(),
      ended: (topic) => this.#keeper?.forget(topic.name),
    });
    this.#keeper = options.persist && new CursorKeeper(options.persist, environment, onError, () => this.#cursors());
    connection.start();
  }

  /** The newest place in the log that everything live has passed; undefined before the first word of it. */
  get cursor(): string | undefined {
    return this.#feed.head;
  }

  /**
   * Follows a topic. Several followers of one topic share one subscription; one that comes later gets the state as it is
   * in the same turn's microtask, where it is known.
   */
  follow<Name extends string>(
    name: Name,
    handlers: TopicHandlers<StateOf<Name>, EventOf<Name>>,
    { maxUpdatesPerSecond, filters, after }: TopicOptions = {},
  ): Following {
    const rate = rateOf(maxUpdatesPerSecond);
    const fault = faultOf(name, this.#feed.topics.get(name), filters) ?? (this.#isClosed ? CLOSED : undefined);
    if (fault !== undefined) return this.#refused(name, handlers as TopicHandlers, fault);
    const existing = this.#feed.topics.get(name);
    const topic = existing ?? this.#create(name, filters, after);
    const reached = this.#feed.reached(topic);
    // What others have passed is not told again to one alone.
    const isBehind = existing !== undefined && after !== undefined && reached !== undefined && isNewer(reached, after);
    // With a cursor of before one hears what was missed, and awaits the state all the same.
    const isResumed = !isBehind && (existing === undefined || after !== undefined) && topic.cursor !== undefined;
    let answer: Follower["answer"] = () => undefined;
    const ready = new Promise<FollowStatus>((resolve) => (answer = resolve));
    const follower: Follower = {
      handlers: handlers as TopicHandlers,
      maxUpdatesPerSecond: rate,
      hears: isResumed,
      awaits: true,
      status: undefined,
      answer,
    };
    this.#join(topic, follower, isBehind);
    return {
      ready,
      update: (options) => {
        follower.maxUpdatesPerSecond = rateOf(options.maxUpdatesPerSecond);
        this.#feed.subscriptions.change(topic);
      },
      unfollow: () => {
        if (!topic.followers.delete(follower)) return;
        answer({ topic: name, ok: false, code: "UNFOLLOWED" });
        this.#feed.subscriptions.change(topic);
      },
    };
  }

  /**
   * A topic's state as an external store: `undefined` until known, `null` where nothing was published, and the same
   * reference until it changes, which is told once a batch. The topic is followed while anybody listens.
   * Throws a TypeError for kinds without a fold where none is given, and for patterns.
   */
  view<Name extends string>(name: Name, fold?: Fold<StateOf<Name>>): Store<StateOf<Name> | null | undefined> {
    const own = fold as Fold | undefined;
    if (name.includes("*")) throw new TypeError(`${name} is a pattern: it has no state of its own`);
    if (own === undefined && this.#folds[kindOf(name)] === undefined) throw new TypeError(`there is no fold for ${name}: pass one`);
    const follow = (handlers: TopicHandlers) => this.follow<string>(name, handlers);
    const peek = () => {
      const topic = this.#feed.topics.get(name);
      return topic?.hasState === true ? topic.state : undefined;
    };
    return viewOf({ follow, peek, fold: own, onError: this.#connection.onError }) as Store<StateOf<Name> | null | undefined>;
  }

  /** Acknowledges everything up to this event for this `clientId`. */
  ack(upTo: string): void {
    this.#feed.subscriptions.ack(upTo);
  }

  /** Ends the connection for good. Nothing is called afterwards but `onStatus` with `CLOSED`. */
  close(): void {
    this.#connection.close();
  }

  get #isClosed(): boolean {
    return this.status.get().state === "closed";
  }

  #create(name: string, filters: TopicOptions["filters"], after: string | undefined): Topic {
    const topic = new Topic(name, this.#folds[kindOf(name)], filters, after ?? this.#keeper?.cursorOf(name));
    this.#feed.topics.set(name, topic);
    return topic;
  }

  #join(topic: Topic, follower: Follower, isBehind: boolean): void {
    topic.followers.add(follower);
    // Somebody new asks: what was refused before may be granted now.
    if (topic.refusal !== undefined) {
      topic.refusal = undefined;
      topic.asked = undefined;
    }
    this.#feed.subscriptions.change(topic);
    queueMicrotask(() => {
      if (!topic.followers.has(follower)) return;
      if (topic.isLive) this.#feed.tellStatus(follower, { topic: topic.name, ok: true });
      if (isBehind) this.#call(() => follower.handlers.onResync?.("expired"));
      if (follower.awaits && topic.hasState) this.#feed.tellState(topic, follower);
    });
  }

  #refused(topic: string, { onStatus }: TopicHandlers, fault: Fault): Following {
    const status: FollowStatus = { topic, ok: false, ...fault };
    queueMicrotask(() => this.#call(() => onStatus?.(status)));
    return { ready: Promise.resolve(status), update: () => undefined, unfollow: () => undefined };
  }

  #closed(): void {
    this.#keeper?.close();
    for (const topic of this.#feed.topics.values()) {
      for (const follower of [...topic.followers]) this.#feed.tellStatus(follower, { topic: topic.name, ok: false, ...CLOSED });
    }
  }

  #cursors(): [string, string][] {
    return [...this.#feed.topics.values()].flatMap((topic) => {
      const cursor = this.#feed.reached(topic);
      return cursor === undefined ? [] : [[topic.name, cursor] satisfies [string, string]];
    });
  }

  #call(run: () => void): void {
    safely(run, this.#connection.onError);
  }
}

type Fault = Pick<FollowStatus & { ok: false }, "code" | "message">;

const CLOSED: Fault = { code: "CLOSED", message: "the connection is closed" };

/** Why a topic cannot be followed here, whatever the server says. */
function faultOf(name: string, topic: Topic | undefined, filters: TopicOptions["filters"]): Fault | undefined {
  if (name.length === 0 || name.length > 512) return { code: "BAD_REQUEST", message: "a topic has 1 to 512 characters" };
  if (topic === undefined || JSON.stringify(topic.filters) === JSON.stringify(filters)) return undefined;
  return { code: "BAD_REQUEST", message: "the topic is followed with other filters on this connection; use one more Broadtape" };
}

/** What the server takes; throws where it makes no sense. */
function rateOf(maxUpdatesPerSecond: number | undefined): number | undefined {
  if (maxUpdatesPerSecond === undefined) return undefined;
  if (!(maxUpdatesPerSecond > 0)) throw new RangeError("maxUpdatesPerSecond must be more than 0");
  return maxUpdatesPerSecond > 1000 ? undefined : Math.max(0.001, maxUpdatesPerSecond);
}
