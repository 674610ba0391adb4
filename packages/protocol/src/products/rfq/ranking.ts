/** Who quotes best (contract 20-rfq "RfqState", 70-details "ranking by the view"). */
import { type Decimal, compareDecimals, toBig, toJsonNumber } from "../../money.ts";
import type { Quote, Rank, Rfq } from "./state.ts";

export interface RankedQuote extends Quote, Rank {}

export interface Composite {
  readonly bestBid?: Decimal;
  readonly bestAsk?: Decimal;
  /** Best ask − best bid, in decimals; negative where they cross. */
  readonly spread?: Decimal;
  readonly quoteCount: number;
}

const stands = ({ status }: Quote): boolean => status === "valid";

/** Publishers choose the ids: one may be called like what every object inherits. */
const rankOf = ({ ranks }: Rfq, { id }: Quote): Rank | undefined => (Object.hasOwn(ranks, id) ? ranks[id] : undefined);

/**
 * All quotes by ranking, each with a number of its own. Those that stand come first: as the last `quotes.ranked` said, then
 * those that it did not name, best first; what no longer stands follows in the order in which it came.
 */
export function rankedQuotes(rfq: Rfq): readonly RankedQuote[] {
  const { quotes, side } = rfq;
  const standing = quotes.filter(stands);
  const named = standing.flatMap((quote) => {
    const rank = rankOf(rfq, quote);
    return rank === undefined ? [] : [{ ...quote, ...rank }];
  });
  named.sort((a, b) => a.ranking - b.ranking);
  const { bestBid, bestAsk } = bestOf(standing);
  let last = named.at(-1)?.ranking ?? 0;
  const others = standing
    .filter((quote) => rankOf(rfq, quote) === undefined)
    .sort((a, b) => compareQuotes(a, b, side))
    .map((quote) => ({ ...quote, ranking: ++last, isBestBid: quote === bestBid, isBestAsk: quote === bestAsk }));
  const gone = quotes.filter((quote) => !stands(quote)).map((quote) => ({ ...quote, ranking: ++last, isBestBid: false, isBestAsk: false }));
  return [...named, ...others, ...gone];
}

/** Over the quotes that stand. */
export function compositeOf({ quotes }: Rfq): Composite {
  const standing = quotes.filter(stands);
  const bid = bestOf(standing).bestBid?.bidPrice;
  const ask = bestOf(standing).bestAsk?.askPrice;
  return {
    ...(bid !== undefined && { bestBid: bid }),
    ...(ask !== undefined && { bestAsk: ask }),
    ...(bid !== undefined && ask !== undefined && { spread: toJsonNumber(toBig(ask).minus(toBig(bid))) }),
    quoteCount: standing.length,
  };
}

/** Highest bid and lowest ask; among equals the one that came first. */
function bestOf(quotes: readonly Quote[]): { bestBid?: Quote; bestAsk?: Quote } {
  let bestBid: Quote | undefined;
  let bestAsk: Quote | undefined;
  for (const quote of quotes) {
    const { bidPrice, askPrice } = quote;
    if (bidPrice !== undefined && (bestBid?.bidPrice === undefined || compareDecimals(bidPrice, bestBid.bidPrice) > 0)) bestBid = quote;
    if (askPrice !== undefined && (bestAsk?.askPrice === undefined || compareDecimals(askPrice, bestAsk.askPrice) < 0)) bestAsk = quote;
  }
  return { ...(bestBid !== undefined && { bestBid }), ...(bestAsk !== undefined && { bestAsk }) };
}

/** For a sort that keeps the order of equals: ties and quotes without that price stay first come, priced ones first. */
function compareQuotes(a: Quote, b: Quote, side: Rfq["side"]): number {
  const [own, other] = [priceFor(a, side), priceFor(b, side)];
  if (own === undefined || other === undefined) return Number(own === undefined) - Number(other === undefined);
  return compareDecimals(own, other);
}

/** Lower is better: a buyer's ask, a seller's bid turned round, the width of a two-way price. */
function priceFor({ bidPrice, askPrice }: Quote, side: Rfq["side"]): Decimal | undefined {
  if (side === "buy") return askPrice;
  if (side === "sell") return bidPrice === undefined ? undefined : toJsonNumber(toBig(bidPrice).neg());
  return bidPrice === undefined || askPrice === undefined ? undefined : toJsonNumber(toBig(askPrice).minus(toBig(bidPrice)));
}
