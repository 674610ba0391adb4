import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber, parseJson } from "../../json.ts";
import { type Filterable, FILTER_NAMES, compileTransactionFilters, filters } from "./filters.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const sample: Filterable = { amount: 5, currency: "NGN", type: "TRANSFER", status: "SUCCESS" };
const matches = (written: object, fields: Partial<Filterable> = {}) =>
  compileTransactionFilters(filters.parse(written))({ ...sample, ...fields });
const faultsOf = (written: unknown) => filters.safeParse(written).error?.issues.map(({ path, message }) => [path.join("."), message]);
const exact = (digits: string) => parseJson(digits) as number | ExactNumber;

describe("a filter of transactions", () => {
  it("lets all through where it says nothing", () => {
    expect(matches({})).toBe(true);
  });

  it.each<[object, boolean]>([
    [{ minAmount: 5 }, true],
    [{ minAmount: 5.01 }, false],
    [{ maxAmount: 5 }, true],
    [{ maxAmount: "4.99" }, false],
    [{ minAmount: "5.00", maxAmount: "5.0" }, true],
    [{ minAmount: -10, maxAmount: -5 }, false],
    [{ status: "SUCCESS" }, true],
    [{ status: "success" }, false],
    [{ status: ["FAILED", "SUCCESS"] }, true],
    [{ status: ["FAILED"] }, false],
    [{ currency: ["NGN", "USD"], type: "TRANSFER" }, true],
    [{ currency: "NGN", type: "CARD" }, false],
    [{ minAmount: 5, status: "FAILED" }, false],
    [{ counterparty: "John Doe" }, false],
  ])("of %j passes 5 NGN: %s", (written, expected) => {
    expect(matches(written)).toBe(expected);
  });

  it("takes 0 for a bound like any other", () => {
    expect([matches({ minAmount: 0 }, { amount: -1 }), matches({ minAmount: 0 }, { amount: 0 })]).toEqual([false, true]);
    expect([matches({ maxAmount: 0 }, { amount: 1 }), matches({ maxAmount: "0.00" }, { amount: 0 })]).toEqual([false, true]);
  });

  it("compares in decimals what a binary float cannot tell apart", () => {
    const amount = exact("10000000000000000.1");
    expect(matches({ minAmount: "10000000000000000.2" }, { amount })).toBe(false);
    expect(matches({ minAmount: exact("10000000000000000.1") }, { amount })).toBe(true);
    expect(matches({ maxAmount: "0.30" }, { amount: 0.1 + 0.2 })).toBe(false);
    expect(matches({ minAmount: 50000 }, { amount: exact("50000.00") })).toBe(true);
    expect(matches({ minAmount: 50000, maxAmount: "50000.000" }, { amount: "50000.0" })).toBe(true);
  });

  it("compares as whole numbers of the smallest unit would", () => {
    const units = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
    const near = fc.tuple(units, fc.integer({ min: -1, max: 1 })).map(([all, by]) => [all, all + BigInt(by)] as const);
    const spelled = (all: bigint) => {
      const digits = (all < 0n ? -all : all).toString().padStart(3, "0");
      return `${all < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
    };
    fc.assert(
      fc.property(near, fc.boolean(), fc.boolean(), ([amount, bound], isText, isBoundText) => {
        const written = { amount: isText ? spelled(amount) : exact(spelled(amount)) };
        const end = isBoundText ? spelled(bound) : exact(spelled(bound));
        expect(matches({ minAmount: end }, written)).toBe(amount >= bound);
        expect(matches({ maxAmount: end }, written)).toBe(amount <= bound);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("knows a counterparty by name or phone number, exactly", () => {
    const known = { counterpartyName: "Doe, John", counterpartyPhone: "+2349012345678" };
    expect([matches({ counterparty: "Doe, John" }, known), matches({ counterparty: "+2349012345678" }, known)]).toEqual([true, true]);
    for (const counterparty of ["Doe", "doe, john", "2349012345678", ".*"]) expect(matches({ counterparty }, known)).toBe(false);
    expect(matches({ counterparty: "null" }, { counterpartyName: null, counterpartyPhone: null })).toBe(false);
  });

  it.each(["amount", "minamount", "status ", "constructor", "toString"])("is refused for %s, and the key is its path", (key) => {
    expect(faultsOf({ minAmount: "bad", [key]: 1 })?.[0]).toEqual([key, `must be one of ${FILTER_NAMES.join(", ")}`]);
  });

  it("is refused for a key that only JSON can spell", () => {
    expect(faultsOf(parseJson('{"__proto__":{"minAmount":1}}'))?.[0]?.[0]).toBe("__proto__");
  });

  it.each([
    ["minAmount", "low"],
    ["minAmount", null],
    ["maxAmount", "1e9"],
    ["maxAmount", Infinity],
    ["minAmount", [1]],
    ["status", []],
    ["status", ""],
    ["status", 5],
    ["status", { in: ["SUCCESS"] }],
    ["status", Array.from({ length: 101 }, () => "a")],
    ["currency", "*"],
    ["type", "x".repeat(65)],
    ["counterparty", ["a"]],
    ["counterparty", "x".repeat(257)],
  ])("is refused for %s of %j, and the field is its path", (field, value) => {
    expect(faultsOf({ [field]: value })?.[0]?.[0]?.split(".")[0]).toBe(field);
  });

  it.each([null, 5, "SUCCESS", [], [1]])("is never %j", (written) => {
    expect(filters.safeParse(written).success).toBe(false);
  });

  it("is refused where its range holds nothing", () => {
    expect(faultsOf({ minAmount: "10.01", maxAmount: 10 })).toEqual([["minAmount", "must not be above maxAmount"]]);
    expect(faultsOf({ minAmount: "10.00", maxAmount: 10 })).toBeUndefined();
  });

  it("is told as it was written, digit for digit", () => {
    const text = '{"minAmount":1000.00,"maxAmount":"2000.00"}';
    expect(JSON.stringify(filters.parse(parseJson(text)))).toBe(text);
  });
});
