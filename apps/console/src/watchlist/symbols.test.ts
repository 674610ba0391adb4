import { expect, it } from "vitest";
import { symbolsOf } from "./symbols.ts";

it("shows the recorded symbols, then those of the address, each once and not without end", () => {
  expect(symbolsOf("")).toEqual(["EURUSD", "NZDUSD", "XAUUSD"]);
  expect(symbolsOf("?symbols=ACME,%20EUR/USD,,ACME,EURUSD")).toEqual(["EURUSD", "NZDUSD", "XAUUSD", "ACME", "EUR/USD"]);
  expect(symbolsOf(`?symbols=${Array.from({ length: 1000 }, (_, index) => `S${index}`).join(",")}`)).toHaveLength(100);
});
