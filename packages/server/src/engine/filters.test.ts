import { describe, expect, it } from "vitest";
import { ExactNumber } from "@broadtape/protocol/json";
import type { Filters } from "@broadtape/protocol/native";
import { messageOf } from "../../testing/connection.ts";
import { compileFilters } from "./filters.ts";

const FIELDS = ["amount", "side", "isLive", "party.phone"];
const passes = (filters: Filters, data: string) => compileFilters(filters, FIELDS)(messageOf({ offset: 1, data }));

describe("a filter", () => {
  it.each<[Filters, string, boolean]>([
    [{}, "{}", true],
    [{ side: "buy" }, '{"side":"buy"}', true],
    [{ side: "buy" }, '{"side":"sell"}', false],
    [{ side: "buy" }, '{"side":"Buy"}', false],
    [{ side: "buy" }, "{}", false],
    [{ side: "buy" }, '{"side":null}', false],
    [{ side: ["buy", "sell"] }, '{"side":"sell"}', true],
    [{ side: ["buy", "sell"] }, '{"side":"two-way"}', false],
    [{ isLive: true }, '{"isLive":true}', true],
    [{ isLive: true }, '{"isLive":1}', false],
    [{ isLive: false }, '{"isLive":0}', false],
    [{ "party.phone": "x" }, '{"party":{"phone":"x"}}', true],
    [{ "party.phone": "x" }, '{"party":"x"}', false],
    [{ "party.phone": "x" }, '{"party":null}', false],
    [{ side: "buy", amount: { min: 5 } }, '{"side":"buy","amount":4}', false],
    [{ side: "buy", amount: { min: 5 } }, '{"side":"buy","amount":5}', true],
  ])("of %j passes %s: %s", (filters, data, expected) => {
    expect(passes(filters, data)).toBe(expected);
  });

  it("compares numbers by value, whether they come as number or text and with whatever zeros", () => {
    for (const amount of ["1.1", "1.10", '"1.1"', '"1.10"']) {
      expect(passes({ amount: 1.1 }, `{"amount":${amount}}`)).toBe(true);
      expect(passes({ amount: "1.100" }, `{"amount":${amount}}`)).toBe(true);
      expect(passes({ amount: { min: "1.10", max: 1.1 } }, `{"amount":${amount}}`)).toBe(true);
    }
  });

  it("compares digits that a binary float has not", () => {
    expect(passes({ amount: { min: "10000000000000000.2" } }, '{"amount":10000000000000000.1}')).toBe(false);
    expect(passes({ amount: { max: "10000000000000000.1" } }, '{"amount":10000000000000000.1}')).toBe(true);
    expect(passes({ amount: "0.1000000000000000055" }, '{"amount":0.1}')).toBe(false);
    const exact = new ExactNumber("10000000000000000.2");
    expect(passes({ amount: { min: exact } }, '{"amount":10000000000000000.1}')).toBe(false);
    for (const bound of [exact, [exact]])
      expect([
        passes({ amount: bound }, '{"amount":10000000000000000.20}'),
        passes({ amount: bound }, '{"amount":10000000000000000}'),
      ]).toEqual([true, false]);
  });

  it("takes a phone number or a code for text: 0049 is not 49", () => {
    expect(passes({ "party.phone": "49123" }, '{"party":{"phone":"0049123"}}')).toBe(false);
    expect(passes({ "party.phone": "0049123" }, '{"party":{"phone":"0049123"}}')).toBe(true);
    expect(passes({ "party.phone": 49123 }, '{"party":{"phone":"0049123"}}')).toBe(false);
  });

  it("lets nothing through a range that is no number", () => {
    for (const amount of ['"5x"', '""', "null", "true", "[5]", '{"valueOf":5}', '"1e3"', '" 5"']) {
      expect(passes({ amount: { min: 0 } }, `{"amount":${amount}}`)).toBe(false);
    }
    expect(passes({ amount: { min: 2, max: 1 } }, '{"amount":1.5}')).toBe(false);
  });

  it("is refused for a field that the topic does not declare, or one that every object has", () => {
    for (const field of ["password", "constructor", "__proto__", "party"]) {
      expect(() => passes(Object.fromEntries([[field, "x"]]), "{}")).toThrow(
        expect.objectContaining({ code: "BAD_REQUEST", details: { path: `filters.${field}` } }),
      );
    }
  });

  it("is refused for a range whose end is no decimal, and the end named", () => {
    expect(() => passes({ amount: { min: "low" } }, "{}")).toThrow(expect.objectContaining({ details: { path: "filters.amount.min" } }));
    expect(() => passes({ amount: { min: 1, max: "1e9" } }, "{}")).toThrow(
      expect.objectContaining({ details: { path: "filters.amount.max" } }),
    );
  });
});
