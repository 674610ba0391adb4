/** One tab as the shared worker sees it: speaks the native protocol to it, out of the one connection that all tabs share. */
import type { ErrorCode } from "@broadtape/protocol/errors";
import type { EventMessage, RequestId, SubscribedMessage, TopicResult } from "@broadtape/protocol/native";
import type { Broadtape, Following } from "./broadtape.ts";
import type { ConnectionStatus } from "./connection-state.ts";
import type { TabMessage, WorkerMessage } from "./shared-link.ts";
import type { TopicOptions } from "./topic.ts";
import type { FollowStatus, TopicHandlers } from "./types.ts";

/** The worker's end of a channel to a tab. */
export interface TabPort {
  postMessage(message: WorkerMessage): void;
  close(): void;
  onmessage: ((event: MessageEvent<TabMessage>) => void) | null;
}

/** Where a tab's topics come from. */
export interface TabSource {
  readonly follow: (topic: string, handlers: TopicHandlers, options: TopicOptions) => Following;
  readonly ack: Broadtape["ack"];
  readonly cursor: () => string | undefined;
}

/** The tab's commands that are of topics. */
type Command = Extract<TabMessage, { type: "subscribe" | "unsubscribe" | "update" | "ack" }>;

export class SharedTab {
  readonly #port: TabPort;
  readonly #source: TabSource;
  readonly #followings = new Map<string, Following>();
  /** Events of this turn: what belongs together goes together. */
  #events: EventMessage[] = [];
  /** Pings since it last said anything. */
  #unanswered = 0;

  constructor(port: TabPort, source: TabSource) {
    this.#port = port;
    this.#source = source;
  }

  say(message: WorkerMessage): void {
    this.#flush();
    this.#port.postMessage(message);
  }

  heard(): void {
    this.#unanswered = 0;
  }

  /** Asks for a sign of life; returns how many times in a row that was in vain. */
  ping(now: number): number {
    this.say({ type: "ping", serverTime: now, lastEventId: this.#source.cursor() ?? "" });
    return this.#unanswered++;
  }

  /** How the connection is; when it is over, so it is for the tab. */
  tellStatus(status: ConnectionStatus): void {
    // A connection without a limit of attempts is closed with a code of the server only.
    if (status.state === "closed") this.say({ type: "closing", code: status.reason as ErrorCode, reconnect: false });
    else this.say({ type: "status", status });
  }

  take(command: Command): void {
    switch (command.type) {
      case "subscribe":
        for (const topic of command.topics) this.#follow(topic, command);
        return;
      case "unsubscribe":
        for (const topic of command.topics) this.#unfollow(topic);
        return;
      case "update":
        for (const topic of command.topics) {
          this.#followings.get(topic)?.update({ maxUpdatesPerSecond: command.maxUpdatesPerSecond ?? undefined });
        }
        return;
      case "ack":
        this.#source.ack(command.upTo);
    }
  }

  /** The tab is gone. */
  end(): void {
    for (const topic of [...this.#followings.keys()]) this.#unfollow(topic);
    this.#port.onmessage = null;
    this.#port.close();
  }

  #follow(topic: string, { id, maxUpdatesPerSecond, filters, after }: Extract<Command, { type: "subscribe" }>): void {
    const before = this.#followings.get(topic);
    const following = this.#source.follow(
      topic,
      {
        onSnapshots: (states, cursor) => {
          this.#answer(id, { topic, ok: true }, cursor, states);
        },
        onBatch: (events) => {
          if (this.#events.length === 0) queueMicrotask(() => this.#flush());
          this.#events.push(...events);
        },
        onResync: (reason) => this.say({ type: "resync", topics: [topic], reason, from: after ?? "", head: "" }),
        onStatus: (status) => this.#tellStatus(id, status),
      },
      { maxUpdatesPerSecond, filters, after },
    );
    this.#followings.set(topic, following);
    // Not before: the topic's one subscription goes on.
    before?.unfollow();
  }

  #unfollow(topic: string): void {
    this.#followings.get(topic)?.unfollow();
    this.#followings.delete(topic);
  }

  #tellStatus(id: RequestId | undefined, status: FollowStatus): void {
    if (status.ok) return;
    const { code } = status;
    if (code === "REVOKED") this.say({ type: "revoked", topics: [status.topic] });
    else if (code !== "CLOSED" && code !== "UNFOLLOWED") this.#answer(id, { ...status, code }, "", []);
  }

  /** One topic's part of the answer: each as soon as it is known. */
  #answer(id: RequestId | undefined, result: TopicResult, cut: string, snapshots: SubscribedMessage["snapshots"]): void {
    this.say({ type: "subscribed", ...(id !== undefined && { id }), results: [result], cut, snapshots });
  }

  #flush(): void {
    const events = this.#events;
    if (events.length === 0) return;
    this.#events = [];
    const [first] = events;
    this.#port.postMessage(events.length === 1 && first !== undefined ? first : { type: "batch", events });
  }
}
