/** A symbol's best price and how quotes fold into it (contract 10-market-data, 70-details "stale source"). Used by server and clients. */
import type { Offset } from "../../event-id.ts";
import type { JsonNumber } from "../../json.ts";
import { compareDecimals, toBig, toJsonNumber } from "../../money.ts";
import type { BestPriceData, QuoteData, QuoteStaleData } from "./schema.ts";

/** One side of a best price; `size` is left out where the source sends none. */
export interface PriceSide {
  readonly price: JsonNumber;
  readonly size?: JsonNumber;
  readonly source: string;
}

/** What clients are shown. A side that nobody quotes is left out (or null as published), and with it what is derived from both. */
export interface BestPrice {
  readonly symbol: string;
  readonly bestBid?: PriceSide | null;
  readonly bestAsk?: PriceSide | null;
  readonly midPrice?: JsonNumber | null;
  readonly spread?: JsonNumber | null;
  readonly spreadBps?: JsonNumber | null;
  /** Milliseconds since the epoch, as published. */
  readonly timestamp: number;
}

/** A source's last quote. */
export interface SourceQuote {
  readonly source: string;
  readonly bid: JsonNumber | null;
  readonly bidSize: JsonNumber | null;
  readonly ask: JsonNumber | null;
  readonly askSize: JsonNumber | null;
  readonly offset: Offset;
  /** The server's clock when the log took it. */
  readonly arrivedAt: number;
}

/** A symbol as folded so far. Invariant: `quotes` are in order of arrival and hold each source once. */
export interface SymbolState {
  readonly price: BestPrice;
  readonly quotes: readonly SourceQuote[];
  /** The price is a publisher's own: it stands until the next price or quote, whichever sources fall silent. */
  readonly isGiven?: true;
}

/** Where and when the log took the event that is folded. */
export interface Place {
  readonly offset: Offset;
  readonly storedAt: number;
}

/** A publisher's own best price: taken as it is, with what it left out derived in decimals. */
export function foldBestPrice(state: SymbolState | undefined, data: BestPriceData): SymbolState {
  return { price: withDerived(allowListed(data)), quotes: state?.quotes ?? [], isGiven: true };
}

/** A source's quote: replaces its last one; sources silent for `staleAfterMs` at this arrival are dropped. */
export function foldQuote(state: SymbolState | undefined, data: QuoteData, place: Place, staleAfterMs: number): SymbolState {
  const others = (state?.quotes ?? []).filter((quote) => quote.source !== data.source && place.storedAt - quote.arrivedAt < staleAfterMs);
  const withdrawn = data.bid == null && data.ask == null;
  const quotes = withdrawn ? others : [...others, quoteOf(data, place)];
  return { price: bestOf(data.symbol, quotes, data.timestamp), quotes };
}

/** The server's word that a source went silent. Void (the same state) when the source has quoted since. */
export function foldQuoteStale(state: SymbolState | undefined, data: QuoteStaleData, place: Place): SymbolState | undefined {
  const stale = state?.quotes.find((quote) => quote.source === data.source && quote.offset === data.quoteOffset);
  if (state === undefined || stale === undefined) return state;
  const quotes = state.quotes.filter((quote) => quote !== stale);
  if (state.isGiven === true) return { ...state, quotes };
  return { price: bestOf(data.symbol, quotes, place.storedAt), quotes };
}

/** Highest bid and lowest ask over the quotes; among equals the one that came first. Crossed books stay crossed. */
export function bestOf(symbol: string, quotes: readonly SourceQuote[], timestamp: number): BestPrice {
  let bid: SourceQuote | undefined;
  let ask: SourceQuote | undefined;
  for (const quote of quotes) {
    if (quote.bid !== null && (bid?.bid == null || compareDecimals(quote.bid, bid.bid) > 0)) bid = quote;
    if (quote.ask !== null && (ask?.ask == null || compareDecimals(quote.ask, ask.ask) < 0)) ask = quote;
  }
  return withDerived({
    symbol,
    ...(bid?.bid != null && { bestBid: sideOf(bid.bid, bid.bidSize, bid.source) }),
    ...(ask?.ask != null && { bestAsk: sideOf(ask.ask, ask.askSize, ask.source) }),
    timestamp,
  });
}

function sideOf(price: JsonNumber, size: JsonNumber | null, source: string): PriceSide {
  return size === null ? { price, source } : { price, size, source };
}

function quoteOf(data: QuoteData, place: Place): SourceQuote {
  return {
    source: data.source,
    bid: data.bid ?? null,
    bidSize: data.bidSize ?? null,
    ask: data.ask ?? null,
    askSize: data.askSize ?? null,
    offset: place.offset,
    arrivedAt: place.storedAt,
  };
}

/** Only these fields leave the server, whatever else a publisher sent. */
function allowListed(data: BestPriceData): BestPrice {
  const { symbol, bestBid, bestAsk, midPrice, spread, spreadBps, timestamp } = data;
  return {
    symbol,
    ...(bestBid !== undefined && { bestBid: bestBid && { price: bestBid.price, size: bestBid.size, source: bestBid.source } }),
    ...(bestAsk !== undefined && { bestAsk: bestAsk && { price: bestAsk.price, size: bestAsk.size, source: bestAsk.source } }),
    ...(midPrice != null && { midPrice }),
    ...(spread != null && { spread }),
    ...(spreadBps != null && { spreadBps }),
    timestamp,
  };
}

/** mid = (bid + ask) / 2, spread = ask − bid, bps = spread / mid × 10 000, each only where both sides stand and it is missing. */
function withDerived(price: BestPrice): BestPrice {
  const { bestBid, bestAsk, timestamp, ...rest } = price;
  if (bestBid == null || bestAsk == null) return price;
  if (price.midPrice != null && price.spread != null && price.spreadBps != null) return price;
  const bid = toBig(bestBid.price);
  const ask = toBig(bestAsk.price);
  const sum = bid.plus(ask);
  const difference = ask.minus(bid);
  return {
    ...rest,
    bestBid,
    bestAsk,
    midPrice: rest.midPrice ?? toJsonNumber(sum.times("0.5")),
    spread: rest.spread ?? toJsonNumber(difference),
    ...(rest.spreadBps != null
      ? { spreadBps: rest.spreadBps }
      : !sum.eq(0) && { spreadBps: toJsonNumber(difference.times(20_000).div(sum)) }),
    timestamp,
  };
}
