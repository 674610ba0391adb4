/** A user's orders, positions, trades and balances (contract 40-trading "SDK and React"): a thin face of {@link Broadtape}. */
import type { EventMessage } from "@broadtape/protocol/native";
import type { Balance, Order, Position, Trade } from "@broadtape/protocol/products/trading/entities";
import { tradingMessageOf } from "@broadtape/protocol/products/trading/messages";
import { Broadtape, type BroadtapeOptions, type Following } from "../broadtape.ts";
import type { ConnectionStatus } from "../connection-state.ts";
import { isNewer } from "../position.ts";
import { type Store, safely } from "../store.ts";
import type { FollowStatus } from "../types.ts";
import { TRADING_FOLDS } from "./folds.ts";

interface OrderEvent {
  readonly order: Order;
  /** When it happened: ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string;
  readonly eventId: string;
}
type OrderEnded = OrderEvent & { readonly reason?: string };
type PositionEvent = Omit<OrderEvent, "order"> & { readonly position: Position };

/** The messages of contract part 4, and how the connection is. */
export interface TradingEvents {
  readonly "order:created": OrderEvent;
  readonly "order:submitted": OrderEvent;
  /** Also partly. */
  readonly "order:filled": OrderEvent;
  readonly "order:cancelled": OrderEnded;
  readonly "order:rejected": OrderEnded;
  readonly "position:opened": PositionEvent;
  readonly "position:updated": PositionEvent;
  readonly "position:closed": PositionEvent;
  readonly "trade:executed": Omit<OrderEvent, "order"> & { readonly trade: Trade };
  readonly "balance:updated": Omit<OrderEvent, "order"> & { readonly balance: Balance };
  readonly connected: ConnectionStatus;
  readonly disconnected: ConnectionStatus;
  /** What was missed could not be told: it is in the state, and in no event. */
  readonly resync: { readonly reason: "unknown" | "expired" };
}

/** As of `eventId`: everything up to that event is in it, whatever came after may be. */
export interface TradingState {
  readonly orders: readonly Order[];
  /** Open ones. */
  readonly positions: readonly Position[];
  readonly trades: readonly Trade[];
  readonly balances: readonly Balance[];
  readonly eventId: string;
}

/** External stores, empty until known; each is followed while it has listeners. */
export interface TradingStores {
  readonly orders: Store<readonly Order[]>;
  readonly positions: Store<readonly Position[]>;
  readonly trades: Store<readonly Trade[]>;
  readonly balances: Store<readonly Balance[]>;
}

export interface TradingClientOptions extends Omit<BroadtapeOptions, "folds"> {
  /** A connection that there is already, made with {@link TRADING_FOLDS}; then of the other options `userId` alone says anything. */
  readonly tape?: Broadtape | undefined;
  /** Whose trading: one's own by default, or that of somebody in one's team. */
  readonly userId?: string | undefined;
}

const KINDS = ["orders", "positions", "trades", "balances"] as const;
type Kind = (typeof KINDS)[number];

interface FollowedTrading {
  readonly followings: Following[];
  readonly snapshot: Promise<TradingState>;
  /** Says nothing once the snapshot is there. */
  readonly reject: (reason: Error) => void;
}

/**
 * @example
 * const trading = new TradingClient({ url: "https://tape.example", token });
 * trading.on("order:filled", ({ order }) => notify(order));
 * const { orders, positions } = await trading.subscribe();
 */
export class TradingClient {
  /** The connection under it. */
  readonly tape: Broadtape;
  /** How the connection is: `live`, `stale` since when, `closed` and why. */
  readonly status: Store<ConnectionStatus>;
  readonly stores: TradingStores;
  readonly #ownsTape: boolean;
  readonly #userId: string;
  readonly #onError: (error: unknown) => void;
  readonly #callbacks = new Map<string, Set<(body: never) => void>>();
  readonly #offStatus: () => void;
  #followed: FollowedTrading | undefined;
  #isConnected: boolean;

  constructor({ tape, userId = "me", ...options }: TradingClientOptions = {}) {
    this.#ownsTape = tape === undefined;
    this.#userId = userId;
    this.tape = tape ?? new Broadtape({ ...options, folds: TRADING_FOLDS });
    this.status = this.tape.status;
    this.#onError = options.onError ?? ((error) => reportError(error));
    this.stores = {
      orders: this.#storeOf("orders"),
      positions: this.#storeOf("positions"),
      trades: this.#storeOf("trades"),
      balances: this.#storeOf("balances"),
    };
    this.#isConnected = isConnected(this.status.get());
    this.#offStatus = this.status.subscribe(() => this.#statusChanged());
  }

