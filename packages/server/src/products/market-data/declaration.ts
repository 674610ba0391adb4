/** Market data (contract 10-market-data): best prices by symbol, conflated; venue quotes folded, silent sources dropped. */
import { catalogue } from "@broadtape/protocol/catalogue";
import { type SymbolState, foldBestPrice, foldQuote, foldQuoteStale } from "@broadtape/protocol/products/market-data/best-price";
import { type BestPriceData, type QuoteData, type QuoteStaleData, SYMBOL } from "@broadtape/protocol/products/market-data/schema";
import type { DomainEvent, Product, TopicKind, View } from "../../engine/product.ts";

export interface MarketDataOptions {
  /** The symbol universe; without it symbols are learned from the feed. */
  readonly symbols: readonly string[] | undefined;
  readonly staleSourceMs: number;
}

export const FIREHOSE = "market-data:firehose";

type MarketDataEvent = DomainEvent &
  (
    | { readonly type: "market-data.best-price"; readonly data: BestPriceData }
    | { readonly type: "market-data.quote"; readonly data: QuoteData }
    | { readonly type: "market-data.quote-stale"; readonly data: QuoteStaleData }
  );

export interface MarketData extends Product<MarketDataEvent> {
  readonly prices: View<SymbolState, MarketDataEvent>;
  /** Whether the symbols are configured, not learned. */
  readonly hasUniverse: boolean;
}

export function marketData({ symbols, staleSourceMs }: MarketDataOptions): MarketData {
  const universe = symbols && new Set(symbols);
  const prices: View<SymbolState, MarketDataEvent> = {
    name: "prices",
    version: 2,
    entityOf: (event) => event.data.symbol,
    fold(state, event) {
      switch (event.type) {
        case "market-data.best-price":
          return foldBestPrice(state, event.data);
        case "market-data.quote":
          return foldQuote(state, event.data, event, staleSourceMs);
        case "market-data.quote-stale":
          return foldQuoteStale(state, event.data, event);
      }
    },
    due(state, symbol) {
      const oldest = state.quotes[0];
      if (oldest === undefined) return undefined;
      const { source, offset } = oldest;
      return {
        at: oldest.arrivedAt + staleSourceMs,
        event: {
          type: "market-data.quote-stale",
          id: `quote-stale/${symbol}/${source}/${offset}`,
          data: { symbol, source, quoteOffset: offset },
        },
      };
    },
  };
  const symbolTopic: TopicKind<SymbolState> = {
    kind: "symbol",
    lossless: false,
    shared: true,
    param: (written) => (SYMBOL.test(written) && universe?.has(written) !== false ? written : undefined),
    mayFollow: () => true,
    mayFollowPatterns: (identity) => identity.permissions.has(FIREHOSE),
    view: prices,
    entity: (symbol) => symbol,
    render: (state) => JSON.stringify(state.price),
    newestType: "market-data.best-price",
  };
  return {
    name: "market-data",
    types: {
      "market-data.best-price": catalogue["market-data.best-price"],
      "market-data.quote": catalogue["market-data.quote"],
      "market-data.quote-stale": catalogue["market-data.quote-stale"],
    },
    prices,
    hasUniverse: universe !== undefined,
    views: [prices],
    topics: [symbolTopic],
    admit: ({ data }) => (isOutside(universe, data) ? { path: "data.symbol", message: "is not in BROADTAPE_SYMBOLS" } : undefined),
    topicsOf: (event) => [`symbol:${event.data.symbol}`],
    tellNewest(event, states) {
      const { symbol } = event.data;
      const entry = states.entry(prices, event.tenant, symbol);
      // A void event (a source that has quoted since) changed nothing, and nothing is told of it.
      if (entry?.offset !== event.offset) return [];
      return [{ topic: `symbol:${symbol}`, key: symbol, event: "market-data.best-price", data: JSON.stringify(entry.state.price) }];
    },
  };
}

function isOutside(universe: ReadonlySet<string> | undefined, data: unknown): boolean {
  return universe !== undefined && typeof data === "object" && data !== null && "symbol" in data && !universe.has(String(data.symbol));
}
