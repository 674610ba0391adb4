/** What a provider asks and bids around the market, in decimals throughout. */
import type Big from "big.js";
import { ExactNumber } from "@broadtape/protocol/json";
import { toBig } from "@broadtape/protocol/money";
import type { Instrument } from "./instruments.ts";
import type { Habits } from "./providers.ts";
import { type Random, wholeOf } from "./random.ts";

export interface Price {
  readonly bid: ExactNumber;
  readonly ask: ExactNumber;
}

/** Rounding modes of big.js. */
const TOWARDS_ZERO = 0;
const AWAY_FROM_ZERO = 3;

/** Rounded away from the middle, so that rounding never costs the provider its spread. */
export function priceAround(mid: Big, { point, priceDigits }: Instrument, habits: Habits, random: Random): Price {
  const middle = mid.plus(toBig(point).times(wholeOf(habits.skewPoints, random)));
  const half = toBig(point).times(wholeOf(habits.halfSpreadPoints, random));
  return {
    bid: new ExactNumber(middle.minus(half).round(priceDigits, TOWARDS_ZERO).toFixed(priceDigits)),
    ask: new ExactNumber(middle.plus(half).round(priceDigits, AWAY_FROM_ZERO).toFixed(priceDigits)),
  };
}

/** Whether a provider quotes so much at all. */
export function isWithinSize(quantity: Big, { largestQuantity }: Instrument, { largestPercent }: Habits): boolean {
  return quantity.times(100).lte(toBig(largestQuantity).times(largestPercent));
}
