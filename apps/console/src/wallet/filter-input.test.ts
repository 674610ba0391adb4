import { expect, it } from "vitest";
import { NO_INPUT, filtersOf } from "./filter-input.ts";

it("asks for what was written, digit for digit, and for nothing where nothing was", () => {
  expect(filtersOf(NO_INPUT)).toEqual({});
  expect(filtersOf({ ...NO_INPUT, minAmount: " 0 ", maxAmount: "1000.50", counterparty: "Smith, Jones & Co" })).toEqual({
    minAmount: "0",
    maxAmount: "1000.50",
    counterparty: "Smith, Jones & Co",
  });
});

it("takes several statuses and currencies, and leaves it to the server to refuse what is none", () => {
  expect(filtersOf({ ...NO_INPUT, status: "SUCCESS, FAILED", currency: "GBP" })).toEqual({
    status: ["SUCCESS", "FAILED"],
    currency: "GBP",
  });
  expect(filtersOf({ ...NO_INPUT, minAmount: "much", status: "," })).toEqual({ minAmount: "much", status: ["", ""] });
});
