/** Market data's event types (contract 10-market-data). Prices and sizes are JSON numbers whose digits are kept. */
import { z } from "zod";
import { jsonNumber } from "../../schema.ts";

/** Letters, digits and the separators that feeds use in symbols: `EUR/USD`, `BTC-USDT`, `BRK.B`, `XBTUSD_220624`. */
export const SYMBOL = /^[A-Za-z0-9][A-Za-z0-9/._:#@=-]{0,63}$/;

const symbol = z.string().regex(SYMBOL, "must be a symbol: 1 to 64 letters, digits or / . _ : # @ = -");
const source = z.string().min(1).max(128);
const timestamp = z.number().int().min(0).max(8.64e15);

const side = z.looseObject({ price: jsonNumber, size: jsonNumber, source });

/** `market-data.best-price`: a best price made by the publisher. A missing or null side is a one-sided book, passed on as it is. */
export const bestPriceData = z.looseObject({
  symbol,
  bestBid: side.nullish(),
  bestAsk: side.nullish(),
  midPrice: jsonNumber.nullish(),
  spread: jsonNumber.nullish(),
  spreadBps: jsonNumber.nullish(),
  timestamp,
});

/** `market-data.quote`: one venue's or LP's quote; without bid and ask the source withdraws. */
export const quoteData = z.looseObject({
  symbol,
  source,
  bid: jsonNumber.nullish(),
  bidSize: jsonNumber.nullish(),
  ask: jsonNumber.nullish(),
  askSize: jsonNumber.nullish(),
  timestamp,
});

/**
 * `market-data.quote-stale`: the server's own word that a source has been silent for too long. `quoteOffset` is the
 * silent quote's offset: a newer quote of the source makes this event void.
 */
export const quoteStaleData = z.object({ symbol, source, quoteOffset: z.number().int().positive() });

export type BestPriceData = z.infer<typeof bestPriceData>;
export type QuoteData = z.infer<typeof quoteData>;
export type QuoteStaleData = z.infer<typeof quoteStaleData>;
