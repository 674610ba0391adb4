/**
 * What the server says, brought to those who follow: states first, then callbacks, so that whoever is told of one topic of
 * a batch finds all of it in the others.
 */
import type { ErrorMessage, EventMessage, ServerMessage, SubscribedMessage, WelcomeMessage } from "@broadtape/protocol/native";
import { Aliases } from "./aliases.ts";
import type { Environment } from "./environment.ts";
import { later } from "./position.ts";
import { safely } from "./store.ts";
import { Subscriptions, type SubscriptionsHost } from "./subscriptions.ts";
import type { Follower, Topic } from "./topic.ts";
import type { FollowStatus } from "./types.ts";

export interface FeedHost {
  readonly environment: Environment;
  readonly send: SubscriptionsHost["send"];
  readonly onError: (error: unknown) => void;
  /** Everything that is followed is up to date. */
  caughtUp(): void;
  /** Cursors moved. */
  moved(): void;
  ended(topic: Topic): void;
}

export class Feed {
  /** By the name under which it is followed. */
  readonly topics = new Map<string, Topic>();
  readonly aliases = new Aliases();
  readonly subscriptions: Subscriptions;
  /** Everything live has passed this: the newest lossless event of the connection, or what a ping says. */
  #head: string | undefined;
  readonly #host: FeedHost;

  constructor(host: FeedHost) {
    this.#host = host;
    this.subscriptions = new Subscriptions({
      environment: host.environment,
      topics: this.topics,
      send: host.send,
      ended: (topic) => {
        if (this.topics.get(topic.name) === topic) this.topics.delete(topic.name);
        host.ended(topic);
      },
      aliasOf: (name) => this.aliases.aliasOf(name),
    });
  }

  get head(): string | undefined {
    return this.#head;
  }

  open(welcome: WelcomeMessage): void {
    this.subscriptions.open(welcome);
    this.#settle();
  }

