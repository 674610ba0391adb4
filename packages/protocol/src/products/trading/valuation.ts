/**
 * What positions are worth at a price (contract 50-sse, 70-details "positions", "digits"): decimals throughout.
 *
 * Derived values are exact sums and products with no digit that says nothing (no trailing zeros, no exponent); the one
 * quotient, the percentage, is rounded half to even at {@link PERCENT_DECIMALS}. A derived value is text where its publisher
 * sent text for that field, else a number; `totalValue`, which nobody publishes, is text.
 */
import Big from "big.js";
import { type Decimal, toBig, toJsonNumber } from "../../money.ts";
import type { Position } from "./entities.ts";

export const PERCENT_DECIMALS = 4;

/** Rounded once: a quotient that was rounded before could come out on the other side of a half. */
const PERCENT = Big();
PERCENT.DP = PERCENT_DECIMALS;
PERCENT.RM = 2;

/**
 * The position at another price. Its side says which way it goes, whatever sign its quantity has: a short one gains what the
 * price loses. The percentage is of the entry price; of an entry price of zero, zero.
 */
export function revalue(position: Position, price: Decimal): Position {
  const { side, quantity, entryPrice, realizedPnL } = position;
  const entry = toBig(entryPrice);
  const rise = toBig(price).minus(entry);
  const gain = side === "long" ? rise : entry.minus(toBig(price));
  const unrealized = gain.times(toBig(quantity).abs());
  const percent = entry.eq(0) || unrealized.eq(0) ? toBig(0) : new PERCENT(gain.times(100)).div(entry.abs());
  return {
    ...position,
    currentPrice: typeof position.currentPrice === "string" ? textOf(price) : numberOf(price),
    unrealizedPnL: like(position.unrealizedPnL, unrealized),
    unrealizedPnLPercent: like(position.unrealizedPnLPercent, percent),
    totalPnL: like(position.totalPnL, toBig(realizedPnL).plus(unrealized)),
  };
}

/** Sum of quantity × current price; shorts count against it. */
export function totalValueOf(positions: Iterable<Position>): string {
  let total = toBig(0);
  for (const { side, quantity, currentPrice } of positions) {
    const value = toBig(quantity).abs().times(toBig(currentPrice));
    total = side === "long" ? total.plus(value) : total.minus(value);
  }
  return total.toFixed();
}

function like(published: Decimal, value: Big): Decimal {
  return typeof published === "string" ? value.toFixed() : toJsonNumber(value);
}

/** A price keeps its digits: `1.10` stays `1.10`. */
function textOf(price: Decimal): string {
  const digits = String(price);
  return /e/i.test(digits) ? toBig(price).toFixed() : digits;
}

function numberOf(price: Decimal): Decimal {
  return typeof price === "string" ? toJsonNumber(toBig(price)) : price;
}
