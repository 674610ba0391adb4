import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUCKETS, Latency, beginOf, countOf, quantilesOf, sumOf } from "./latency.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

describe("latencies", () => {
  it("stand in the bucket that they fall in", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 200_000, noNaN: true }), (ms) => {
        const latency = new Latency();
        latency.observe(ms);
        const index = latency.take().counts.indexOf(1);
        expect(beginOf(index)).toBeLessThanOrEqual(ms * (1 + 1e-9));
        if (index < BUCKETS - 1) expect(beginOf(index + 1)).toBeGreaterThanOrEqual(ms * (1 - 1e-9));
      }),
      { seed },
    );
  });

  it("have quantiles within a fifth of the exact ones", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.1, max: 10_000, noNaN: true }), { minLength: 1, maxLength: 300 }), (all) => {
        const latency = new Latency();
        for (const each of all) latency.observe(each);
        const { p50Ms, p99Ms, maxMs } = quantilesOf(latency.take());
        const sorted = all.toSorted((a, b) => a - b);
        for (const [found, rank] of [
          [p50Ms, 0.5],
          [p99Ms, 0.99],
        ] as const) {
          const exact = sorted[Math.max(0, Math.ceil(sorted.length * rank) - 1)] ?? NaN;
          expect((found ?? NaN) / exact).toBeGreaterThan(0.8);
          expect((found ?? NaN) / exact).toBeLessThan(1.25);
        }
        expect(maxMs).toBe(sorted.at(-1));
      }),
      { seed },
    );
  });

  it("begin anew when they were taken, and add up", () => {
    const latency = new Latency();
    latency.observe(1);
    const first = latency.take();
    latency.observe(2);
    latency.observe(3);
    const sum = sumOf([first, latency.take(), latency.take()]);
    expect([countOf(sum.counts), sum.maxMs]).toEqual([3, 3]);
    expect(quantilesOf(latency.take())).toEqual({ p50Ms: null, p99Ms: null, maxMs: null });
  });
});
