/**
 * An RFQ folded from its events (contract 20-rfq "RfqState"): the code that the server's view, the SDK and the hooks share.
 * Pure; time comes in where a state is shown.
 */
import type { Decimal } from "../../money.ts";
import { type QuoteReceived, type QuotesRanked, type RfqCreated, isoOf, msOf } from "./schema.ts";

export type RfqStatus = "pending" | "validated" | "distributed" | "quoted" | "filled" | "expired" | "cancelled";

/** How far an RFQ is; the last three are the end. Steps may be skipped forward (contract 70-details "RFQ lifecycle"). */
const STEPS: Readonly<Record<RfqStatus, number>> = {
  pending: 0,
  validated: 1,
  distributed: 2,
  quoted: 3,
  filled: 4,
  expired: 4,
  cancelled: 4,
};
const FINAL = STEPS.filled;

/** The status that an event brings, for those that bring one. */
export const STATUS_OF: Readonly<Record<string, RfqStatus | undefined>> = {
  "rfq.created": "pending",
  "rfq.validated": "validated",
  "rfq.distributed": "distributed",
  "rfq.quoted": "quoted",
  "rfq.filled": "filled",
  "rfq.expired": "expired",
  "rfq.cancelled": "cancelled",
};

export interface Quote {
  readonly id: string;
  readonly lpId: string;
  readonly lpName: string;
  readonly bidPrice?: Decimal;
  readonly askPrice?: Decimal;
  readonly bidSize?: Decimal;
  readonly askSize?: Decimal;
  readonly status: string;
  readonly expiresAt?: string;
}

export interface Rank {
  readonly ranking: number;
  readonly isBestBid: boolean;
  readonly isBestAsk: boolean;
}

/** What is known of an RFQ. Quotes stand in the order in which they came first. */
export interface Rfq {
  readonly id: string;
  readonly traderId: string;
  readonly symbol: string;
  readonly side: RfqCreated["side"];
  readonly quantity: Decimal;
  readonly status: RfqStatus;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly quotes: readonly Quote[];
  /** What the last `quotes.ranked` said, by quote id. */
  readonly ranks: Readonly<Record<string, Rank>>;
}

/** A quote bound to an RFQ that has many keeps this many: a liquidity provider's endless new ids grow nothing. */
export const MAX_QUOTES = 1000;

export interface RfqEvent {
  readonly type: string;
  /** Checked against the type's schema. */
  readonly data: unknown;
}

export function isFinal(status: RfqStatus): boolean {
  return STEPS[status] >= FINAL;
}

/** Whether an RFQ in one status may come into another. */
export function mayBecome(from: RfqStatus, to: RfqStatus): boolean {
  return !isFinal(from) && STEPS[to] >= STEPS[from];
}

/** The RFQ after an event of it; undefined for events of one that was never created. The same object where nothing changes. */
export function foldRfq(rfq: Rfq | undefined, event: RfqEvent): Rfq | undefined {
  if (event.type === "rfq.created") return rfq ?? created(event.data as RfqCreated);
  if (rfq === undefined || isFinal(rfq.status)) return rfq;
  switch (event.type) {
    case "quote.received":
      return { ...rfq, quotes: withQuote(rfq.quotes, event.data as QuoteReceived) };
    case "quote.expired": {
      const { quoteId } = event.data as { quoteId: string };
      return { ...rfq, quotes: rfq.quotes.map((quote) => (quote.id === quoteId ? { ...quote, status: "expired" } : quote)) };
    }
    case "quotes.ranked":
      return { ...rfq, ranks: ranksOf(event.data as QuotesRanked) };
    case "rfq.extended":
      return { ...rfq, expiresAt: isoOf((event.data as { newExpiresAt: string | number }).newExpiresAt) };
    case "rfq.distributed": {
      const { expiresAt } = event.data as { expiresAt?: string | number | null };
      return step(expiresAt == null ? rfq : { ...rfq, expiresAt: isoOf(expiresAt) }, "distributed");
    }
    default: {
      const status = STATUS_OF[event.type];
      return status === undefined ? rfq : step(rfq, status);
    }
  }
}

/** Whole seconds that are left, rounded down; 0 when time is up. */
export function secondsLeft(expiresAt: string | number, now: number): number {
  return Math.max(0, Math.floor((msOf(expiresAt) - now) / 1000));
}

function step(rfq: Rfq, status: RfqStatus): Rfq {
  return rfq.status !== status && mayBecome(rfq.status, status) ? { ...rfq, status } : rfq;
}

function created({ rfqId, traderId, symbol, side, quantity, expiresAt }: RfqCreated): Rfq {
  return { id: rfqId, traderId, symbol, side, quantity, status: "pending", expiresAt: isoOf(expiresAt), quotes: [], ranks: {} };
}

/** The same quote id again: the quote changed and keeps its place. */
function withQuote(quotes: readonly Quote[], data: QuoteReceived): readonly Quote[] {
  const { quoteId, lpId, lpName, bidPrice, askPrice, bidSize, askSize, status, expiresAt } = data;
  const quote: Quote = {
    id: quoteId,
    lpId,
    lpName: lpName ?? lpId,
    ...(bidPrice != null && { bidPrice }),
    ...(askPrice != null && { askPrice }),
    ...(bidSize != null && { bidSize }),
    ...(askSize != null && { askSize }),
    status,
    ...(expiresAt != null && { expiresAt: isoOf(expiresAt) }),
  };
  const isKnown = quotes.some(({ id }) => id === quoteId);
  return isKnown ? quotes.map((each) => (each.id === quoteId ? quote : each)) : [...quotes, quote].slice(-MAX_QUOTES);
}

function ranksOf({ rankings }: QuotesRanked): Record<string, Rank> {
  return Object.fromEntries(rankings.map(({ quoteId, ranking, isBestBid, isBestAsk }) => [quoteId, { ranking, isBestBid, isBestAsk }]));
}
