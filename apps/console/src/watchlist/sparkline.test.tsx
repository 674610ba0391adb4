import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import type { Point } from "./price-trails.ts";
import { Sparkline } from "./sparkline.tsx";

const NOW = 1_700_000_000_000;

/** The line's corners. */
function cornersOf(points: readonly Point[]): (readonly [x: number, y: number])[] {
  const [, line = ""] = /points="([^"]*)"/.exec(renderToStaticMarkup(<Sparkline points={points} now={NOW} />)) ?? [];
  return line
    .split(" ")
    .filter(Boolean)
    .map((corner) => {
      const [x = NaN, y = NaN] = corner.split(",").map(Number);
      return [x, y] as const;
    });
}

describe("a sparkline", () => {
  it("has now at its right end and a minute ago at its left", () => {
    const xs = cornersOf([60_000, 30_000, 0].map((ago) => ({ at: NOW - ago, mid: 1 }))).map(([x]) => x);
    expect(xs).toEqual([0, 36, 72]);
  });

  it("has the highest price at the top and the lowest at the bottom, inside its box", () => {
    const ys = cornersOf([1.1, 1.3, 1.2].map((mid, index) => ({ at: NOW - 1000 + index, mid }))).map(([, y]) => y);
    expect(ys).toEqual([18, 2, 10]);
  });

  it("is a flat line where nothing moves, and none where nothing is known", () => {
    expect(
      cornersOf([
        { at: NOW, mid: 1 },
        { at: NOW, mid: 1 },
      ]),
    ).toEqual([
      [72, 10],
      [72, 10],
    ]);
    expect(cornersOf([])).toEqual([]);
  });

  it("stays inside its box where the page's clock is behind", () => {
    expect(cornersOf([{ at: NOW + 5000, mid: 1 }])).toEqual([[72, 10]]);
  });

  it("is decoration to those who cannot see it", () => {
    expect(renderToStaticMarkup(<Sparkline points={[]} now={NOW} />)).toContain('aria-hidden="true"');
  });
});
