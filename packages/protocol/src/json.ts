/**
 * JSON without loss: a number whose digits a binary float would not give back keeps them.
 *
 * "1.10", "50000.00" or 20 digits come out of {@link parseJson} as {@link ExactNumber} and go back into text exactly as
 * they came (contract 70-details, digits); every other number is an ordinary JavaScript number.
 */

/** A JSON number literal kept as its publisher wrote it. */
export class ExactNumber {
  readonly digits: string;

  /** @param digits a JSON number literal, unchecked */
  constructor(digits: string) {
    this.digits = digits;
  }

  /** The nearest binary float; for ordering on a screen, never for money. */
  valueOf(): number {
    return Number(this.digits);
  }

  toString(): string {
    return this.digits;
  }

  /** Makes `JSON.stringify` write the digits themselves. */
  toJSON(): unknown {
    return rawJson === undefined ? Number(this.digits) : rawJson(this.digits);
  }
}

/** A number as it comes out of {@link parseJson}. */
export type JsonNumber = number | ExactNumber;

const rawJson = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON?.bind(JSON);

/**
 * Matches every text that may hold a number which does not survive a binary float: an exponent, a fraction that ends in
 * 0, a negative zero or 16 digits in a row. May match without need (inside a string, say); that only costs time.
 */
const MAYBE_INEXACT = /\d[eE]|\.\d*0(?!\d)|-0|[\d.]{16}/;

/**
 * Parses JSON text; throws `SyntaxError` where `JSON.parse` does.
 * Numbers are `number` where `String(Number(text)) === text`, else {@link ExactNumber}.
 */
export function parseJson(text: string): unknown {
  return MAYBE_INEXACT.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return String(value) === context.source ? value : new ExactNumber(context.source);
}
