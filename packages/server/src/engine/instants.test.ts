import fc from "fast-check";
import { expect, it } from "vitest";
import { Instants } from "./instants.ts";

it("knows when each event was stored, whichever commits held how many", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(2)), { minLength: 1, maxLength: 50 }), (commits) => {
      const instants = new Instants();
      const expected: number[] = [0];
      let now = 1000;
      for (const [events, later] of commits) {
        now += later;
        for (let each = 0; each < events; each++) expected.push(now);
        instants.add(expected.length - 1, now);
      }
      expect(expected.map((_, offset) => instants.at(offset))).toEqual(expected);
    }),
  );
});

it("never goes back, and forgets the oldest commits first", () => {
  const instants = new Instants();
  for (let offset = 1; offset <= 100_000; offset++) instants.add(offset, offset * 10);
  expect([instants.at(100_000), instants.at(90_001)]).toEqual([1_000_000, 900_010]);
  expect(instants.at(1)).toBe(instants.at(67_000));
  expect(instants.at(1)).toBeLessThanOrEqual(instants.at(67_300));
});

it("has no instant before the first event", () => {
  const instants = new Instants();
  expect(instants.at(5)).toBe(0);
  instants.add(5, 77);
  expect([instants.at(0), instants.at(5), instants.at(9)]).toEqual([0, 77, 77]);
});
