import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Price } from "@broadtape/client";
import { PriceTrails, recentSources } from "./price-trails.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const priceOf = (bid: number | undefined, ask: number | undefined, midPrice?: number): Price => ({
  symbol: "EURUSD",
  ...(bid !== undefined && { bestBid: { price: bid, source: "A" } }),
  ...(ask !== undefined && { bestAsk: { price: ask, source: "A" } }),
  ...(midPrice !== undefined && { midPrice }),
  timestamp: 1,
  eventId: "1-a",
});

function take(trails: PriceTrails, price: Price, afterMs = 0) {
  vi.advanceTimersByTime(afterMs);
  trails.take(price);
  const trail = trails.of("EURUSD");
  if (trail === undefined) throw new Error("no trail");
  return trail;
}

describe("a price's trail", () => {
  it("tells which way each side moved last, and keeps it while nothing moves", () => {
    const trails = new PriceTrails();
    expect(take(trails, priceOf(1.1, 1.2))).toMatchObject({ bid: "same", ask: "same" });
    expect(take(trails, priceOf(1.2, 1.1))).toMatchObject({ bid: "up", ask: "down" });
    expect(take(trails, priceOf(1.2, 1.1))).toMatchObject({ bid: "up", ask: "down" });
    expect(take(trails, priceOf(undefined, 1.15))).toMatchObject({ bid: "up", ask: "up" });
    expect(take(trails, priceOf(1.1, 1.15))).toMatchObject({ bid: "up", ask: "up" });
  });

  it("is a minute long, with at most a point a second that holds the newest value", () => {
    const trails = new PriceTrails();
    let longest = 0;
    for (let count = 0; count < 10_000; count++) longest = Math.max(longest, take(trails, priceOf(1, 2, count), 10).points.length);
    const { points } = take(trails, priceOf(1, 2, 10_000), 10);
    expect(longest).toBeLessThanOrEqual(60 + 1);
    expect(points.at(-1)?.mid).toBe(10_000);
    expect((points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0)).toBeLessThanOrEqual(60_000);
    for (const [index, { at }] of points.slice(1).entries()) expect(at - (points[index]?.at ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  it("has no point where there is no mid price", () => {
    const trails = new PriceTrails();
    expect(take(trails, priceOf(1.1, undefined)).points).toEqual([]);
    expect(take(trails, { ...priceOf(1.1, 1.2), midPrice: null }).points).toEqual([]);
  });

  it("knows the most decimals seen, so that columns stay aligned", () => {
    const trails = new PriceTrails();
    expect(take(trails, priceOf(1, 2)).decimals).toBe(0);
    expect(take(trails, priceOf(1.39358, 1.3936)).decimals).toBe(5);
    expect(take(trails, priceOf(1.4, 1.5)).decimals).toBe(5);
  });

  it.each([
    [0.0000008, 7],
    [0.00000851, 8],
    [1.25e-9, 11],
    [1e21, 0],
  ])("knows the decimals of %d: %i", (bid, decimals) => {
    const trail = take(new PriceTrails(), priceOf(bid, undefined));
    expect(trail.decimals).toBe(decimals);
    expect(Number(bid.toFixed(trail.decimals))).toBe(bid);
  });

  it("knows when it was last heard of, and counts what it took", () => {
    const trails = new PriceTrails();
    take(trails, priceOf(1, 2));
    expect(take(trails, priceOf(1, 2), 5000).heardAt).toBe(1_700_000_005_000);
    expect(trails.count).toBe(2);
    expect(trails.of("GBPUSD")).toBeUndefined();
  });

  it("never takes a price for younger than it says it is, nor than it was heard of", () => {
    const trails = new PriceTrails();
    const at = (timestamp: number) => take(trails, { ...priceOf(1, 2), timestamp }).asOf;
    expect([at(1_699_999_000_000), at(1_800_000_000_000)]).toEqual([1_699_999_000_000, 1_700_000_000_000]);
  });

  it("knows the sources that were best in the last minute, and how often each side moved", () => {
    const trails = new PriceTrails();
    take(trails, priceOf(1, 2));
    take(trails, { ...priceOf(1, 3), bestBid: { price: 1, source: "B" } }, 50_000);
    const trail = take(trails, { ...priceOf(1, 3), bestBid: { price: 1, source: "B" } });
    expect([...recentSources(trail, Date.now())].sort()).toEqual(["A", "B"]);
    expect([trail.bidMoves, trail.askMoves]).toEqual([1, 2]);
    trails.forget("EURUSD");
    expect(trails.of("EURUSD")).toBeUndefined();
  });
});
