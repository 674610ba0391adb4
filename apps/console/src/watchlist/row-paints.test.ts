import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RowPaints } from "./row-paints.ts";

let frames: (() => void)[] = [];
beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => frames.push(run));
});
afterEach(() => {
  vi.unstubAllGlobals();
  frames = [];
});

/** Frames until nothing is left to do; returns how many there were. */
function pass(): number {
  for (let count = 0; ; count++) {
    const due = frames.splice(0);
    if (due.length === 0) return count;
    for (const run of due) run();
  }
}

it("draws each changed row once, all within three frames, and rests then", () => {
  const paints = new RowPaints();
  const drawn: string[] = [];
  for (const symbol of ["A", "B", "C", "D"]) paints.watch(symbol, () => drawn.push(symbol));
  for (const symbol of ["A", "A", "B", "C", "A", "unknown"]) paints.changed(symbol);
  expect(drawn).toEqual([]);
  expect(pass()).toBeLessThanOrEqual(3);
  expect(drawn.toSorted()).toEqual(["A", "B", "C"]);
  expect(pass()).toBe(0);
  paints.changed("D");
  expect(pass()).toBeLessThanOrEqual(3);
  expect(drawn.at(-1)).toBe("D");
});

it("tells nobody who has left", () => {
  const paints = new RowPaints();
  const drawn: string[] = [];
  const off = paints.watch("A", () => drawn.push("A"));
  paints.changed("A");
  off();
  pass();
  expect(drawn).toEqual([]);
});
