import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { Wheel } from "./wheel.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const SLOT_MS = 4;
/** How long the wheel's buckets take to come round. */
const ROUND_MS = 4096 * SLOT_MS;

function setUp() {
  const clock = new FakeClock();
  return { clock, wheel: new Wheel(clock) };
}

describe("the wheel", () => {
  it("never fires early, and at most a slot late, however far away and whatever else is armed", () => {
    const step = fc.oneof(
      fc.record({ arm: fc.oneof(fc.nat(50), fc.nat(5 * ROUND_MS), fc.double({ min: 0, max: 100, noNaN: true })) }),
      fc.record({ pass: fc.oneof(fc.nat(20), fc.nat(2 * ROUND_MS)) }),
      fc.record({ disarm: fc.nat(30) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { clock, wheel } = setUp();
        const armed: { at: number; firedAt: number | undefined; isDisarmed: boolean; disarm: () => void }[] = [];
        for (const each of steps) {
          if ("pass" in each) clock.advance(each.pass);
          else if ("disarm" in each) armed[each.disarm]?.disarm();
          else {
            const deadline = wheel.arm(each.arm, () => {
              mine.firedAt = clock.monotonic();
            });
            const mine = {
              at: clock.monotonic() + each.arm,
              firedAt: undefined as number | undefined,
              isDisarmed: false,
              disarm: () => {
                mine.isDisarmed = mine.firedAt === undefined;
                wheel.disarm(deadline);
              },
            };
            armed.push(mine);
          }
        }
        expect(wheel.size).toBe(armed.filter(({ firedAt, isDisarmed }) => firedAt === undefined && !isDisarmed).length);
        clock.advance(6 * ROUND_MS);
        for (const { at, firedAt, isDisarmed } of armed) {
          if (isDisarmed) {
            expect(firedAt).toBeUndefined();
            continue;
          }
          expect(firedAt).toBeGreaterThanOrEqual(at);
          expect(firedAt).toBeLessThanOrEqual(at + SLOT_MS);
        }
        expect(wheel.size).toBe(0);
        expect(clock.timers).toBe(0);
      }),
      { seed, numRuns: 300 },
    );
  });

  it("fires what is due in the order of the deadlines, after a long sleep too", () => {
    const { clock, wheel } = setUp();
    const fired: number[] = [];
    for (const ms of [ROUND_MS + 7, 3, 90_000, 50, 2 * ROUND_MS + 3, 1]) wheel.arm(ms, () => fired.push(ms));
    clock.stall(3 * ROUND_MS);
    clock.advance(1);
    expect(fired).toEqual([1, 3, 50, ROUND_MS + 7, 2 * ROUND_MS + 3]);
    clock.advance(90_000);
    expect(fired.at(-1)).toBe(90_000);
  });

  it("goes by a clock that does not jump", () => {
    const { clock, wheel } = setUp();
    let fired = 0;
    wheel.arm(1000, () => (fired += 1));
    clock.jump(3_600_000);
    clock.advance(900);
    expect(fired).toBe(0);
    clock.jump(-7_200_000);
    clock.advance(104);
    expect(fired).toBe(1);
  });

  it("takes a deadline that has passed as due at once", () => {
    const { clock, wheel } = setUp();
    let fired = 0;
    wheel.arm(-500, () => (fired += 1));
    expect(fired).toBe(0);
    clock.advance(SLOT_MS);
    expect(fired).toBe(1);
  });

  it("lets a deadline arm the next one and disarm its neighbours while it fires", () => {
    const { clock, wheel } = setUp();
    const fired: string[] = [];
    wheel.arm(10, () => {
      fired.push("first");
      wheel.disarm(neighbour);
      wheel.arm(0, () => fired.push("next"));
    });
    const neighbour = wheel.arm(10, () => fired.push("neighbour"));
    clock.advance(100);
    expect(fired).toEqual(["first", "next"]);
    expect(wheel.size).toBe(0);
  });

  it("counts a deadline once, however often it is disarmed", () => {
    const { clock, wheel } = setUp();
    const deadline = wheel.arm(10, () => undefined);
    wheel.disarm(deadline);
    wheel.disarm(deadline);
    wheel.disarm(undefined);
    const fired = wheel.arm(10, () => undefined);
    clock.advance(20);
    wheel.disarm(fired);
    expect(wheel.size).toBe(0);
  });

  it("has one timer for ten thousand deadlines, and none when stopped", () => {
    const { clock, wheel } = setUp();
    let fired = 0;
    for (let index = 0; index < 10_000; index++) wheel.arm(index % 997, () => (fired += 1));
    expect(clock.timers).toBe(1);
    clock.advance(500);
    expect(fired).toBeGreaterThan(4900);
    wheel.stop();
    expect([wheel.size, clock.timers]).toEqual([0, 0]);
    const before = fired;
    clock.advance(ROUND_MS);
    expect(fired).toBe(before);
  });
});
