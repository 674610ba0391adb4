import { expect, it } from "vitest";
import { ImpossibleReading, median, possible } from "./statistics.ts";

it("takes the middle of readings in any order", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([10, 9])).toBe(9.5);
  expect(() => median([])).toThrow("no readings");
});

it("believes no reading that cannot be", () => {
  expect(possible("p99", 0.2, 0)).toBe(0.2);
  for (const value of [-0.1, NaN, 11]) expect(() => possible("p99", value, 0, 10)).toThrow(ImpossibleReading);
});
