/** A strategy as old as charts: two moving averages, and a signal when the fast one crosses the slow one. Decimals throughout. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";

export interface CrossoverSignal {
  readonly signal: "cross-up" | "cross-down";
  readonly action: "buy" | "sell";
  /** From 0 to 1: how much of the range of late the price has left behind. */
  readonly confidence: string;
  readonly reasoning: string;
}

/** Prices, taken one at a time at an even pace. */
export const FAST = 8;
export const SLOW = 30;

const AVERAGE_DIGITS = 6;
const HALF_EVEN = 2;

export class Crossover {
  /** The newest last, at most {@link SLOW}. */
  #prices: readonly Big[] = [];
  /** Where the fast average was when it last was anywhere else than on the slow one. */
  #side: 1 | -1 | undefined;

  take(price: Big): CrossoverSignal | undefined {
    this.#prices = [...this.#prices, price].slice(-SLOW);
    if (this.#prices.length < SLOW) return undefined;
    const fast = averageOf(this.#prices.slice(-FAST));
    const slow = averageOf(this.#prices);
    const side = fast.cmp(slow);
    if (side === 0 || side === this.#side) return undefined;
    const isFirst = this.#side === undefined;
    this.#side = side;
    if (isFirst) return undefined;
    const [signal, action, way] = side > 0 ? (["cross-up", "buy", "above"] as const) : (["cross-down", "sell", "below"] as const);
    const reasoning = `the average of ${FAST} prices, ${fast.toFixed()}, went ${way} that of ${SLOW}, ${slow.toFixed()}`;
    return { signal, action, confidence: this.#confidence(price.minus(slow).abs()), reasoning };
  }

  #confidence(distance: Big): string {
    const highest = this.#prices.reduce((best, each) => (each.gt(best) ? each : best));
    const lowest = this.#prices.reduce((best, each) => (each.lt(best) ? each : best));
    return distance.div(highest.minus(lowest)).round(2, HALF_EVEN).toFixed(2);
  }
}

function averageOf(prices: readonly Big[]): Big {
  return prices
    .reduce((sum, each) => sum.plus(each), toBig(0))
    .div(prices.length)
    .round(AVERAGE_DIGITS, HALF_EVEN);
}