  /**
   * Follows all of it; resolves with the state, all of it as of one event, and goes on over reconnects without a gap.
   * Rejects where it is refused. While it is followed, the same promise.
   */
  subscribe(): Promise<TradingState> {
    this.#followed ??= this.#follow();
    return this.#followed.snapshot;
  }

  /** Ends what {@link subscribe} began; the connection stays. */
  unsubscribe(): void {
    if (this.#followed !== undefined) end(this.#followed, "it is followed no more");
    this.#followed = undefined;
  }

  /** Calls back with each message of this name, from {@link subscribe} on; returns a function that ends it. */
  on<Name extends keyof TradingEvents>(name: Name, callback: (body: TradingEvents[Name]) => void): () => void {
    const callbacks = this.#callbacks.get(name) ?? new Set();
    this.#callbacks.set(name, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
    };
  }

  /** Ends what it follows, and the connection where it is its own. */
  disconnect(): void {
    this.unsubscribe();
    this.#offStatus();
    if (this.#ownsTape) this.tape.close();
    if (this.#isConnected) this.#tell("disconnected", this.status.get());
    this.#isConnected = false;
  }

  #follow(): FollowedTrading {
    const cursors = new Map<Kind, string>();
    const { promise: snapshot, resolve, reject } = Promise.withResolvers<TradingState>();
    // Who does not wait for the answer need not take the refusal either.
    snapshot.catch(() => undefined);
    const followed: FollowedTrading = { followings: [], snapshot, reject };
    // In one turn, so that the server is asked once and answers as of one event.
    for (const kind of KINDS) {
      const following = this.tape.follow<string>(this.#topicOf(kind), {
        onSnapshot: (_state, { cursor }) => {
          cursors.set(kind, cursor);
          if (cursors.size === KINDS.length) resolve(this.#stateAsOf([...cursors.values()]));
        },
        onEvent: (event) => this.#take(event),
        onStatus: (status) => {
          if (!status.ok) this.#refused(followed, status);
        },
        // One connection, one log: what is told of one topic is so for all.
        onResync: kind === "orders" ? (reason) => this.#tell("resync", { reason }) : undefined,
      });
      followed.followings.push(following);
    }
    return followed;
  }

  #refused(followed: FollowedTrading, { code }: FollowStatus & { ok: false }): void {
    if (this.#followed === followed) this.#followed = undefined;
    end(followed, `the trading of ${this.#userId} cannot be followed: ${code}`);
  }

  #stateAsOf(cursors: readonly string[]): TradingState {
    const { orders, positions, trades, balances } = this.stores;
    const eventId = cursors.reduce((earliest, cursor) => (isNewer(earliest, cursor) ? cursor : earliest));
    return { orders: orders.get(), positions: positions.get(), trades: trades.get(), balances: balances.get(), eventId };
  }

  #storeOf<Of extends Kind>(kind: Of): Store<TradingState[Of]> {
    const none = [] as const;
    // Folded by TRADING_FOLDS, or as the server's snapshot is.
    const view = this.tape.view<string>(this.#topicOf(kind)) as Store<TradingState | null | undefined>;
    return { subscribe: view.subscribe, get: () => view.get()?.[kind] ?? none };
  }

  #topicOf(kind: Kind): string {
    return `${kind}:${this.#userId}`;
  }

  #take({ event, data, eventId = "", time }: EventMessage): void {
    const message = tradingMessageOf(event, data, { eventId, time });
    if (message !== undefined) this.#tell(message.name, message.body);
  }

  #statusChanged(): void {
    const status = this.status.get();
    const isNow = isConnected(status);
    if (isNow === this.#isConnected) return;
    this.#isConnected = isNow;
    this.#tell(isNow ? "connected" : "disconnected", status);
  }

  #tell<Name extends keyof TradingEvents>(name: Name, body: TradingEvents[Name]): void {
    for (const callback of [...(this.#callbacks.get(name) ?? [])]) {
      // `on` took it for this name.
      safely(() => callback(body as never), this.#onError);
    }
  }
}

function isConnected({ state }: ConnectionStatus): boolean {
  return state === "live" || state === "resuming";
}

function end({ followings, reject }: FollowedTrading, why: string): void {
  for (const following of followings) following.unfollow();
  reject(new Error(why));
}
