/** Decimals in, decimals out: arithmetic on published prices and amounts, never through a binary float. */
import Big from "big.js";
import { ExactNumber, type JsonNumber } from "./json.ts";

/** A decimal as it stands in an event: JSON number (digits kept) or decimal string. */
export type Decimal = JsonNumber | string;

const DIVISION = Big();
DIVISION.DP = 12;
DIVISION.RM = 2; // half to even, so that rounding favours neither side of a trade

/** Reads a decimal for arithmetic. Throws on text that is no decimal; schemas refuse such text before. */
export function toBig(value: Decimal): Big {
  return new DIVISION(value instanceof ExactNumber ? value.digits : value);
}

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  return typeof a === "number" && typeof b === "number" ? a - b : toBig(a).cmp(toBig(b));
}

/** A derived decimal as a JSON number: no exponent, no trailing zeros, no float in between. */
export function toJsonNumber(value: Big): JsonNumber {
  const digits = value.toFixed();
  return String(Number(digits)) === digits ? Number(digits) : new ExactNumber(digits);
}
