/**
 * `Broadtape`: any topic that one is entitled to, over one connection (contract 60-native).
 *
 * Every follower of a topic sees each event once, in order: what was missed during a cut comes after it, ids that are not
 * newer are ignored, and a gap that cannot be filled is told (`onResync`) and followed by a fresh snapshot.
 */
import type { EventMessage, RequestId, ServerMessage, SubscribedMessage, TopicResult } from "@broadtape/protocol/native";
import { Connection, type ConnectionOptions, type ConnectionStatus } from "./connection.ts";
import { type Fold, kindOf } from "./folds.ts";
import { CursorKeeper, type PersistOptions } from "./persist.ts";
import { type Store, ValueStore, safely } from "./store.ts";
import { type Follower, type Topic, type TopicHandlers, type TopicOptions, isNewer, patternOf, rateOf } from "./topic.ts";

export interface BroadtapeOptions extends ConnectionOptions {
  /** Keeps cursors over a page reload. */
  readonly persist?: PersistOptions;
}

export interface Following {
  /** How the server answered; never rejects. */
  readonly ready: Promise<TopicResult>;
  /** Changes the rate of updates. */
  update(options: { readonly maxUpdatesPerSecond: number | undefined }): void;
  unfollow(): void;
}

export class Broadtape {
  readonly status: Store<ConnectionStatus>;
  readonly #connection: Connection;
  readonly #topics = new Map<string, Topic>();
  /** Subscriptions that were asked for on this connection and not answered, by request id. */
  readonly #asked = new Map<RequestId, readonly string[]>();
  readonly #waiting = new Map<Topic, ((result: TopicResult) => void)[]>();
  readonly #keeper: CursorKeeper | undefined;
  #isConnected = false;
  #lastRequest = 0;
  #isFlushing = false;
  readonly #unsaid = new Set<Topic>();

