import { expect, it } from "vitest";
import { Bars } from "./bars.ts";

it("has the first, highest, lowest and last price of each span", () => {
  const bars = new Bars();
  for (const [at, mid] of [
    [10_000, 5],
    [10_500, 7],
    [11_900, 4],
    [12_000, 6],
    [16_000, 9],
  ] as const)
    bars.take(at, mid);
  expect(bars.every(1)).toEqual([
    { time: 10, open: 5, high: 7, low: 5, close: 7 },
    { time: 11, open: 4, high: 4, low: 4, close: 4 },
    { time: 12, open: 6, high: 6, low: 6, close: 6 },
    { time: 16, open: 9, high: 9, low: 9, close: 9 },
  ]);
  expect(bars.every(5)).toEqual([
    { time: 10, open: 5, high: 7, low: 4, close: 6 },
    { time: 15, open: 9, high: 9, low: 9, close: 9 },
  ]);
});

it("goes on where the clock was set back, and keeps each tick apart", () => {
  const bars = new Bars();
  bars.take(10_000, 1);
  bars.take(8000, 2);
  bars.take(10_000, 3);
  expect(bars.every(1)).toEqual([{ time: 10, open: 1, high: 3, low: 1, close: 3 }]);
  expect(bars.ticks).toEqual([
    { at: 10_000, mid: 1 },
    { at: 10_001, mid: 2 },
    { at: 10_002, mid: 3 },
  ]);
});

it("forgets what is older than half an hour", () => {
  const bars = new Bars();
  for (let second = 0; second < 2000; second++) bars.take(second * 1000, second);
  expect([bars.seconds.length, bars.seconds[0]?.time, bars.ticks.length]).toEqual([1800, 200, 600]);
});
