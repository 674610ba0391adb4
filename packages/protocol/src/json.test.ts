import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber, MAX_DEPTH, isDeeperThan, parseJson } from "./json.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

/** Number literals as JSON spells them, with the zeros and exponents that a binary float loses. */
const literal = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,24})?([eE][+-]?\d{1,2})?$/);
/** Texts that look like numbers to a hasty reader. */
const string = fc.oneof(fc.string(), fc.constantFrom("1.10", "-0", "1e5", '1.0"', "12345678901234567890"));
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("null", "true", "false"),
    literal,
    string.map((text) => JSON.stringify(text)),
    fc.array(tie("json"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    fc
      .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/), tie("json")), { maxLength: 4, selector: ([key]) => key })
      .map((fields) => `{${fields.map(([key, value]) => `"${key}":${value}`).join(",")}}`),
  ),
}));

describe("parseJson", () => {
  it("gives every number back digit for digit, wherever it stands", () => {
    fc.assert(
      fc.property(json, (text) => {
        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("finds every number that a binary float would change, and leaves the others ordinary", () => {
    fc.assert(
      fc.property(literal, (digits) => {
        const value = parseJson(digits);
        if (String(Number(digits)) === digits) expect(value).toBe(Number(digits));
        else expect(value).toEqual(new ExactNumber(digits));
      }),
      { seed, numRuns: 500 },
    );
  });

  it.each(["1.10", "50000.00", "-0", "-0.0", "0.1000", "1e3", "1E-7", "12345678901234567890", "0.12345678901234567", "1e400"])(
    "keeps %s as it was written",
    (digits) => {
      expect(parseJson(`{"price":${digits}}`)).toEqual({ price: new ExactNumber(digits) });
      expect(JSON.stringify(parseJson(`[${digits}]`))).toBe(`[${digits}]`);
    },
  );

  it.each(["", " ", "{", "[1,]", "{'a':1}", "01", "1.", ".5", "+1", "NaN", "Infinity", "-", "1.0.0", "[1.10", "\u00001", "undefined"])(
    "refuses %j as JSON.parse does",
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError);
      expect(() => parseJson(`[1.10,${text}`)).toThrow(SyntaxError);
    },
  );

  it("keeps a key named __proto__ a key", () => {
    expect(Object.keys(parseJson('{"__proto__":{"x":1.10}}') as object)).toEqual(["__proto__"]);
  });

  it.each(["1", "1.10"])("refuses what is nested too deeply before it costs a stack, around %s", (leaf) => {
    const nested = (levels: number) => "[".repeat(levels) + leaf + "]".repeat(levels);
    expect(JSON.stringify(parseJson(nested(MAX_DEPTH)))).toBe(nested(MAX_DEPTH));
    expect(() => parseJson(nested(MAX_DEPTH + 1))).toThrow(SyntaxError);
    expect(() => parseJson(nested(500_000))).toThrow(SyntaxError);
    expect(() => parseJson('{"a":'.repeat(200_000))).toThrow(SyntaxError);
  });
});

describe("isDeeperThan", () => {
  it("counts levels, not brackets", () => {
    expect(isDeeperThan(`[${"[],".repeat(1000)}{}]`, 2)).toBe(false);
    expect(isDeeperThan(`[${"[],".repeat(1000)}{"a":[1]}]`, 2)).toBe(true);
  });

  it("takes brackets in strings, escaped quotes before them included, for text", () => {
    expect(isDeeperThan(JSON.stringify({ a: '\\"[[[[', b: '"{{{{', c: "\\" }), 1)).toBe(false);
    expect(isDeeperThan(JSON.stringify({ a: "\\", b: [1] }), 1)).toBe(true);
  });
});

describe("ExactNumber", () => {
  it("orders as a number and reads as its digits", () => {
    expect([new ExactNumber("10.0"), new ExactNumber("9.50")].sort((a, b) => Number(a) - Number(b)).map(String)).toEqual(["9.50", "10.0"]);
  });
});
