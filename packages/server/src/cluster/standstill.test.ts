import { describe, expect, it } from "vitest";
import { Standstill, TICK_MS } from "./standstill.ts";

function setUp() {
  let now = 0;
  const heard: (() => void)[] = [];
  const standstill = new Standstill({ monotonic: () => now, hear: () => new Promise((resolve) => heard.push(resolve)) });
  const run = (ms: number) => {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      now += TICK_MS;
      standstill.tick();
    }
  };
  return { standstill, heard, run, stop: (ms: number) => (now += ms) };
}

describe("a process", () => {
  it("that runs is not held up", () => {
    const { standstill, heard, run, stop } = setUp();
    run(10_000);
    stop(1000);
    expect([standstill.awake(), heard.length]).toEqual([undefined, 0]);
  });

  it.each(["before its timers", "after its timers"])("that stood still first hears what was told meanwhile, asked %s", async (when) => {
    const { standstill, heard, run, stop } = setUp();
    run(1000);
    stop(20_000);
    if (when === "after its timers") standstill.tick();
    const awake = standstill.awake();
    expect([awake === undefined, standstill.awake() === awake, heard.length]).toEqual([false, true, 1]);
    run(1000);
    expect(standstill.awake()).toBe(awake);
    heard[0]?.();
    await awake;
    expect(standstill.awake()).toBeUndefined();
  });
});
