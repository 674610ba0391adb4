/** A user's money feed with acknowledgements (contract 30-transactions), over its plain WebSocket. */
import type { ClientMessage, ServerMessage, WelcomeMessage } from "@broadtape/protocol/native";
import type { FeedEvent } from "@broadtape/protocol/products/transactions/events";
import type { FeedClientMessage, FeedEventMessage, FeedServerMessage } from "@broadtape/protocol/products/transactions/messages";
import type { FeedSubscription } from "@broadtape/protocol/products/transactions/subscription";
import type { ConnectionOptions } from "../connection-options.ts";
import type { ConnectionState, ConnectionStatus } from "../connection-state.ts";
import { Connection } from "../connection.ts";
import { Pacer } from "../pacer.ts";
import type { Store } from "../store.ts";
import { Acks } from "./acks.ts";
import { Callbacks, type FeedCallbacks } from "./callbacks.ts";
import { type ClientIdStorage, keptClientId } from "./client-id.ts";
import { type FeedEnvironment, browserFeedEnvironment } from "./environment.ts";
import { FeedError } from "./feed-error.ts";
import { type FeedWelcome, MESSAGE_LIMITS, openFeedLink } from "./feed-link.ts";
import { type FeedBalance, FeedState, type TransactionMessage } from "./feed-state.ts";
import { HandOut } from "./hand-out.ts";
import { type SubscriptionChange, SubscriptionSync } from "./subscription.ts";

export interface TransactionFeedClientOptions
  extends
    SubscriptionChange,
    Pick<ConnectionOptions, "url" | "token" | "clientId" | "reconnection" | "reconnectionAttempts" | "reconnectionDelay" | "onError"> {
  /** Events in flight without their ack; the server's default is 256. */
  readonly window?: number | undefined;
  /** How many transactions {@link TransactionFeedClient.transactions} keeps. Default 100. */
  readonly keep?: number | undefined;
  /**
   * Where the client's name is kept when none is given. Default `localStorage`: one name a device, so that of two tabs the
   * one opened last has the feed; with `sessionStorage` each tab has its own.
   */
  readonly storage?: ClientIdStorage | undefined;
  readonly environment?: Partial<FeedEnvironment> | undefined;
}

const DEFAULT_WINDOW = 256;
const DEFAULT_KEEP = 100;
const RETRY_MS = 1000;

/**
 * @example
 * const feed = new TransactionFeedClient({ url: "https://tape.example", token: fetchToken });
 * feed.on("transaction", async ({ transaction }) => book(transaction));
 */
export class TransactionFeedClient {
  /** How the connection is: `live`, `stale` since when, `closed` and why. */
  readonly status: Store<ConnectionStatus>;
  /** {@link transactions} and {@link balances} as external stores. */
  readonly stores: { readonly transactions: Store<readonly TransactionMessage[]>; readonly balances: Store<readonly FeedBalance[]> };
  readonly clientId: string;
  readonly #connection: Connection;
  readonly #environment: FeedEnvironment;
  readonly #state: FeedState;
  readonly #handOut: HandOut;
  readonly #acks: Acks;
  readonly #subscription: SubscriptionSync;
  readonly #pacer: Pacer;
  readonly #offHide: () => void;
  readonly #callbacks: Callbacks;
  #isGreeted = false;
  /** `connected` was told, and `disconnected` not since. */
  #isToldConnected = false;
  #cancelAsking: (() => void) | undefined;
  /** Of the log that the events come from. */
  #epoch: string | undefined;
  #user: string | undefined;

