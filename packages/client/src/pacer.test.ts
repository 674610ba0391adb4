import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pacer } from "./pacer.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

function setUp(commandsBurst: number, commandsPerSecond: number) {
  const clock = { now: 1_000_000 };
  const pacer = new Pacer(() => clock.now);
  pacer.reset({ commandsBurst, commandsPerSecond });
  const takeAll = () => {
    let taken = 0;
    while (pacer.take()) taken += 1;
    return taken;
  };
  return { clock, pacer, takeAll };
}

describe("commands", () => {
  it("go out in a burst, and then as they become free", () => {
    const { clock, pacer, takeAll } = setUp(100, 20);
    expect(takeAll()).toBe(100);
    expect(pacer.waitMs).toBe(50);
    clock.now += 49;
    expect(takeAll()).toBe(0);
    clock.now += 1;
    expect(takeAll()).toBe(1);
    clock.now += 3_600_000;
    expect(takeAll()).toBe(100);
  });

  it("wait for as long as the server asks", () => {
    const { clock, pacer, takeAll } = setUp(100, 20);
    pacer.pause(3000);
    expect(pacer.waitMs).toBe(3000);
    clock.now += 2999;
    expect(takeAll()).toBe(0);
    clock.now += 1;
    expect(takeAll()).toBe(1);
  });

  it("begin anew with a new connection, and lose nothing when the clock goes back", () => {
    const { clock, pacer, takeAll } = setUp(2, 1);
    takeAll();
    pacer.reset({ commandsBurst: 5, commandsPerSecond: 1 });
    clock.now -= 10_000;
    expect(takeAll()).toBe(5);
    clock.now += 1000;
    expect(takeAll()).toBe(1);
  });

  it("never exceed the server's bucket, and one is free after the wait that is told", () => {
    const gaps = fc.array(fc.nat(400), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), gaps, (burst, perSecond, waits) => {
        const { clock, pacer, takeAll } = setUp(burst, perSecond);
        const begin = clock.now;
        let taken = takeAll();
        for (const wait of waits) {
          clock.now += wait;
          taken += takeAll();
          // Sums of fractions: a command too many is one, a billionth of it is not.
          expect(taken).toBeLessThanOrEqual(burst + ((clock.now - begin) / 1000) * perSecond + 1e-6);
        }
        clock.now += pacer.waitMs;
        expect(pacer.take()).toBe(true);
      }),
      { seed },
    );
  });
});
