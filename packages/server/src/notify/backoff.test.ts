import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Backoff, retryDelayMs } from "./backoff.ts";
import { NotifyError } from "./notifier.ts";

const limits: Backoff = { tries: 6, firstDelayMs: 1000, longestDelayMs: 5000, longestRetryAfterMs: 60_000 };
const passing = new NotifyError("passing", "it answered 503");

describe("the wait for the next try", () => {
  it("doubles up to its bound", () => {
    const most = (tries: number) => retryDelayMs(passing, tries, limits, () => 0.999_999);
    expect([1, 2, 3, 4, 5].map(most)).toEqual([1000, 2000, 4000, 5000, 5000]);
  });

  it("is random in its upper half", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (tries, random) => {
        const whole = Math.min(1000 * 2 ** (tries - 1), 5000);
        const delay = retryDelayMs(passing, tries, limits, () => random);
        expect(delay).toBeGreaterThanOrEqual(whole / 2);
        expect(delay).toBeLessThanOrEqual(whole);
      }),
    );
  });

  it("is at least what the receiver asked for, and ends the tries where that is too long", () => {
    const asking = (retryAfterMs: number) => retryDelayMs(new NotifyError("passing", "busy", { retryAfterMs }), 1, limits, () => 0);
    expect(asking(100)).toBe(500);
    expect(asking(30_000)).toBe(30_000);
    expect(asking(60_001)).toBeUndefined();
  });

  it("has no next try after a permanent failure and after the last one", () => {
    expect(retryDelayMs(new NotifyError("permanent", "it answered 400"), 1, limits, () => 0)).toBeUndefined();
    expect(retryDelayMs(passing, 6, limits, () => 0)).toBeUndefined();
  });
});
