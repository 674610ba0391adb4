/** The feed's server as far as its clients notice, and sockets that a test answers by hand. */
import type { FeedEvent } from "@broadtape/protocol/products/transactions/events";
import type { FeedClientMessage, FeedServerMessage } from "@broadtape/protocol/products/transactions/messages";
import type { FeedEnvironment, FeedSocket, SocketEvents } from "../src/transactions/environment.ts";
import { TransactionFeedClient, type TransactionFeedClientOptions } from "../src/transactions/transaction-feed-client.ts";
import { FakeEnvironment, settled } from "./fake-environment.ts";

export const TIME = "2026-11-21T12:00:00.000Z";

/** The server's side of one socket. */
export class FakeFeedSocket implements FeedSocket {
  readonly url: URL;
  readonly sent: FeedClientMessage[] = [];
  isClosed = false;
  /** Called with each message that the client sends. */
  onSend: (message: FeedClientMessage) => void = () => undefined;
  readonly #to: SocketEvents;
  #events: readonly FeedEvent[] = [];

  constructor(url: string, events: SocketEvents) {
    this.url = new URL(url);
    this.#to = events;
  }

  send(text: string): void {
    if (this.isClosed) return;
    const message = JSON.parse(text) as FeedClientMessage;
    this.sent.push(message);
    this.onSend(message);
  }

  close(): void {
    this.isClosed = true;
  }

  sayText(text: string): void {
    if (!this.isClosed) this.#to.onText(text);
  }

  say(message: FeedServerMessage): void {
    this.sayText(JSON.stringify(message));
  }

  connected(more: Partial<Extract<FeedServerMessage, { type: "connected" }>> = {}): void {
    this.#events = more.subscription?.events ?? [];
    this.say({ type: "connected", connectionId: "c1", timestamp: TIME, resumed: false, ...more });
  }

  /** The newest `subscribe` as the server holds it from now on. */
  accept(): void {
    const request = this.said("subscribe").at(-1);
    if (request === undefined) throw new Error("nothing was subscribed to");
    const events = [...new Set([...this.#events, ...(request.events ?? ["transaction", "balance"])])];
    this.#events = events;
    this.say({ type: "subscribed", events, filters: request.filters ?? {}, timestamp: TIME });
  }

  /** Takes away what the newest `unsubscribe` names. */
  drop(): void {
    const ended = this.said("unsubscribe").at(-1)?.events ?? [];
    this.#events = this.#events.filter((event) => !ended.includes(event));
    this.say({ type: "unsubscribed", events: ended, filters: {}, timestamp: TIME });
  }

  end(reason = ""): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#to.onClose(reason);
  }

  said<T extends FeedClientMessage["type"]>(type: T): Extract<FeedClientMessage, { type: T }>[] {
    return this.sent.filter((message): message is Extract<FeedClientMessage, { type: T }> => message.type === type);
  }

  /** Ids in the order in which they were acknowledged. */
  get acked(): string[] {
    return this.said("ack").flatMap(({ eventIds }) => eventIds ?? []);
  }
}

export class FakeFeedEnvironment extends FakeEnvironment {
  readonly sockets: FakeFeedSocket[] = [];
  onSocket: (socket: FakeFeedSocket) => void = () => undefined;

  readonly openSocket: FeedEnvironment["openSocket"] = (url, events) => {
    const socket = new FakeFeedSocket(url, events);
    this.sockets.push(socket);
    this.onSocket(socket);
    return socket;
  };

  get socket(): FakeFeedSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }
}

export function openFeed(options: TransactionFeedClientOptions = {}) {
  const environment = new FakeFeedEnvironment();
  const errors: unknown[] = [];
  const client = new TransactionFeedClient({
    url: "http://test",
    clientId: "phone",
    environment,
    onError: (error) => errors.push(error),
    ...options,
  });
  /** Greets the newest socket and accepts what it asks for. */
  const connect = async (more: Parameters<FakeFeedSocket["connected"]>[0] = {}) => {
    await settled();
    const { socket } = environment;
    socket.onSend = ({ type }) => {
      if (type === "subscribe") queueMicrotask(() => socket.accept());
      if (type === "unsubscribe") queueMicrotask(() => socket.drop());
    };
    socket.connected(more);
    await settled();
  };
  /** Cuts the line and lets the client come back. */
  const reconnect = async (more: Parameters<FakeFeedSocket["connected"]>[0] = {}) => {
    const before = environment.sockets.length;
    environment.socket.end();
    for (let waited = 0; environment.sockets.length === before && waited < 60; waited++) await environment.pass(1000);
    await connect(more);
  };
  return { environment, errors, client, connect, reconnect };
}

export function feedIdOf(offset: number, epoch = 1): string {
  return `EV-${epoch.toString(16).padStart(4, "0")}${offset.toString(16).padStart(12, "0")}`;
}

export function transactionText(offset: number, more: { id?: string; amount?: string; status?: string; epoch?: number } = {}): string {
  const { id = `TXN-${offset}`, amount = "50000.00", status = "SUCCESS", epoch } = more;
  const transaction = `{"id":"${id}","amount":${amount},"currency":"NGN","type":"TRANSFER","status":"${status}","createdAt":"${TIME}"}`;
  return `{"type":"transaction","eventId":"${feedIdOf(offset, epoch)}","timestamp":"${TIME}","transaction":${transaction}}`;
}

export function balanceText(offset: number, available: string, currency = "NGN", epoch = 1): string {
  const amounts = `"availableBalance":${available},"ledgerBalance":${available},"pendingAmount":0,"lockedAmount":"0.00"`;
  const wallet = `{"currency":"${currency}",${amounts}}`;
  return `{"type":"balance","eventId":"${feedIdOf(offset, epoch)}","timestamp":"${TIME}","wallet":${wallet}}`;
}
