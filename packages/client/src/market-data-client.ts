/** Prices by symbol (contract 10-market-data "SDK"): a thin face of {@link Broadtape}. */
import { Broadtape, type Following } from "./broadtape.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import type { FollowStatus, Price } from "./types.ts";

export type PriceCallback = (price: Price) => void;

export interface MarketDataClientOptions extends ConnectionOptions {
  /** Uses a connection that there is already; then the other options say nothing. */
  readonly tape?: Broadtape | undefined;
}

export interface PriceOptions {
  /** The most updates a second and symbol; without it each one, or the newest when the connection is behind. */
  readonly maxUpdatesPerSecond?: number | undefined;
}

export interface SubscribeResult {
  readonly subscribed: string[];
  /** `"<symbol>: invalid symbol"`, `"<symbol>: max subscriptions reached"`; left out where there are none. */
  readonly errors?: string[];
}

/**
 * Prices by symbol, for as many callbacks as there are components.
 *
 * A symbol is subscribed to once, however many callbacks want it, and for as long as one does. Subscriptions survive
 * reconnects. A callback that throws silences nobody (`onError` takes the error).
 *
 * @example
 * const prices = new MarketDataClient({ url: "https://tape.example", token });
 * await prices.subscribe(["EUR/USD"], ({ symbol, midPrice }) => show(symbol, midPrice), { maxUpdatesPerSecond: 10 });
 */
export class MarketDataClient {
  /** The connection under it. */
  readonly tape: Broadtape;
  readonly #ownsTape: boolean;
  /** By symbol, then by callback: each callback holds a reference of its own. */
  readonly #held = new Map<string, Map<PriceCallback, Following>>();
  /** How many of a symbol's callbacks were let go without being named. Invariant: less than it has callbacks. */
  readonly #released = new Map<string, number>();

  constructor(options: MarketDataClientOptions = {}) {
    this.#ownsTape = options.tape === undefined;
    this.tape = options.tape ?? new Broadtape(options);
  }

  /**
   * Calls back with the price as it stands, where there is one, and with every update. Resolves once the server has
   * answered for all symbols, also after a reconnect if it must; never rejects. A callback that has the symbol already
   * goes on having it once, at the new rate.
   */
  async subscribe(symbols: readonly string[], callback: PriceCallback, options: PriceOptions = {}): Promise<SubscribeResult> {
    const asked = [...new Set(symbols)].map((symbol) => ({ symbol, following: this.#follow(symbol, callback, options) }));
    const subscribed: string[] = [];
    const errors: string[] = [];
    for (const { symbol, following } of asked) {
      const status = await following.ready;
      if (status.ok) {
        subscribed.push(symbol);
        continue;
      }
      errors.push(`${symbol}: ${wordsOf(status)}`);
      // Unless the callback has meanwhile asked anew.
      if (this.#held.get(symbol)?.get(callback) === following) this.removeCallback(symbol, callback);
    }
    return errors.length > 0 ? { subscribed, errors } : { subscribed };
  }

  /**
   * Ends this callback's interest in the symbols. Without a callback: one reference of each symbol is given back, and its
   * callbacks end together with the last; so nobody's `unsubscribe` silences somebody else.
   */
  unsubscribe(symbols: readonly string[], callback?: PriceCallback): Promise<{ unsubscribed: string[] }> {
    const unsubscribed = [...new Set(symbols)].filter((symbol) => {
      const callbacks = this.#held.get(symbol);
      return callback === undefined ? callbacks !== undefined : callbacks?.has(callback) === true;
    });
    for (const symbol of unsubscribed) {
      if (callback !== undefined) this.removeCallback(symbol, callback);
      else this.#release(symbol, (this.#released.get(symbol) ?? 0) + 1);
    }
    return Promise.resolve({ unsubscribed });
  }

  /** This callback hears nothing more of the symbol. Harmless when repeated. */
  removeCallback(symbol: string, callback: PriceCallback): void {
    const callbacks = this.#held.get(symbol);
    callbacks?.get(callback)?.unfollow();
    if (callbacks?.delete(callback) === true) this.#release(symbol, this.#released.get(symbol) ?? 0);
  }

  /** Whether there is contact with the server. */
  isConnected(): boolean {
    const { state } = this.tape.status.get();
    return state === "live" || state === "resuming";
  }

  /** Ends all subscriptions of this client, and the connection where it is its own. */
  disconnect(): void {
    for (const symbol of [...this.#held.keys()]) this.#release(symbol, Infinity);
    if (this.#ownsTape) this.tape.close();
  }

  #follow(symbol: string, callback: PriceCallback, options: PriceOptions): Following {
    const callbacks = this.#held.get(symbol) ?? new Map<PriceCallback, Following>();
    this.#held.set(symbol, callbacks);
    const held = callbacks.get(callback);
    if (held !== undefined) {
      held.update({ maxUpdatesPerSecond: options.maxUpdatesPerSecond });
      return held;
    }
    const following = this.tape.follow(
      `symbol:${symbol}`,
      {
        onSnapshot: (price) => {
          if (price !== null) callback(price);
        },
        onEvent: ({ data, eventId = "" }) => callback({ ...(data as Omit<Price, "eventId">), eventId }),
      },
      options,
    );
    callbacks.set(callback, following);
    return following;
  }

  /** Ends a symbol's callbacks when as many references were given back as there are. */
  #release(symbol: string, released: number): void {
    const callbacks = this.#held.get(symbol) ?? new Map<PriceCallback, Following>();
    if (released < callbacks.size) {
      if (released > 0) this.#released.set(symbol, released);
      return;
    }
    for (const following of callbacks.values()) following.unfollow();
    this.#held.delete(symbol);
    this.#released.delete(symbol);
  }
}

function wordsOf({ code }: FollowStatus & { ok: false }): string {
  switch (code) {
    case "LIMIT_REACHED":
      return "max subscriptions reached";
    case "CLOSED":
      return "connection closed";
    case "UNFOLLOWED":
      return "unsubscribed";
    default:
      return "invalid symbol";
  }
}
