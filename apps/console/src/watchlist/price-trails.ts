/** What the page remembers of each symbol beside its price: the last minute, the direction, the digits, the sources, the bars. */
import type { Price } from "@broadtape/client";
import { Bars } from "./bars.ts";
import { RowPaints } from "./row-paints.ts";

export interface Point {
  readonly at: number;
  readonly mid: number;
}

export type Direction = "up" | "down" | "same";

export interface Trail {
  /** The last minute, oldest first, at most a point a second. */
  readonly points: Point[];
  bid: Direction;
  ask: Direction;
  /** How often each side moved: a change of it is a flash. */
  bidMoves: number;
  askMoves: number;
  /** Most decimals seen, so that columns stay aligned. */
  decimals: number;
  /** When this page last heard of the symbol: its own clock. */
  heardAt: number;
  /** No older than this the price is: when it was heard of, or said to have been made, whichever is earlier. */
  asOf: number;
  /** When each source was last seen at the best bid or ask. Bounded by {@link MAX_SOURCES}. */
  readonly sources: Map<string, number>;
  readonly bars: Bars;
}

const MINUTE_MS = 60_000;
/** A pixel of the line. */
const STEP_MS = 1000;
const MAX_SOURCES = 32;

export class PriceTrails {
  readonly #trails = new Map<string, Trail>();
  readonly #last = new Map<string, Price>();
  readonly #paints = new RowPaints();
  /** Prices taken since the page was opened. */
  count = 0;

  of(symbol: string): Trail | undefined {
    return this.#trails.get(symbol);
  }

  /** The newest price. */
  priceOf(symbol: string): Price | undefined {
    return this.#last.get(symbol);
  }

  /** Calls back when the symbol's row is to be drawn anew. */
  watch(symbol: string, listener: () => void): () => void {
    return this.#paints.watch(symbol, listener);
  }

  readonly take = (price: Price): void => {
    this.count += 1;
    const now = Date.now();
    const last = this.#last.get(price.symbol);
    this.#last.set(price.symbol, price);
    const trail = this.#trails.get(price.symbol) ?? emptyTrail();
    this.#trails.set(price.symbol, trail);
    trail.heardAt = now;
    trail.asOf = Math.min(now, price.timestamp);
    trail.bid = directionOf(last?.bestBid?.price, price.bestBid?.price, trail.bid);
    trail.ask = directionOf(last?.bestAsk?.price, price.bestAsk?.price, trail.ask);
    if (last?.bestBid?.price !== price.bestBid?.price) trail.bidMoves += 1;
    if (last?.bestAsk?.price !== price.bestAsk?.price) trail.askMoves += 1;
    for (const side of [price.bestBid, price.bestAsk]) {
      if (side == null) continue;
      trail.decimals = Math.max(trail.decimals, decimalsOf(side.price));
      if (trail.sources.size < MAX_SOURCES || trail.sources.has(side.source)) trail.sources.set(side.source, now);
    }
    this.#paints.changed(price.symbol);
    if (price.midPrice == null) return;
    addPoint(trail.points, now, price.midPrice);
    trail.bars.take(now, price.midPrice);
  };

  /** Nothing of the symbol is kept. */
  forget(symbol: string): void {
    this.#trails.delete(symbol);
    this.#last.delete(symbol);
  }
}

/** The sources that were best in the last minute. */
export function recentSources({ sources }: Trail, now: number): readonly string[] {
  return [...sources].filter(([, seenAt]) => now - seenAt <= MINUTE_MS).map(([source]) => source);
}

function emptyTrail(): Trail {
  return {
    points: [],
    bid: "same",
    ask: "same",
    bidMoves: 0,
    askMoves: 0,
    decimals: 0,
    heardAt: 0,
    asOf: 0,
    sources: new Map(),
    bars: new Bars(),
  };
}

function addPoint(points: Point[], now: number, mid: number): void {
  const newest = points.at(-1);
  if (newest !== undefined && now - newest.at < STEP_MS) points.pop();
  points.push({ at: newest !== undefined && now - newest.at < STEP_MS ? newest.at : now, mid });
  while (points[0] !== undefined && now - points[0].at > MINUTE_MS) points.shift();
}

function directionOf(before: number | undefined, now: number | undefined, otherwise: Direction): Direction {
  if (before === undefined || now === undefined || before === now) return otherwise;
  return now > before ? "up" : "down";
}

function decimalsOf(value: number): number {
  // Small numbers are written with an exponent: 8e-7 has seven decimals.
  const [digits = "", exponent = "0"] = String(value).split("e");
  return Math.max(0, (digits.split(".")[1] ?? "").length - Number(exponent));
}
