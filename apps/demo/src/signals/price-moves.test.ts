import { describe, expect, it } from "vitest";
import { toBig } from "@broadtape/protocol/money";
import { PriceMoves } from "./price-moves.ts";

/** Prices one second apart; what is told of each. */
function told(prices: readonly string[], moves = new PriceMoves(), from = 0) {
  return prices.map((price, second) => moves.look("EURUSD", toBig(price), from + second * 1000));
}

describe("moves of prices", () => {
  it.each([
    ["1.000299", undefined],
    ["1.0003", "info"],
    ["0.9997", "info"],
    ["1.0007", "warning"],
    ["0.9985", "error"],
  ])("tell of a move from 1 to %s as %s, compared in decimals", (price, level) => {
    expect(told(["1", price])[1]?.level).toBe(level);
  });

  it("say which way, how far and how fast, in the digits of the prices", () => {
    expect(told(["1.39350", "1.39300", "1.39402"]).map((each) => each?.message)).toEqual([
      undefined,
      "EURUSD fell 0.036 % within 1 s, from 1.3935 to 1.393",
      "EURUSD rose 0.073 % within 1 s, from 1.393 to 1.39402",
    ]);
  });

  it("look no further back than a minute", () => {
    const slow = Array.from({ length: 200 }, (_, second) => toBig(1).plus(toBig("0.0000049").times(second)).toFixed());
    expect(told(slow).filter((each) => each !== undefined)).toEqual([]);
  });

  it("tell of a level once a minute for each symbol, whatever the price does", () => {
    const moves = new PriceMoves();
    const restless = Array.from({ length: 180 }, (_, second) => (second % 2 === 0 ? "1.0000" : "1.0005"));
    expect(told(restless, moves).flatMap((each, second) => (each === undefined ? [] : [second]))).toEqual([1, 61, 121]);
    expect(moves.look("XAUUSD", toBig(1300), 180_000)).toBeUndefined();
    expect(moves.look("XAUUSD", toBig(1301), 181_000)?.level).toBe("warning");
    expect(moves.look("EURUSD", toBig("1.1"), 181_000)?.level).toBe("error");
  });
});
