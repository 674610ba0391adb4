/** What the page remembers of each symbol beside its price: the last minute, the direction, the digits. */
import type { Price } from "@broadtape/client";

export interface Point {
  readonly at: number;
  readonly mid: number;
}

export type Direction = "up" | "down" | "same";

export interface Trail {
  /** The last minute, oldest first, at most a point every 250 ms. */
  readonly points: Point[];
  bid: Direction;
  ask: Direction;
  /** Most decimals seen, so that columns stay aligned. */
  decimals: number;
  /** When this page last heard of the symbol: its own clock. */
  heardAt: number;
}

const MINUTE_MS = 60_000;
const STEP_MS = 250;

export class PriceTrails {
  readonly #trails = new Map<string, Trail>();
  readonly #last = new Map<string, Price>();
  /** Prices taken since the page was opened. */
  count = 0;

  of(symbol: string): Trail | undefined {
    return this.#trails.get(symbol);
  }

  readonly take = (price: Price): void => {
    this.count += 1;
    const now = Date.now();
    const last = this.#last.get(price.symbol);
    this.#last.set(price.symbol, price);
    const trail = this.#trails.get(price.symbol) ?? { points: [], bid: "same", ask: "same", decimals: 0, heardAt: now };
    this.#trails.set(price.symbol, trail);
    trail.heardAt = now;
    trail.bid = directionOf(last?.bestBid?.price, price.bestBid?.price, trail.bid);
    trail.ask = directionOf(last?.bestAsk?.price, price.bestAsk?.price, trail.ask);
    for (const value of [price.bestBid?.price, price.bestAsk?.price]) trail.decimals = Math.max(trail.decimals, decimalsOf(value));
    addPoint(trail.points, now, price.midPrice);
  };
}

function addPoint(points: Point[], now: number, mid: number | null | undefined): void {
  if (mid == null) return;
  const newest = points.at(-1);
  if (newest !== undefined && now - newest.at < STEP_MS) points.pop();
  points.push({ at: newest !== undefined && now - newest.at < STEP_MS ? newest.at : now, mid });
  while (points[0] !== undefined && now - points[0].at > MINUTE_MS) points.shift();
}

function directionOf(before: number | undefined, now: number | undefined, otherwise: Direction): Direction {
  if (before === undefined || now === undefined || before === now) return otherwise;
  return now > before ? "up" : "down";
}

function decimalsOf(value: number | undefined): number {
  if (value === undefined) return 0;
  // Small numbers are written with an exponent: 8e-7 has seven decimals.
  const [digits = "", exponent = "0"] = String(value).split("e");
  return Math.max(0, (digits.split(".")[1] ?? "").length - Number(exponent));
}
