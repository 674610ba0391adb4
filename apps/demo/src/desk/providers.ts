/** The liquidity providers of the demo and their habits. All of them are made up. */
import type { Range } from "./random.ts";

export interface Habits {
  /** From the distribution of an RFQ to the answer. */
  readonly delayMs: Range;
  /** From the middle of its price to either side, in the instrument's points. */
  readonly halfSpreadPoints: Range;
  /** How far the middle of its price lies from the market's, in points: what it would rather buy or sell. */
  readonly skewPoints: Range;
  /** Largest share of the instrument's largest quantity that it quotes, in percent; it declines the rest. */
  readonly largestPercent: number;
  readonly declinesPercent: number;
  /** From one look at the market to the next. */
  readonly looksEachMs: Range;
  /** Of its looks, how many end with the quote withdrawn. */
  readonly withdrawsPercent: number;
  /** How long a quote stands. A change of price does not make it stand longer. */
  readonly lifeMs: Range;
  /** After a quote lapsed or was withdrawn, when it comes again. */
  readonly returnsAfterMs: Range;
}

export interface Provider {
  readonly id: string;
  readonly name: string;
  readonly habits: Habits;
}

export const PROVIDERS: readonly Provider[] = [
  {
    id: "lp-alder",
    name: "Alder Bank",
    // Slow, wide and true to its word.
    habits: {
      delayMs: { least: 900, most: 2200 },
      halfSpreadPoints: { least: 6, most: 9 },
      skewPoints: { least: -1, most: 1 },
      largestPercent: 100,
      declinesPercent: 1,
      looksEachMs: { least: 2500, most: 4000 },
      withdrawsPercent: 0,
      lifeMs: { least: 60_000, most: 90_000 },
      returnsAfterMs: { least: 2000, most: 3000 },
    },
  },
  {
    id: "lp-brightwater",
    name: "Brightwater Liquidity",
    // A machine: at once, tight, always moving, gone when it likes.
    habits: {
      delayMs: { least: 120, most: 350 },
      halfSpreadPoints: { least: 2, most: 4 },
      skewPoints: { least: -2, most: 2 },
      largestPercent: 10,
      declinesPercent: 4,
      looksEachMs: { least: 500, most: 900 },
      withdrawsPercent: 6,
      lifeMs: { least: 5000, most: 9000 },
      returnsAfterMs: { least: 700, most: 1800 },
    },
  },
  {
    id: "lp-copperfield",
    name: "Copperfield Markets",
    // Leans to one side, and its quotes lapse rather than being withdrawn.
    habits: {
      delayMs: { least: 400, most: 1100 },
      halfSpreadPoints: { least: 3, most: 7 },
      skewPoints: { least: -4, most: 4 },
      largestPercent: 40,
      declinesPercent: 8,
      looksEachMs: { least: 1200, most: 2400 },
      withdrawsPercent: 1,
      lifeMs: { least: 8000, most: 14_000 },
      returnsAfterMs: { least: 1000, most: 4000 },
    },
  },
  {
    id: "lp-dunmore",
    name: "Dunmore Trading",
    // Cautious: often declines, and pulls a good price when the market moves.
    habits: {
      delayMs: { least: 700, most: 1800 },
      halfSpreadPoints: { least: 3, most: 5 },
      skewPoints: { least: -3, most: 3 },
      largestPercent: 60,
      declinesPercent: 22,
      looksEachMs: { least: 1500, most: 3000 },
      withdrawsPercent: 12,
      lifeMs: { least: 10_000, most: 20_000 },
      returnsAfterMs: { least: 3000, most: 8000 },
    },
  },
];
