/** What clients are told of RFQs (contract 20-rfq): the names and bodies of part 2, made of the catalogue's events. */
import type { Decimal } from "../../money.ts";
import { type Composite, type RankedQuote, compositeOf, rankedQuotes } from "./ranking.ts";
import { type QuoteReceived, type QuotesRanked, type RfqCreated, isoOf } from "./schema.ts";
import { type Rfq, type RfqStatus, secondsLeft } from "./state.ts";

export interface RfqState {
  readonly rfq: {
    readonly id: string;
    readonly status: RfqStatus;
    readonly symbol: string;
    readonly side: Rfq["side"];
    readonly quantity: Decimal;
    readonly expiresAt: string;
    /** Whole seconds, by the server's clock. */
    readonly timeRemaining: number;
  };
  /** By ranking. */
  readonly quotes: readonly RankedQuote[];
  readonly composite: Composite;
}

/** An RFQ as it is shown at a time. */
export function rfqStateOf(rfq: Rfq, now: number): RfqState {
  const { id, status, symbol, side, quantity, expiresAt } = rfq;
  return {
    rfq: { id, status, symbol, side, quantity, expiresAt, timeRemaining: secondsLeft(expiresAt, now) },
    quotes: rankedQuotes(rfq),
    composite: compositeOf(rfq),
  };
}

/** What a state does not show and a fold goes on from: who trades, in which order quotes came, what was said of their ranks. */
export interface RfqBasis {
  readonly traderId: string;
  /** Ids of the quotes, first come first. */
  readonly order: readonly string[];
  readonly ranks: Rfq["ranks"];
}

/** A state that can be folded on: the snapshot of the native protocol. */
export interface RfqSnapshot extends RfqState {
  readonly basis: RfqBasis;
}

export function rfqSnapshotOf(rfq: Rfq, now: number): RfqSnapshot {
  return { ...rfqStateOf(rfq, now), basis: { traderId: rfq.traderId, order: rfq.quotes.map(({ id }) => id), ranks: rfq.ranks } };
}

/** The RFQ that a snapshot was made of. */
export function rfqOf({ rfq, quotes, basis: { traderId, order, ranks } }: RfqSnapshot): Rfq {
  const { id, status, symbol, side, quantity, expiresAt } = rfq;
  const byId = new Map(quotes.map(({ ranking: _ranking, isBestBid: _bid, isBestAsk: _ask, ...quote }) => [quote.id, quote]));
  const inOrder = order.flatMap((each) => byId.get(each) ?? []);
  return { id, traderId, symbol, side, quantity, status, expiresAt, quotes: inOrder, ranks };
}

/** The event type under which the countdown is told; it is never stored. */
export const COUNTDOWN = "rfq.countdown";

export interface RfqMessage {
  readonly name: string;
  readonly body: object;
}

/** Of each type, the message's name and the fields that it shows of the data; `undefined` for types that are none of RFQs. */
export function rfqMessageOf(type: string, data: unknown, serverTime: number): RfqMessage | undefined {
  const of = data as Record<string, unknown> & { rfqId: string };
  const { rfqId } = of;
  switch (type) {
    case "rfq.created": {
      const { symbol, side, quantity, expiresAt } = data as RfqCreated;
      return { name: "rfq:created", body: { rfqId, symbol, side, quantity, status: "pending", expiresAt: isoOf(expiresAt), serverTime } };
    }
    case "rfq.validated":
      return { name: "rfq:status", body: { rfqId, status: "validated" } };
    case "rfq.quoted":
      return { name: "rfq:status", body: { rfqId, status: "quoted" } };
    case "rfq.distributed":
      return { name: "rfq:distributed", body: { rfqId, status: "distributed", ...pick(of, "lpCount") } };
    case "quote.received": {
      const { quoteId, lpId, status } = data as QuoteReceived;
      return { name: "quote:received", body: { rfqId, quoteId, lpId, ...pick(of, "lpName", "bidPrice", "askPrice"), status } };
    }
    case "quotes.ranked": {
      const rankings = (data as QuotesRanked).rankings.map(({ quoteId, ranking, isBestBid, isBestAsk }) => ({
        quoteId,
        ranking,
        isBestBid,
        isBestAsk,
      }));
      return { name: "quotes:ranked", body: { rfqId, rankings } };
    }
    case "quote.expired":
      return { name: "quote:expired", body: { rfqId, ...pick(of, "quoteId", "lpId") } };
    case "rfq.filled":
      return { name: "rfq:filled", body: { rfqId, ...pick(of, "symbol", "tradeId", "price", "quantity") } };
    case "rfq.expired":
      return { name: "rfq:expired", body: { rfqId, ...pick(of, "symbol") } };
    case "rfq.cancelled":
      return { name: "rfq:cancelled", body: { rfqId, ...pick(of, "symbol", "reason") } };
    case "rfq.extended":
      return { name: "rfq:extended", body: { rfqId, newExpiresAt: isoOf(of["newExpiresAt"] as string | number) } };
    case COUNTDOWN:
      return { name: "rfq:countdown", body: { rfqId, ...pick(of, "timeRemaining", "expiresAt") } };
    default:
      return undefined;
  }
}

function pick(from: Readonly<Record<string, unknown>>, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (from[name] == null ? [] : [[name, from[name]]])));
}
