import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber } from "./json.ts";
import { compareDecimals, toBig, toJsonNumber } from "./money.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

/** A decimal as a whole number of units of 10^-scale: arithmetic on it can be checked with integers. */
const decimal = fc.record({ units: fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), scale: fc.nat(12) });
const digitsOf = ({ units, scale }: { units: bigint; scale: number }): string => {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return units < 0n ? `-${text}` : text;
};
/** In units of 10^-12. */
const scaled = ({ units, scale }: { units: bigint; scale: number }): bigint => units * 10n ** BigInt(12 - scale);

describe("decimals", () => {
  it("add, subtract and multiply exactly", () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const [x, y] = [toBig(digitsOf(a)), toBig(new ExactNumber(digitsOf(b)))];
        expect(x.plus(y).times("1e12").toFixed()).toBe((scaled(a) + scaled(b)).toString());
        expect(x.minus(y).times("1e12").toFixed()).toBe((scaled(a) - scaled(b)).toString());
        expect(
          x
            .times(y)
            .times("1e24")
            .eq((scaled(a) * scaled(b)).toString()),
        ).toBe(true);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("compare by value, however they are spelled", () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const expected = scaled(a) < scaled(b) ? -1 : scaled(a) > scaled(b) ? 1 : 0;
        expect(Math.sign(compareDecimals(new ExactNumber(digitsOf(a)), digitsOf(b)))).toBe(expected);
      }),
      { seed, numRuns: 500 },
    );
    expect(compareDecimals("1.10", 1.1)).toBe(0);
    expect(compareDecimals(0.1, 0.2)).toBeLessThan(0);
    expect(compareDecimals(new ExactNumber("1e2"), 100)).toBe(0);
  });

  it("tell numbers apart that are one and the same binary float", () => {
    expect(Number("10000000000000000.1")).toBe(Number("10000000000000000.2"));
    expect(compareDecimals("10000000000000000.1", "10000000000000000.2")).toBe(-1);
  });

  it("do not turn 0.1 + 0.2 into 0.30000000000000004", () => {
    expect(toJsonNumber(toBig(0.1).plus(toBig(0.2)))).toBe(0.3);
  });

  it("divide to 12 decimals, half to even", () => {
    expect(toBig("1").div("3").toFixed()).toBe("0.333333333333");
    expect(toBig("0.000000000005").div("10").toFixed()).toBe("0");
    expect(toBig("0.000000000015").div("10").toFixed()).toBe("0.000000000002");
    expect(toBig("0.000000000025").div("10").toFixed()).toBe("0.000000000002");
    expect(toBig("-0.000000000025").div("10").toFixed()).toBe("-0.000000000002");
  });

  it.each(["", "abc", "1,000", "0x10", "NaN", "Infinity", " 1"])("refuse %j", (text) => {
    expect(() => toBig(text)).toThrow();
  });

  it("refuse a number that is none", () => {
    expect(() => toBig(NaN)).toThrow();
    expect(() => toBig(Infinity)).toThrow();
  });
});

describe("toJsonNumber", () => {
  it("writes every value without an exponent, without trailing zeros, and without losing a digit", () => {
    fc.assert(
      fc.property(decimal, (value) => {
        const text = JSON.stringify(toJsonNumber(toBig(digitsOf(value))));
        expect(text).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
        expect(toBig(text).eq(digitsOf(value))).toBe(true);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("is an ordinary number where that has the same digits", () => {
    expect(toJsonNumber(toBig("1.50"))).toBe(1.5);
    expect(toJsonNumber(toBig("1e21"))).toEqual(new ExactNumber("1000000000000000000000"));
    expect(toJsonNumber(toBig("0.0000001"))).toEqual(new ExactNumber("0.0000001"));
  });

  it("knows one zero", () => {
    expect(JSON.stringify([toJsonNumber(toBig("-0")), toJsonNumber(toBig("0").times("-3"))])).toBe("[0,0]");
  });
});