  cut(): void {
    this.subscriptions.cut();
    for (const topic of this.topics.values()) topic.cut(this.#head);
    this.#head = undefined;
  }

  receive(message: ServerMessage): void {
    switch (message.type) {
      case "event":
        this.#events([message]);
        return;
      case "batch":
        this.#events(message.events);
        return;
      case "subscribed":
        this.#subscribed(message);
        this.#settle();
        return;
      case "ping":
        this.#pass(message.lastEventId);
        return;
      case "resync":
        for (const name of message.topics) this.#resync(name, message.reason);
        return;
      case "revoked":
        for (const name of message.topics)
          for (const topic of this.aliases.topicsOf(name, this.topics))
            this.#refuse(topic, { topic: topic.name, ok: false, code: "REVOKED" });
        return;
      case "error":
        this.#refused(message);
        this.#settle();
        return;
      default:
    }
  }

  /** Tells one follower the state as it is; to be called when the topic has one. */
  tellState(topic: Topic, follower: Follower): void {
    follower.awaits = false;
    follower.hears = true;
    this.#tellStates(topic, follower, [{ topic: topic.name, state: topic.state }], this.reached(topic) ?? "");
  }

  /** Everything of the topic up to here was received. */
  reached(topic: Topic): string | undefined {
    return topic.isLive ? later(topic.cursor, this.#head) : topic.cursor;
  }

  /** Tells one follower what became of the subscription, if it does not know. */
  tellStatus(follower: Follower, status: FollowStatus): void {
    follower.answer(status);
    const { status: known } = follower;
    follower.status = status;
    if (known?.ok === true && status.ok) return;
    if (known?.ok === false && !status.ok && known.code === status.code) return;
    this.#call(() => follower.handlers.onStatus?.(status));
  }

  #events(events: readonly EventMessage[]): void {
    const byTopic = new Map<Topic, EventMessage[]>();
    for (const event of events) {
      for (const topic of this.aliases.topicsOf(event.topic, this.topics)) {
        const own = byTopic.get(topic);
        if (own === undefined) byTopic.set(topic, [event]);
        else own.push(event);
      }
    }
    const told = [...byTopic].map(([topic, own]) => ({ topic, fresh: topic.take(own, this.#host.onError) }));
    for (const { key, eventId } of events) if (key === undefined && eventId !== undefined) this.#pass(eventId);
    for (const { topic, fresh } of told) if (fresh.length > 0) this.#tell(topic, fresh);
  }

  #tell(topic: Topic, events: readonly EventMessage[]): void {
    // One of them may end another's following, or its own.
    for (const follower of [...topic.followers]) {
      if (!follower.hears) continue;
      const { onEvent, onBatch } = follower.handlers;
      if (onEvent !== undefined) for (const event of events) if (topic.followers.has(follower)) this.#call(() => onEvent(event));
      if (onBatch !== undefined && topic.followers.has(follower)) this.#call(() => onBatch(events));
    }
  }

  #subscribed({ id, results, cut, snapshots }: SubscribedMessage): void {
    const states = new Map<Topic, { topic: string; state: unknown }[]>();
    for (const snapshot of snapshots) {
      for (const topic of this.aliases.topicsOf(snapshot.topic, this.topics)) states.set(topic, [...(states.get(topic) ?? []), snapshot]);
    }
    const answered: Topic[] = [];
    for (const result of results) {
      const topic = this.topics.get(result.topic);
      // An answer to somebody who has left, and whose topic is followed anew, is not for those who follow now.
      if (topic?.asked === undefined || topic.asked.id !== id) continue;
      topic.asked.isAnswered = true;
      if (!result.ok) {
        this.#refuse(topic, result);
        continue;
      }
      topic.isLive = true;
      topic.cursor = later(topic.cursor, cut);
      answered.push(topic);
    }
    this.subscriptions.answered(
      id,
      results.map(({ topic }) => topic),
    );
    // All states before anybody is told: those of one answer agree with each other.
    const due = answered.map((topic) => ({ topic, owed: this.#takeStates(topic, states.get(topic) ?? [], cut) }));
    for (const { topic, owed } of due) this.#tellAnswer(topic, owed, states.get(topic) ?? [], cut);
    this.#host.moved();
  }

  /** Returns those to whom the states are to be told. */
  #takeStates(topic: Topic, states: readonly { readonly state: unknown }[], cut: string): readonly Follower[] {
    const owed = [...topic.followers].filter(({ awaits }) => awaits);
    if (states.length === 0 && topic.asked?.after !== undefined) {
      // Nobody awaited a state when this was asked; who came since is answered from what is known, or asked for anew.
      return topic.hasState ? owed : [];
    }
    if (states.length > 0 && (owed.length > 0 || !topic.hasState)) topic.takeSnapshot(states.at(-1)?.state, cut);
    for (const follower of owed) {
      follower.awaits = false;
      follower.hears = true;
    }
    return owed;
  }

  #tellAnswer(topic: Topic, owed: readonly Follower[], states: readonly { topic: string; state: unknown }[], cut: string): void {
    for (const follower of [...topic.followers]) this.tellStatus(follower, { topic: topic.name, ok: true });
    const named = topic.pattern === undefined ? states.map(({ state }) => ({ topic: topic.name, state })) : states;
    for (const follower of owed) {
      if (follower.awaits) this.tellState(topic, follower);
      else this.#tellStates(topic, follower, named, cut);
    }
    this.subscriptions.change(topic);
  }

  #tellStates(topic: Topic, follower: Follower, states: readonly { topic: string; state: unknown }[], cursor: string): void {
    const { onSnapshot, onSnapshots } = follower.handlers;
    for (const { topic: name, state } of states) {
      if (topic.followers.has(follower)) this.#call(() => onSnapshot?.(state, { topic: name, cursor }));
    }
    if (topic.followers.has(follower)) this.#call(() => onSnapshots?.(states, cursor));
  }

  #pass(lastEventId: string): void {
    const head = later(this.#head, lastEventId);
    if (head === this.#head) return;
    this.#head = head;
    this.#host.moved();
  }

  /** The log is another one, or has forgotten: ids of before say nothing of what comes. */
  #resync(name: string, reason: "unknown" | "expired"): void {
    const topic = this.topics.get(name);
    if (topic === undefined) return;
    topic.forget();
    for (const { handlers } of [...topic.followers]) this.#call(() => handlers.onResync?.(reason));
  }

  #refused(error: ErrorMessage): void {
    for (const topic of this.subscriptions.refused(error)) {
      if (topic.asked !== undefined) topic.asked.isAnswered = true;
      this.#refuse(topic, { topic: topic.name, ok: false, code: error.code, message: error.message });
    }
  }

  /** What one may not see, or no longer, is not kept either. */
  #refuse(topic: Topic, refusal: FollowStatus & { ok: false }): void {
    topic.forget();
    topic.isLive = false;
    topic.state = undefined;
    topic.refusal = refusal;
    for (const follower of [...topic.followers]) this.tellStatus(follower, refusal);
  }

  #settle(): void {
    if (this.subscriptions.isSettled) this.#host.caughtUp();
  }

  #call(run: () => void): void {
    safely(run, this.#host.onError);
  }
}
