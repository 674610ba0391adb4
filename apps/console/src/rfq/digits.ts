/** Decimals on the screen: the digits that were published, none added; rounded nowhere but in averages. */
import { toBig } from "@broadtape/protocol/money";
import type { Decimal } from "./rfq-types.ts";

/** The decimal's text; a small number's exponent is written out. */
export function digitsOf(value: Decimal): string {
  const text = value.toString();
  return typeof value === "number" && text.includes("e") ? withoutExponent(text) : text;
}

/** How many digits stand behind the point. */
export function fractionOf(digits: string): number {
  return (digits.split(".")[1] ?? "").length;
}

/** In threes before the point; every digit stays. */
export function grouped(digits: { toString(): string }): string {
  return String(digits).replace(/\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
}

/** An average in the digits that markets quote a price of its size in: 3 from 100 on, 5 below. */
export function averaged(digits: string): string {
  const price = toBig(digits);
  const fraction = price.abs().gte(100) ? 3 : 5;
  const isKept = price.abs().lt("0.01") || fractionOf(digits) <= fraction;
  return isKept ? digits : price.toFixed(fraction);
}

/** What a decimal lacks to the longest fraction of its column: shown invisibly behind it, so that the points align. */
export function paddingOf(digits: string, fraction: number): string {
  const own = fractionOf(digits);
  if (own >= fraction) return "";
  return (own === 0 ? "." : "") + "0".repeat(fraction - own);
}

function withoutExponent(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return point >= digits.length ? sign + digits.padEnd(point, "0") : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
