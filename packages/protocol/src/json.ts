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

/** Levels of arrays and objects in a text. Beyond it parsing and writing could run out of stack, and not everywhere at the same level. */
export const MAX_DEPTH = 128;

/**
 * Parses JSON text; throws `SyntaxError` where `JSON.parse` does, and for what is nested deeper than {@link MAX_DEPTH}.
 * Numbers are `number` where `String(Number(text)) === text`, else {@link ExactNumber}.
 */
export function parseJson(text: string): unknown {
  if (isDeeperThan(text, MAX_DEPTH)) throw new SyntaxError(`JSON is nested deeper than ${MAX_DEPTH} levels`);
  return MAYBE_INEXACT.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return String(value) === context.source ? value : new ExactNumber(context.source);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether JSON text has more than so many levels of arrays and objects. Says nothing of text that is no JSON. */
export function isDeeperThan(text: string, levels: number): boolean {
  // A level costs two characters: most texts are too short to be deep.
  if (text.length <= 2 * levels) return false;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === QUOTE) index = endOfString(text, index);
    // `[` and `{`, `]` and `}` differ in one bit.
    else if ((char | 0x20) === 0x7b) {
      if (++depth > levels) return true;
    } else if ((char | 0x20) === 0x7d) depth -= 1;
  }
  return false;
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
