import { describe, expect, it } from "vitest";
import { Windows } from "./windows.ts";

const limit = { most: 2, windowMs: 1000 };

function setUp(maxKeys?: number) {
  let now = 0;
  const windows = new Windows(() => now, maxKeys);
  return { windows, pass: (ms: number) => (now += ms) };
}

describe("windows of hits", () => {
  it("let through what is within the limit, and tell when the next may come", () => {
    const { windows, pass } = setUp();
    expect([windows.hit("a", limit), windows.hit("a", limit)]).toEqual([undefined, undefined]);
    pass(300);
    expect(windows.hit("a", limit)).toBe(700);
    expect(windows.hit("b", limit)).toBeUndefined();
    pass(700);
    expect(windows.hit("a", limit)).toBeUndefined();
  });

  it("forget the oldest window where there are too many keys", () => {
    const { windows } = setUp(2);
    for (const key of ["a", "a", "b", "c"]) windows.hit(key, limit);
    expect(windows.size).toBe(2);
    expect(windows.hit("a", limit)).toBeUndefined();
  });
});
