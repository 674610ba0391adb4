import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { TokenBucket } from "./limits.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

describe("a token bucket", () => {
  it("lets a burst pass and then tells how long to wait", () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, 3, 10);
    expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).toEqual([undefined, undefined, undefined, 100]);
    clock.advance(60);
    expect(bucket.take()).toBe(40);
    clock.advance(40);
    expect(bucket.take()).toBeUndefined();
  });

  it("knows a flood, however slowly it is read, and forgives who is a little too fast", () => {
    const clock = new FakeClock();
    const flooded = new TokenBucket(clock, 100, 20);
    for (let count = 0; count < 3000; count++) {
      flooded.take();
      clock.advance(1);
    }
    expect(flooded.isFlooded).toBe(true);
    const hasty = new TokenBucket(clock, 100, 20);
    for (let count = 0; count < 3000; count++) {
      hasty.take();
      clock.advance(10);
    }
    expect(hasty.isFlooded).toBe(false);
  });

  it("never holds more than the burst, however long nobody came", () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, 2, 10);
    clock.advance(3_600_000);
    expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([undefined, undefined, 100]);
  });

  it("lets no more pass than burst plus refill, at whatever times they come", () => {
    const limits = fc.record({ burst: fc.integer({ min: 1, max: 20 }), perSecond: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(limits, fc.array(fc.nat(300), { maxLength: 100 }), ({ burst, perSecond }, pauses) => {
        const clock = new FakeClock();
        const bucket = new TokenBucket(clock, burst, perSecond);
        let passed = 0;
        let elapsedMs = 0;
        for (const pause of pauses) {
          clock.advance(pause);
          elapsedMs += pause;
          if (bucket.take() === undefined) passed += 1;
        }
        expect(passed).toBeLessThanOrEqual(burst + (elapsedMs / 1000) * perSecond + 1e-6);
      }),
      { seed },
    );
  });

  it("lets pass who waited as long as was told", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(100), (perSecond, pause) => {
        const clock = new FakeClock();
        const bucket = new TokenBucket(clock, 1, perSecond);
        bucket.take();
        clock.advance(pause);
        const wait = bucket.take();
        if (wait === undefined) return;
        // A millisecond more than rounding can take away.
        clock.advance(wait + 1);
        expect(bucket.take()).toBeUndefined();
      }),
      { seed },
    );
  });

  it("does not care about the wall clock", () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, 1, 1);
    bucket.take();
    clock.jump(3_600_000);
    expect(bucket.take()).toBe(1000);
  });

  it("calls it a flood when ten bursts in a row came after the limit was told", () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, 2, 1);
    for (let count = 0; count < 2 + 20; count++) bucket.take();
    expect(bucket.isFlooded).toBe(false);
    bucket.take();
    expect(bucket.isFlooded).toBe(true);
    clock.advance(1000);
    bucket.take();
    expect(bucket.isFlooded).toBe(false);
  });
});
