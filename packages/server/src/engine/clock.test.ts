import fc from "fast-check";
import { expect, it } from "vitest";
import { isoTime } from "./clock.ts";

it("spells times as Date does", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: -1e12, max: 4e12 }), fc.integer({ min: 1.7e12, max: 1.7e12 + 2500 })), { minLength: 1 }),
      (times) => {
        expect(times.map(isoTime)).toEqual(times.map((ms) => new Date(ms).toISOString()));
      },
    ),
  );
  expect(isoTime(1.7e12 + 0.9)).toBe(new Date(1.7e12 + 0.9).toISOString());
  expect(() => isoTime(NaN)).toThrow(RangeError);
  expect(isoTime(0)).toBe("1970-01-01T00:00:00.000Z");
});