  constructor(options: BroadtapeOptions = {}) {
    this.#keeper = options.persist && new CursorKeeper(options.persist);
    this.#connection = new Connection(options, {
      onWelcome: () => {
        this.#resume();
      },
      onMessage: (message) => {
        this.#receive(message);
      },
    });
    this.status = this.#connection.status;
    this.status.subscribe(() => {
      if (["stale", "connecting", "closed"].includes(this.status.get().state)) this.#cut();
    });
  }

  /** Follows a topic; several followers of one topic share one subscription. */
  follow(name: string, handlers: TopicHandlers, options: TopicOptions = {}): Following {
    const topic = this.#topics.get(name) ?? this.#create(name);
    const follower: Follower = { handlers, options };
    const before = rateOf(topic);
    topic.followers.add(follower);
    const ready = new Promise<TopicResult>((resolve) => {
      if (topic.result !== undefined && topic.isLive) resolve(topic.result);
      else this.#waiting.set(topic, [...(this.#waiting.get(topic) ?? []), resolve]);
    });
    if (topic.hasState && topic.isLive) this.#call(() => handlers.onSnapshot?.(topic.state));
    if (topic.followers.size === 1) this.#say(topic);
    else if (before !== rateOf(topic)) this.#changeRate(topic);
    let own = follower;
    return {
      ready,
      update: ({ maxUpdatesPerSecond }) => {
        if (!topic.followers.delete(own)) return;
        own = { handlers, options: { ...options, maxUpdatesPerSecond } };
        topic.followers.add(own);
        this.#changeRate(topic);
      },
      unfollow: () => {
        this.#leave(topic, own);
      },
    };
  }

  /** A topic's state as an external store: undefined until known. Followed while anybody listens. */
  view(name: string, fold?: Fold): Store<unknown> {
    const store = new ValueStore<unknown>(undefined, this.#connection.onError);
    let listeners = 0;
    let following: Following | undefined;
    const own = fold;
    return {
      get: store.get,
      subscribe: (listener) => {
        const off = store.subscribe(listener);
        listeners += 1;
        following ??= this.follow(name, {
          onSnapshot: (state) => {
            store.set(state);
          },
          onEvent: (event) => {
            store.set((own ?? kindOf(event.topic).fold)(store.get(), event));
          },
        });
        let isOff = false;
        return () => {
          if (isOff) return;
          isOff = true;
          off();
          listeners -= 1;
          if (listeners > 0) return;
          following?.unfollow();
          following = undefined;
        };
      },
    };
  }

  /** Moves the durable cursor of this `clientId`. */
  ack(upTo: string): void {
    this.#connection.send({ type: "ack", upTo });
  }

  /** Ends the connection for good. */
  close(): void {
    this.#connection.close();
    for (const [topic, resolves] of this.#waiting) for (const resolve of resolves) resolve({ topic: topic.name, ok: false, code: "SHUTTING_DOWN" });
    this.#waiting.clear();
  }

  #create(name: string): Topic {
    const topic: Topic = {
      name,
      pattern: patternOf(name),
      followers: new Set(),
      fold: kindOf(name).fold,
      state: undefined,
      hasState: false,
      lastEventId: undefined,
      cursor: this.#keeper?.cursorOf(name),
      isLive: false,
      result: undefined,
      matched: new Map(),
    };
    this.#topics.set(name, topic);
    return topic;
  }

  #leave(topic: Topic, follower: Follower): void {
    if (!topic.followers.delete(follower)) return;
    if (topic.followers.size > 0) {
      this.#changeRate(topic);
      return;
    }
    this.#topics.delete(topic.name);
    this.#keeper?.forget(topic.name);
    if (this.#isConnected && !this.#unsaid.delete(topic)) this.#connection.send({ type: "unsubscribe", topics: [topic.name] });
  }

  /** Subscriptions of one turn go in one request. */
  #say(topic: Topic): void {
    if (!this.#isConnected) return;
    this.#unsaid.add(topic);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      const topics = [...this.#unsaid];
      this.#unsaid.clear();
      if (this.#isConnected) this.#subscribe(topics);
    });
  }

  #resume(): void {
    this.#isConnected = true;
    this.#unsaid.clear();
    this.#subscribe([...this.#topics.values()]);
    if (this.#asked.size === 0) this.#connection.caughtUp();
  }

  /** One request for each cursor, rate and filter: topics that stand at the same place are resumed together. */
  #subscribe(topics: readonly Topic[]): void {
    const groups = new Map<string, Topic[]>();
    for (const topic of topics) {
      const { filters } = [...topic.followers][0]?.options ?? {};
      const key = JSON.stringify([resumeCursor(topic), rateOf(topic), filters]);
      groups.set(key, [...(groups.get(key) ?? []), topic]);
    }
    for (const group of groups.values()) {
      const [first] = group;
      if (first === undefined) continue;
      const id = ++this.#lastRequest;
      const names = group.map(({ name }) => name);
      this.#asked.set(id, names);
      const after = resumeCursor(first);
      const maxUpdatesPerSecond = rateOf(first);
      const filters = [...first.followers][0]?.options.filters;
      this.#connection.send({
        type: "subscribe",
        id,
        topics: names,
        ...(after !== undefined && { after }),
        ...(maxUpdatesPerSecond !== undefined && { maxUpdatesPerSecond }),
        ...(filters !== undefined && { filters }),
      });
    }
  }

  #changeRate(topic: Topic): void {
    if (!this.#isConnected || this.#unsaid.has(topic)) return;
    this.#connection.send({ type: "update", topics: [topic.name], maxUpdatesPerSecond: rateOf(topic) ?? null });
  }

  #cut(): void {
    this.#isConnected = false;
    this.#asked.clear();
    for (const topic of this.#topics.values()) topic.isLive = false;
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "event":
        this.#event(message);
        return;
      case "batch":
        for (const event of message.events) this.#event(event);
        return;
      case "subscribed":
        this.#subscribed(message);
        return;
      case "ping":
        this.#passed(message.lastEventId);
        return;
      case "resync":
        for (const name of message.topics) this.#resync(name, message.reason);
        return;
      case "revoked":
        for (const name of message.topics) this.#revoked(name);
        return;
      case "error":
        if (message.id !== undefined) this.#refused(message.id, message.code, message.message);
        return;
      default:
    }
  }

  #event(event: EventMessage): void {
    const exact = this.#topics.get(event.topic);
    if (exact !== undefined) this.#tell(exact, event);
    for (const topic of this.#topics.values()) if (topic.pattern?.test(event.topic) === true) this.#tell(topic, event);
  }

  #tell(topic: Topic, event: EventMessage): void {
    const { eventId } = event;
    if (eventId !== undefined) {
      const last = topic.pattern === undefined ? topic.lastEventId : topic.matched.get(event.topic);
      if (!isNewer(eventId, last)) return;
      if (topic.pattern === undefined) topic.lastEventId = eventId;
      else topic.matched.set(event.topic, eventId);
      if (isNewer(eventId, topic.cursor)) this.#moveCursor(topic, eventId);
    }
    if (topic.pattern === undefined) {
      topic.state = topic.fold(topic.state, event);
      topic.hasState = true;
    }
    for (const { handlers } of [...topic.followers]) this.#call(() => handlers.onEvent?.(event));
  }

  #subscribed({ id, results, cut, snapshots }: SubscribedMessage): void {
    if (id !== undefined) this.#asked.delete(id);
    for (const { topic: name, state } of snapshots) this.#snapshot(name, state);
    for (const result of results) {
      const topic = this.#topics.get(result.topic);
      if (topic === undefined) continue;
      topic.result = result;
      topic.isLive = result.ok;
      if (result.ok && isNewer(cut, topic.cursor)) this.#moveCursor(topic, cut);
      for (const resolve of this.#waiting.get(topic) ?? []) resolve(result);
      this.#waiting.delete(topic);
      for (const { handlers } of [...topic.followers]) this.#call(() => handlers.onStatus?.(result));
    }
    if (this.#asked.size === 0) this.#connection.caughtUp();
  }

  /** A state replaces what was known, unless it is older: a snapshot of the same event changes nothing. */
  #snapshot(name: string, state: unknown): void {
    const eventId = typeof state === "object" && state !== null && "eventId" in state && typeof state.eventId === "string" ? state.eventId : undefined;
    for (const topic of this.#topics.values()) {
      const isExact = topic.name === name;
      if (!isExact && topic.pattern?.test(name) !== true) continue;
      const last = isExact ? topic.lastEventId : topic.matched.get(name);
      if (isExact && topic.hasState && eventId !== undefined && eventId === last) continue;
      if (eventId !== undefined && isExact) topic.lastEventId = eventId;
      else if (eventId !== undefined) topic.matched.set(name, eventId);
      if (isExact) {
        topic.state = state;
        topic.hasState = true;
      }
      for (const { handlers } of [...topic.followers]) this.#call(() => handlers.onSnapshot?.(state));
    }
  }

  #passed(lastEventId: string): void {
    for (const topic of this.#topics.values()) if (topic.isLive && isNewer(lastEventId, topic.cursor)) this.#moveCursor(topic, lastEventId);
  }

  #moveCursor(topic: Topic, cursor: string): void {
    topic.cursor = cursor;
    this.#keeper?.keep(topic.name, cursor);
  }

  /** The log is another one, or has forgotten: ids of before say nothing of what comes. */
  #resync(name: string, reason: "unknown" | "expired"): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    topic.cursor = undefined;
    topic.lastEventId = undefined;
    topic.matched.clear();
    topic.hasState = false;
    for (const { handlers } of [...topic.followers]) this.#call(() => handlers.onResync?.(reason));
  }

  #revoked(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    topic.isLive = false;
    for (const { handlers } of [...topic.followers]) this.#call(() => handlers.onStatus?.({ topic: name, ok: false, code: "REVOKED" }));
  }

  #refused(id: RequestId, code: TopicResult & { ok: false } extends { code: infer C } ? C : never, message: string): void {
    const names = this.#asked.get(id) ?? [];
    this.#asked.delete(id);
    for (const name of names) {
      const topic = this.#topics.get(name);
      if (topic === undefined) continue;
      const result: TopicResult = { topic: name, ok: false, code, message };
      topic.result = result;
      for (const resolve of this.#waiting.get(topic) ?? []) resolve(result);
      this.#waiting.delete(topic);
      for (const { handlers } of [...topic.followers]) this.#call(() => handlers.onStatus?.(result));
    }
    if (this.#asked.size === 0) this.#connection.caughtUp();
  }

  #call(run: () => void): void {
    safely(run, this.#connection.onError);
  }
}

/** Where a topic is resumed: lossless ones from their cursor, conflated ones by a fresh snapshot of the newest. */
function resumeCursor(topic: Topic): string | undefined {
  return kindOf(topic.name).isConflated ? undefined : topic.cursor;
}
