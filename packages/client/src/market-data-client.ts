/** Prices by symbol (contract 10-market-data "SDK"): a thin face of {@link Broadtape}. */
import type { BestPrice } from "@broadtape/protocol/products/market-data/best-price";
import { Broadtape, type Following } from "./broadtape.ts";
import type { ConnectionOptions } from "./connection.ts";

/** A best price as clients read it: JSON numbers as JavaScript has them, and the id of the event that made it. */
export type Price = {
  readonly [Field in keyof BestPrice]: Plain<BestPrice[Field]>;
} & { readonly eventId: string };

type Plain<T> = T extends object ? (T extends { readonly digits: string } ? number : { readonly [Key in keyof T]: Plain<T[Key]> }) : T;

export type PriceCallback = (price: Price) => void;

export interface MarketDataClientOptions extends ConnectionOptions {
  /** Uses a connection that there is already. */
  readonly tape?: Broadtape;
}

interface Interest {
  readonly callback: PriceCallback;
  readonly following: Following;
}

export class MarketDataClient {
  readonly tape: Broadtape;
  readonly #ownsTape: boolean;
  /** By symbol, then by callback: each callback holds its own reference on the symbol. */
  readonly #interests = new Map<string, Map<PriceCallback, Interest>>();

  constructor(options: MarketDataClientOptions) {
    this.#ownsTape = options.tape === undefined;
    this.tape = options.tape ?? new Broadtape(options);
  }

  /**
   * Calls back with the price as it stands and with every update. Survives reconnects. Resolves once the server has
   * answered; `errors` read `"<symbol>: invalid symbol"` and `"<symbol>: max subscriptions reached"`.
   */
  async subscribe(
    symbols: readonly string[],
    callback: PriceCallback,
    options: { readonly maxUpdatesPerSecond?: number } = {},
  ): Promise<{ subscribed: string[]; errors?: string[] }> {
    const subscribed: string[] = [];
    const errors: string[] = [];
    const asked = [...new Set(symbols)].map((symbol) => ({ symbol, interest: this.#follow(symbol, callback, options) }));
    for (const { symbol, interest } of asked) {
      const result = await interest.following.ready;
      if (result.ok) {
        subscribed.push(symbol);
        continue;
      }
      this.removeCallback(symbol, callback);
      errors.push(`${symbol}: ${result.code === "LIMIT_REACHED" ? "max subscriptions reached" : "invalid symbol"}`);
    }
    return errors.length > 0 ? { subscribed, errors } : { subscribed };
  }

  /** Ends one callback's interest in the symbols, or everybody's. Symbols that others hold go on for them. */
  async unsubscribe(symbols: readonly string[], callback?: PriceCallback): Promise<{ unsubscribed: string[] }> {
    const unsubscribed = symbols.filter((symbol) => this.#interests.has(symbol));
    for (const symbol of unsubscribed) {
      for (const each of callback === undefined ? [...(this.#interests.get(symbol)?.keys() ?? [])] : [callback]) this.removeCallback(symbol, each);
    }
    return Promise.resolve({ unsubscribed });
  }

  removeCallback(symbol: string, callback: PriceCallback): void {
    const interests = this.#interests.get(symbol);
    const interest = interests?.get(callback);
    if (interests === undefined || interest === undefined) return;
    interest.following.unfollow();
    interests.delete(callback);
    if (interests.size === 0) this.#interests.delete(symbol);
  }

  isConnected(): boolean {
    return this.tape.status.get().state === "live";
  }

  /** Ends all subscriptions, and the connection where it is this client's own. */
  disconnect(): void {
    for (const [symbol, interests] of this.#interests) for (const callback of [...interests.keys()]) this.removeCallback(symbol, callback);
    if (this.#ownsTape) this.tape.close();
  }

  #follow(symbol: string, callback: PriceCallback, options: { readonly maxUpdatesPerSecond?: number }): Interest {
    const interests = this.#interests.get(symbol) ?? new Map<PriceCallback, Interest>();
    this.#interests.set(symbol, interests);
    const existing = interests.get(callback);
    if (existing !== undefined) {
      if (options.maxUpdatesPerSecond !== undefined) existing.following.update({ maxUpdatesPerSecond: options.maxUpdatesPerSecond });
      return existing;
    }
    const onPrice = (value: unknown) => {
      if (isPrice(value)) callback(value);
    };
    const handlers = {
      onSnapshot: onPrice,
      onEvent: ({ data, eventId }: { readonly data: unknown; readonly eventId?: string }) => {
        if (typeof data === "object" && data !== null) onPrice({ ...data, eventId });
      },
    };
    const interest = { callback, following: this.tape.follow(`symbol:${symbol}`, handlers, options) };
    interests.set(callback, interest);
    return interest;
  }
}

/** What the server tells of a symbol that has a price. */
function isPrice(value: unknown): value is Price {
  return typeof value === "object" && value !== null && "symbol" in value && typeof value.symbol === "string" && "timestamp" in value;
}
