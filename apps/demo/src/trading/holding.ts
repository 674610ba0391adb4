/**
 * What a user holds of a symbol, and what a fill makes of it. Decimals throughout, and nothing is lost in rounding: what the
 * average entry price gains or loses by it is realised. So realised and unrealised P&L are together always exactly what was
 * received less what was paid, with what is held valued at the mark.
 */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import type { Position } from "@broadtape/protocol/products/trading/entities";
import { revalue } from "@broadtape/protocol/products/trading/valuation";

export type Side = "buy" | "sell";

export interface Holding {
  readonly id: string;
  readonly symbol: string;
  readonly side: "long" | "short";
  /** Above 0; 0 once it is closed. */
  readonly quantity: Big;
  /** The average, rounded half to even at {@link ENTRY_DIGITS}. */
  readonly entryPrice: Big;
  readonly realized: Big;
  readonly openedAt: string;
}

export interface Fill {
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: Big;
  readonly price: Big;
}

/** What one fill does to one holding; two of them where it goes through zero. */
export interface Leg {
  readonly became: "opened" | "updated" | "closed";
  readonly trade: "entry" | "exit";
  readonly quantity: Big;
  /** What this leg alone realised. */
  readonly gain: Big;
  readonly holding: Holding;
}

/** Digits behind the point: some more than any price of the demo has. */
export const ENTRY_DIGITS = 8;
const HALF_EVEN = 2;

/** A new holding gets this id and time. */
export function legsOf(held: Holding | undefined, fill: Fill, opening: Pick<Holding, "id" | "openedAt">): readonly Leg[] {
  if (held === undefined) return [open(fill, opening)];
  if (isSameWay(held, fill)) return [increase(held, fill)];
  const rest = fill.quantity.minus(held.quantity);
  if (rest.lt(0)) return [reduce(held, fill)];
  const closed = reduce(held, { ...fill, quantity: held.quantity });
  return rest.eq(0) ? [closed] : [closed, open({ ...fill, quantity: rest }, opening)];
}

/** As its event tells it, at a price of the market. */
export function positionOf(holding: Holding, price: Big, closedAt?: string): Position {
  const { id, symbol, side, quantity, entryPrice, realized, openedAt } = holding;
  const unvalued: Position = {
    id,
    symbol,
    side,
    quantity: quantity.toFixed(),
    entryPrice: entryPrice.toFixed(),
    currentPrice: "0",
    unrealizedPnL: "0",
    unrealizedPnLPercent: "0",
    realizedPnL: realized.toFixed(),
    totalPnL: "0",
    status: closedAt === undefined ? "open" : "closed",
    openedAt,
    ...(closedAt !== undefined && { closedAt }),
  };
  return revalue(unvalued, price.toFixed());
}

/** Of an open position as it was told. */
export function holdingOf({ id, symbol, side, quantity, entryPrice, realizedPnL, openedAt }: Position): Holding {
  return { id, symbol, side, quantity: toBig(quantity), entryPrice: toBig(entryPrice), realized: toBig(realizedPnL), openedAt };
}

/** Above 0 where it is long, below where it is short. */
export function netOf(held: Holding | undefined): Big {
  if (held === undefined) return toBig(0);
  return held.side === "long" ? held.quantity : held.quantity.neg();
}

function isSameWay({ side }: Holding, fill: Fill): boolean {
  return (side === "long") === (fill.side === "buy");
}

function open({ symbol, side, quantity, price }: Fill, { id, openedAt }: Pick<Holding, "id" | "openedAt">): Leg {
  const holding: Holding = {
    id,
    symbol,
    side: side === "buy" ? "long" : "short",
    quantity,
    entryPrice: price,
    realized: toBig(0),
    openedAt,
  };
  return { became: "opened", trade: "entry", quantity, gain: toBig(0), holding };
}

function increase(held: Holding, { quantity: added, price }: Fill): Leg {
  const quantity = held.quantity.plus(added);
  const cost = held.entryPrice.times(held.quantity).plus(price.times(added));
  const entryPrice = cost.div(quantity).round(ENTRY_DIGITS, HALF_EVEN);
  const rounding = entryPrice.times(quantity).minus(cost);
  const gain = held.side === "long" ? rounding : rounding.neg();
  return {
    became: "updated",
    trade: "entry",
    quantity: added,
    gain,
    holding: { ...held, quantity, entryPrice, realized: held.realized.plus(gain) },
  };
}

/** By no more than there is. */
function reduce(held: Holding, { quantity: taken, price }: Fill): Leg {
  const rise = price.minus(held.entryPrice).times(taken);
  const gain = held.side === "long" ? rise : rise.neg();
  const quantity = held.quantity.minus(taken);
  return {
    became: quantity.eq(0) ? "closed" : "updated",
    trade: "exit",
    quantity: taken,
    gain,
    holding: { ...held, quantity, realized: held.realized.plus(gain) },
  };
}