  constructor({ events, filters, window, keep, storage, environment, ...options }: TransactionFeedClientOptions = {}) {
    const outside = { ...browserFeedEnvironment, ...environment };
    this.#environment = outside;
    this.clientId = options.clientId ?? keptClientId(storage, outside.random);
    this.#subscription = new SubscriptionSync({ events, filters });
    const connection = new Connection(
      {
        ...options,
        clientId: this.clientId,
        transport: "websocket",
        environment: { ...outside, openLink: (_transport, request) => openFeedLink(request, outside.openSocket, window) },
      },
      {
        onWelcome: (message) => this.#greeted(message),
        onMessage: (message) => this.#receive(message),
        onCut: () => this.#cut(),
        onUser: (user) => this.#isOf(user),
        onClosed: (reason) => this.#closed(reason),
      },
    );
    const { onError } = connection;
    this.#connection = connection;
    this.#callbacks = new Callbacks(onError);
    this.status = connection.status;
    this.#state = new FeedState(keep ?? DEFAULT_KEEP, onError);
    this.stores = { transactions: this.#state.transactions, balances: this.#state.balances };
    this.#acks = new Acks(outside, (eventIds) => this.#send({ type: "ack", eventIds: [...eventIds] }));
    this.#handOut = new HandOut(window ?? DEFAULT_WINDOW, { onHandled: (eventId) => this.#acks.add(eventId), onError });
    this.#pacer = new Pacer(outside.now);
    this.status.subscribe(() => this.#statusChanged());
    this.#offHide = outside.onHide(() => this.#acks.flush());
    connection.start();
  }

  get state(): ConnectionState {
    return this.status.get().state;
  }

  /** Milliseconds since the epoch of the last sign of the server; undefined while it is live. */
  get staleSince(): number | undefined {
    return this.status.get().staleSince;
  }

  /** What the server sends on this connection; without events while there is none. */
  get subscription(): FeedSubscription {
    return this.#subscription.held;
  }

  /** Each transaction once, as last told, newest first. The same array until it changes. */
  transactions(): readonly TransactionMessage[] {
    return this.#state.transactions.get();
  }

  /** Each currency's balance as it stands. The same array until it changes. */
  balances(): readonly FeedBalance[] {
    return this.#state.balances.get();
  }

  /**
   * Calls back; returns a function that ends it. An event is given once to each of its callbacks; to one that threw or
   * rejected it is given again when the server sends it again. Who comes after an event was handled does not get it.
   */
  on<Name extends keyof FeedCallbacks>(name: Name, callback: FeedCallbacks[Name]): () => void {
    return this.#callbacks.on(name, callback);
  }

  onResync(callback: FeedCallbacks["resync"]): () => void {
    return this.on("resync", callback);
  }

  /** Adds events and replaces the filters; resolves when the server holds it, rejects where it is refused. */
  subscribe(change: SubscriptionChange = {}): Promise<FeedSubscription> {
    return this.#ask(this.#subscription.subscribe(change));
  }

  unsubscribe(events: readonly FeedEvent[]): Promise<FeedSubscription> {
    return this.#ask(this.#subscription.unsubscribe(events));
  }

  /** Says what is handled and ends the connection for good. What is not handled comes on this `clientId`'s next one. */
  disconnect(): void {
    this.#acks.flush();
    this.#connection.close();
  }

  #greeted(message: WelcomeMessage): void {
    // Made by openFeedLink.
    const { connected } = message as FeedWelcome;
    this.#isGreeted = true;
    this.#pacer.reset(MESSAGE_LIMITS);
    this.#acks.open();
    this.#subscription.greeted(connected, this.#handOut.position);
    this.#isToldConnected = true;
    this.#callbacks.tell("connected", connected);
    this.#pursue();
  }

  #receive(native: ServerMessage): void {
    // The link hands on the feed's messages as they are.
    const message = native as unknown as FeedServerMessage;
    switch (message.type) {
      case "transaction":
      case "balance":
      case "wallet":
      case "fraud":
        this.#take(message);
        return;
      case "subscribed":
      case "unsubscribed":
        this.#subscription.answered(message);
        this.#pursue();
        return;
      case "resync":
        this.#callbacks.tell("resync", message);
        return;
      case "error":
        this.#refused(message);
        return;
      case "connected":
      case "ping":
    }
  }

  #take(message: FeedEventMessage): void {
    const epoch = message.eventId.slice(3, 7);
    if (this.#epoch !== undefined && epoch !== this.#epoch) this.#forget();
    this.#epoch = epoch;
    this.#state.take(message);
    this.#handOut.take(message, this.#callbacks.takersOf(message));
  }

  /** Asks for what of the subscription is not so yet. */
  #pursue(): void {
    if (!this.#isGreeted || this.#cancelAsking !== undefined) return;
    const request = this.#subscription.next();
    if (request !== undefined && this.#pacer.take()) {
      this.#subscription.asked(request);
      this.#send(request);
    } else if (request !== undefined) this.#pursueIn(this.#pacer.waitMs);
    else if (!this.#subscription.isAsking) {
      this.#subscription.settled();
      this.#connection.caughtUp();
    }
  }

  #pursueIn(ms: number): void {
    this.#cancelAsking = this.#environment.after(ms, () => {
      this.#cancelAsking = undefined;
      this.#pursue();
    });
  }

  #refused({ code, message, path, retryAfterMs = RETRY_MS }: Extract<FeedServerMessage, { type: "error" }>): void {
    // Nothing is refused: the connection comes back when it was asked to.
    if (code === "SHUTTING_DOWN") return;
    const error = new FeedError(code, message, path);
    if (code === "RATE_LIMITED") {
      this.#acks.pause(retryAfterMs);
      this.#pacer.pause(retryAfterMs);
      this.#subscription.again();
    } else if (code === "BAD_REQUEST" || code === "FORBIDDEN") this.#subscription.refused(error);
    this.#callbacks.tell("error", error);
    this.#pursue();
  }

  #cut(): void {
    this.#isGreeted = false;
    this.#acks.cut();
    this.#subscription.cut();
    this.#cancelAsking?.();
    this.#cancelAsking = undefined;
  }

  #statusChanged(): void {
    if (this.#isGreeted || !this.#isToldConnected) return;
    this.#isToldConnected = false;
    this.#callbacks.tell("disconnected", this.status.get());
  }

  #closed(reason: string): void {
    this.#offHide();
    const error = reason === "REPLACED" ? new FeedError(reason, REPLACED) : new FeedError("CLOSED", `the feed has ended: ${reason}`);
    this.#subscription.fail(error);
    if (reason !== BY_CLIENT) this.#callbacks.tell("error", error);
  }

  /** What one user was told is not shown to another. */
  #isOf(user: string): void {
    if (this.#user !== undefined && user !== this.#user) this.#forget();
    this.#user = user;
  }

  #forget(): void {
    this.#state.clear();
    this.#handOut.forget();
  }

  #ask(answer: Promise<FeedSubscription>): Promise<FeedSubscription> {
    if (this.state === "closed") this.#subscription.fail(new FeedError("CLOSED", "the feed has ended"));
    else this.#pursue();
    // Errors are told to `error` callbacks as well: who does not wait for the answer need not take them here.
    answer.catch(() => undefined);
    return answer;
  }

  #send(message: FeedClientMessage): void {
    // The link writes any message as JSON.
    this.#connection.send(message as unknown as ClientMessage);
  }
}

const BY_CLIENT = "closed by the client";
const REPLACED = "another connection with this clientId has taken over: give each device or tab a clientId of its own";
