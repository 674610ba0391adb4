/** A plain WebSocket on the native protocol, and every frame on it. It does not come back by itself: one watches what happens. */
import type { ClientMessage, ServerMessage } from "@broadtape/protocol/native";
import { FrameLog, type RawFrame } from "./frame-log.ts";

export type SocketState = "idle" | "connecting" | "open" | "closed";

export interface FollowedTopic {
  readonly topic: string;
  /** Why it is not told; undefined where it is, or where the answer has not come. */
  readonly refusal: string | undefined;
}

export interface RawView {
  readonly state: SocketState;
  /** Why it is closed, where that is known. */
  readonly reason: string | undefined;
  readonly topics: readonly FollowedTopic[];
  readonly frames: readonly RawFrame[];
  readonly total: number;
}

export interface RawSocketHost {
  /** `ws:` or `wss:`, with the path. */
  readonly url: string;
  readonly token: () => Promise<string>;
  readonly open: (url: string, protocol: string) => WebSocket;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Changes are told no more often: prices come faster than anyone reads. */
const TELL_MS = 80;
const HIDDEN = "•••";
/** As in `@broadtape/protocol/native`, whose schemas a page need not load. */
const PATH = "api/v1/ws";
const SUBPROTOCOL = "broadtape.v1";

export class RawSocket {
  readonly #host: RawSocketHost;
  readonly #log = new FrameLog();
  readonly #topics = new Map<string, FollowedTopic>();
  readonly #listeners = new Set<() => void>();
  #socket: WebSocket | undefined;
  #state: SocketState = "idle";
  #reason: string | undefined;
  #view: RawView;
  #telling: ReturnType<typeof setTimeout> | undefined;
  #requests = 0;
  /** Commands that wait for the welcome. Bounded by the clicks of a person. */
  #waiting: ClientMessage[] = [];

  constructor(host: RawSocketHost) {
    this.#host = host;
    this.#view = this.#look();
  }

  readonly get = (): RawView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Follows one more topic; connects where there is no connection. */
  follow(topic: string, after?: string): void {
    this.#topics.set(topic, { topic, refusal: undefined });
    this.#command({ type: "subscribe", id: ++this.#requests, topics: [topic], ...(after !== undefined && { after }) });
    if (this.#state === "idle" || this.#state === "closed") this.#connect();
    this.#changed();
  }

  unfollow(topic: string): void {
    const followed = this.#topics.get(topic);
    this.#topics.delete(topic);
    if (this.#state !== "closed" && followed?.refusal === undefined)
      this.#command({ type: "unsubscribe", id: ++this.#requests, topics: [topic] });
    this.#changed();
  }

  clear(): void {
    this.#log.clear();
    this.#changed();
  }

  close(): void {
    this.#socket?.close(1000);
    this.#ended("closed here");
  }

  #connect(): void {
    this.#state = "connecting";
    this.#reason = undefined;
    void this.#host.token().then(
      (token) => {
        if (this.#state === "connecting") this.#open(token);
      },
      () => this.#ended("no token could be fetched"),
    );
  }

  #open(token: string): void {
    const socket = this.#host.open(this.#host.url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "authenticate", token }));
      // What is shown can be copied and photographed.
      this.#note("out", JSON.stringify({ type: "authenticate", token: HIDDEN }));
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string" && socket === this.#socket) this.#hear(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket) this.#ended(`closed by the server: ${[code, reason].filter(Boolean).join(" ")}`);
    };
  }

  #hear(text: string): void {
    this.#note("in", text);
    // The server keeps to the protocol; what it says beyond these four is only shown.
    const message = JSON.parse(text) as ServerMessage;
    if (message.type === "welcome") {
      this.#state = "open";
      for (const command of this.#waiting.splice(0)) this.#send(command);
    } else if (message.type === "subscribed") {
      for (const result of message.results) if (!result.ok) this.#refuse(result.topic, result.message ?? result.code);
    } else if (message.type === "revoked") {
      for (const topic of message.topics) this.#refuse(topic, "no longer allowed");
    } else if (message.type === "ping") this.#send({ type: "pong" });
    this.#changed();
  }

  #refuse(topic: string, refusal: string): void {
    if (this.#topics.has(topic)) this.#topics.set(topic, { topic, refusal });
  }

  #command(message: ClientMessage): void {
    if (this.#state === "open") this.#send(message);
    else this.#waiting.push(message);
  }

  #send(message: ClientMessage): void {
    const text = JSON.stringify(message);
    this.#socket?.send(text);
    this.#note("out", text);
  }

  #ended(reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#reason = reason;
    this.#socket = undefined;
    this.#waiting = [];
    this.#topics.clear();
    this.#changed();
  }

  #note(direction: RawFrame["direction"], text: string): void {
    this.#log.add({ direction, text, at: this.#host.now() });
    this.#changed();
  }

  #changed(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      this.#view = this.#look();
      for (const listener of this.#listeners) listener();
    }, TELL_MS);
  }

  #look(): RawView {
    return {
      state: this.#state,
      reason: this.#reason,
      topics: [...this.#topics.values()],
      frames: this.#log.frames(),
      total: this.#log.total,
    };
  }
}

/** Where the native protocol is, seen from this page. */
export function socketAddress(page: string): string {
  const address = new URL(PATH, page);
  address.protocol = address.protocol.replace("http", "ws");
  return address.href;
}
