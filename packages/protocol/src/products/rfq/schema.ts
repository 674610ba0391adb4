/** RFQ event types (contract 20-rfq). Prices, sizes and quantities keep their digits; a price of 0 or below is a price like any other. */
import { z } from "zod";
import { userId } from "../../ids.ts";
import { decimal } from "../../schema.ts";
import { SYMBOL } from "../market-data/schema.ts";

/** Ids stand in topic names: no spaces, no separators of lists, no `*`. */
export const RFQ_ID = /^[A-Za-z0-9][A-Za-z0-9._:#@=+/~-]{0,127}$/;

const id = z.string().min(1).max(128);
export const rfqId = z.string().regex(RFQ_ID, "must be an id: 1 to 128 letters, digits or . _ : # @ = + / ~ -");
/** ISO 8601 with a zone, or milliseconds since the epoch. */
const time = z.union([z.iso.datetime({ offset: true }), z.number().int().min(0).max(8.64e15)], {
  error: "must be an ISO 8601 time, or milliseconds",
});
/** Written by the server at publishing, so that an event makes sense without those before it. */
const ofRfq = { traderId: userId.optional(), symbol: z.string().max(64).optional() };

export const rfqCreated = z.looseObject({
  rfqId,
  traderId: userId,
  symbol: z.string().regex(SYMBOL, "must be a symbol"),
  side: z.enum(["buy", "sell", "two-way"]),
  quantity: decimal,
  expiresAt: time,
  status: z.string().max(64).optional(),
});
export const rfqValidated = z.looseObject({ rfqId, ...ofRfq });
export const rfqDistributed = z.looseObject({
  rfqId,
  lpCount: z.number().int().min(0),
  expiresAt: time.nullish(),
  ...ofRfq,
});
export const quoteReceived = z.looseObject({
  rfqId,
  quoteId: id,
  lpId: id,
  lpName: z.string().max(256).nullish(),
  bidPrice: decimal.nullish(),
  askPrice: decimal.nullish(),
  bidSize: decimal.nullish(),
  askSize: decimal.nullish(),
  status: z.string().min(1).max(64),
  expiresAt: time.nullish(),
  ...ofRfq,
});
export const quotesRanked = z.looseObject({
  rfqId,
  rankings: z
    .array(z.looseObject({ quoteId: id, ranking: z.number().int().min(1), isBestBid: z.boolean(), isBestAsk: z.boolean() }))
    .max(1000),
  ...ofRfq,
});
export const quoteExpired = z.looseObject({ rfqId, quoteId: id, lpId: id, ...ofRfq });
export const rfqQuoted = z.looseObject({ rfqId, ...ofRfq });
export const rfqFilled = z.looseObject({ rfqId, tradeId: id, price: decimal, quantity: decimal, ...ofRfq });
export const rfqExpired = z.looseObject({ rfqId, ...ofRfq });
export const rfqCancelled = z.looseObject({ rfqId, reason: z.string().max(1024), ...ofRfq });
export const rfqExtended = z.looseObject({ rfqId, newExpiresAt: time, ...ofRfq });

export type RfqCreated = z.infer<typeof rfqCreated>;
export type QuoteReceived = z.infer<typeof quoteReceived>;
export type QuotesRanked = z.infer<typeof quotesRanked>;

/** Milliseconds since the epoch of a time in an event. */
export function msOf(time: string | number): number {
  return typeof time === "number" ? time : Date.parse(time);
}

/** As times stand in messages: ISO 8601 in UTC with milliseconds (contract 70-details "times"). */
export function isoOf(time: string | number): string {
  return new Date(time).toISOString();
}
