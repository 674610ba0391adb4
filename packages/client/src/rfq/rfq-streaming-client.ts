/** RFQs and a trader's feed (contract 20-rfq "SDK"): a thin face of {@link Broadtape}. */
import type { EventMessage } from "@broadtape/protocol/native";
import { rfqMessageOf } from "@broadtape/protocol/products/rfq/messages";
import type { Trader } from "@broadtape/protocol/products/rfq/traders";
import { Broadtape, type Following } from "../broadtape.ts";
import type { ConnectionOptions } from "../connection-options.ts";
import { type Store, safely } from "../store.ts";
import type { FollowStatus } from "../types.ts";
import { type FollowedRfq, RFQ_FOLDS, serverTimeOf } from "./folds.ts";

/** The messages of contract part 2, and how the connection is. `rfq:quoted` is `rfq:status` with the status `quoted`. */
export type RfqEventName =
  | "connected"
  | "disconnected"
  | "rfq:created"
  | "rfq:status"
  | "rfq:quoted"
  | "rfq:distributed"
  | "quote:received"
  | "quotes:ranked"
  | "quote:expired"
  | "rfq:filled"
  | "rfq:expired"
  | "rfq:cancelled"
  | "rfq:extended"
  | "rfq:countdown";

export type RfqEventBody = Readonly<Record<string, unknown>> & { readonly rfqId?: string; readonly eventId?: string };
export type RfqCallback = (body: RfqEventBody) => void;

export interface RfqStreamingClientOptions extends ConnectionOptions {
  /** A connection that there is already, made with {@link RFQ_FOLDS}; then the other options say nothing. */
  readonly tape?: Broadtape | undefined;
}

/** What the trader's feed says; all else is told to those who follow the RFQ. */
const OF_TRADER: ReadonlySet<string> = new Set(["rfq.created", "rfq.filled", "rfq.expired", "rfq.cancelled"]);
/** Events told, so that one that stands on two topics is told once. */
const MAX_TOLD = 4096;

/**
 * @example
 * const desk = new RfqStreamingClient({ url: "https://tape.example", token });
 * const { rfq, quotes } = await desk.subscribeToRfq("rfq-1");
 * desk.on("quote:received", ({ rfqId }) => show(desk.state(rfqId)));
 */
export class RfqStreamingClient {
  /** The connection under it. */
  readonly tape: Broadtape;
  readonly #ownsTape: boolean;
  readonly #onError: (error: unknown) => void;
  readonly #followed = new Map<string, Following>();
  readonly #callbacks = new Map<RfqEventName, Set<RfqCallback>>();
  readonly #told = new Set<string>();
  readonly #offStatus: () => void;
  #isConnected = false;

  constructor({ tape, ...options }: RfqStreamingClientOptions = {}) {
    this.#ownsTape = tape === undefined;
    this.tape = tape ?? new Broadtape({ ...options, folds: RFQ_FOLDS });
    this.#onError = options.onError ?? ((error) => reportError(error));
    this.#offStatus = this.tape.status.subscribe(() => this.#statusChanged());
  }

  /**
   * Follows an RFQ; resolves with its state. Rejects where it is refused: unknown, somebody else's, malformed or too many.
   * Goes on over reconnects without a gap.
   */
  async subscribeToRfq(rfqId: string): Promise<FollowedRfq> {
    const topic = `rfq:${rfqId}`;
    const known = this.state(rfqId);
    if (known !== undefined && this.#followed.has(topic)) return known;
    return new Promise((resolve, reject) => {
      this.#follow(topic, {
        onSnapshot: (state) => resolve(state as FollowedRfq),
        onRefused: ({ code }) => reject(new Error(`RFQ ${rfqId} cannot be followed: ${code}`)),
      });
    });
  }

  unsubscribeFromRfq(rfqId: string): void {
    this.#unfollow(`rfq:${rfqId}`);
  }

  /** Follows a trader's RFQs, one's own by default; resolves when that is so, rejects where it is refused. */
  async subscribeToTrader(traderId = "me"): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#follow(`trader:${traderId}`, {
        onSnapshot: () => resolve(),
        onRefused: ({ code }) => reject(new Error(`the RFQs of ${traderId} cannot be followed: ${code}`)),
      });
    });
  }

  /** Calls back with each message of this name; returns a function that ends it. */
  on(name: RfqEventName, callback: RfqCallback): () => void {
    const callbacks = this.#callbacks.get(name) ?? new Set();
    this.#callbacks.set(name, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
    };
  }

  /** A followed RFQ folded so far; undefined where it is not followed or not known yet. */
  state(rfqId: string): FollowedRfq | undefined {
    return (this.tape.view(`rfq:${rfqId}`).get() as FollowedRfq | null | undefined) ?? undefined;
  }

  /** An RFQ as an external store; followed while it has listeners. */
  rfq(rfqId: string): Store<FollowedRfq | null | undefined> {
    // Folded by RFQ_FOLDS, or as the server's snapshot is.
    return this.tape.view(`rfq:${rfqId}`) as Store<FollowedRfq | null | undefined>;
  }

  /** A trader's RFQs as an external store; followed while it has listeners. */
  trader(traderId = "me"): Store<Trader | null | undefined> {
    return this.tape.view(`trader:${traderId}`) as Store<Trader | null | undefined>;
  }

  /** Ends what it follows, and the connection where it is its own. */
  disconnect(): void {
    for (const topic of [...this.#followed.keys()]) this.#unfollow(topic);
    this.#offStatus();
    if (this.#ownsTape) this.tape.close();
    if (this.#isConnected) this.#tell("disconnected", {});
    this.#isConnected = false;
  }

  #follow(topic: string, on: { onSnapshot: (state: unknown) => void; onRefused: (status: FollowStatus & { ok: false }) => void }): void {
    const before = this.#followed.get(topic);
    const following = this.tape.follow(topic, {
      onSnapshot: on.onSnapshot,
      onEvent: (event) => this.#take(topic, event),
      onStatus: (status) => {
        if (status.ok) return;
        if (this.#followed.get(topic) === following) this.#followed.delete(topic);
        on.onRefused(status);
      },
    });
    this.#followed.set(topic, following);
    before?.unfollow();
  }

  #unfollow(topic: string): void {
    this.#followed.get(topic)?.unfollow();
    this.#followed.delete(topic);
  }

  #take(topic: string, { event, eventId, data }: EventMessage): void {
    if (topic.startsWith("rfq:") ? event === "rfq.created" : !OF_TRADER.has(event)) return;
    if (eventId !== undefined && !this.#isNew(eventId)) return;
    const message = rfqMessageOf(event, data, serverTimeOf(eventId));
    if (message === undefined) return;
    const body = { ...message.body, ...(eventId !== undefined && { eventId }) };
    // Of the names that rfqMessageOf knows.
    this.#tell(message.name as RfqEventName, body);
    if (event === "rfq.quoted") this.#tell("rfq:quoted", body);
  }

  #isNew(eventId: string): boolean {
    if (this.#told.has(eventId)) return false;
    this.#told.add(eventId);
    const [oldest] = this.#told;
    if (this.#told.size > MAX_TOLD && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }

  #statusChanged(): void {
    const { state } = this.tape.status.get();
    const isConnected = state === "live" || state === "resuming";
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    this.#tell(isConnected ? "connected" : "disconnected", {});
  }

  #tell(name: RfqEventName, body: RfqEventBody): void {
    for (const callback of [...(this.#callbacks.get(name) ?? [])]) safely(() => callback(body), this.#onError);
  }
}
