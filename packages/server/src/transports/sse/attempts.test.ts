import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../testing/fake-clock.ts";
import { Attempts } from "./attempts.ts";

function setUp() {
  const clock = new FakeClock();
  return { clock, attempts: new Attempts(clock, { failed: 2, others: 3 }) };
}

describe("attempts to open a stream", () => {
  it("are limited by address and minute, and the wait is told", () => {
    const { clock, attempts } = setUp();
    expect([attempts.count("a", "failed"), attempts.count("a", "failed")]).toEqual([undefined, undefined]);
    clock.advance(45_000);
    expect(attempts.count("a", "failed")).toBe(15_000);
    expect(attempts.count("b", "failed")).toBeUndefined();
    clock.advance(15_000);
    expect(attempts.count("a", "failed")).toBeUndefined();
  });

  it("are counted apart, those that failed and the others", () => {
    const { attempts } = setUp();
    for (let count = 0; count < 5; count++) attempts.count("a", "failed");
    expect([1, 2, 3, 4].map(() => attempts.count("a", "others"))).toEqual([undefined, undefined, undefined, 60_000]);
  });

  it("that are refused do not make the wait longer", () => {
    const { clock, attempts } = setUp();
    for (let count = 0; count < 100; count++) attempts.count("a", "failed");
    clock.advance(60_000);
    expect(attempts.count("a", "failed")).toBeUndefined();
  });

  it("are not forgiven by a jump of the wall clock", () => {
    const { clock, attempts } = setUp();
    for (let count = 0; count < 2; count++) attempts.count("a", "failed");
    clock.jump(3_600_000);
    expect(attempts.count("a", "failed")).toBe(60_000);
  });

  it("are remembered of a hundred thousand addresses, and the one whose minute is oldest is forgotten first", () => {
    const { clock, attempts } = setUp();
    const exhaust = (address: string) => [1, 2].map(() => attempts.count(address, "failed"));
    exhaust("first");
    exhaust("second");
    clock.advance(1);
    for (let index = 0; index < 99_999; index++) attempts.count(`10.${index}`, "others");
    expect(attempts.count("second", "failed")).toBeDefined();
    expect(attempts.count("first", "failed")).toBeUndefined();
  });
});
