/**
 * A hash of what JSON can carry, 64 bits of it: the same for what is equal, in whatever order its fields were set; digits count as
 * they stand. For finding out that two nodes differ, not against somebody who wants them to look alike. It makes no text
 * of the value, which would cost ten times as much.
 */
import { ExactNumber } from "@broadtape/protocol/json";

const PRIME_A = 0x9e3779b1;
const PRIME_B = 0x85ebca77;
/** What kind of value comes: `"1"`, `1` and `[1]` differ. */
const KIND = { text: 1, number: 2, nothing: 3, yes: 4, no: 5, list: 6, field: 7, fields: 8 } as const;

/** A sum of hashes, in no order. */
export class HashSum {
  #high = 0;
  #low = 0;

  add(hash: StateHash): void {
    this.#high = (this.#high + hash.high) >>> 0;
    this.#low = (this.#low + hash.low) >>> 0;
  }

  subtract(hash: StateHash): void {
    this.#high = (this.#high - hash.high) >>> 0;
    this.#low = (this.#low - hash.low) >>> 0;
  }

  copy(): HashSum {
    const copy = new HashSum();
    copy.#high = this.#high;
    copy.#low = this.#low;
    return copy;
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, "0")).join("");
  }
}

/** The hash of one value after the other; one object for many values, since they are hashed by the million. */
export class StateHash {
  high = 0;
  low = 0;

  /** @param values nothing but what JSON can carry, which is true of a view's states: checkpoints hold them. */
  of(...values: readonly unknown[]): this {
    this.high = PRIME_B;
    this.low = PRIME_A;
    for (const value of values) this.#value(value);
    return this;
  }

  #value(value: unknown): void {
    if (typeof value === "string") this.#text(KIND.text, value);
    else if (typeof value === "number") this.#text(KIND.number, String(value));
    else if (typeof value === "boolean") this.#text(value ? KIND.yes : KIND.no, "");
    else if (typeof value !== "object" || value === null) this.#text(KIND.nothing, "");
    else if (value instanceof ExactNumber) this.#text(KIND.number, value.digits);
    else if (Array.isArray(value)) this.#list(value);
    else this.#fields(value);
  }

  #list(values: readonly unknown[]): void {
    for (const value of values) this.#value(value);
    this.#mix(this.high ^ KIND.list, this.low ^ values.length);
  }

  /** Each field begins with what was before all of them, and they are added up: their order is none. */
  #fields(fields: object): void {
    const { high, low } = this;
    let sumHigh = 0;
    let sumLow = 0;
    for (const [name, value] of Object.entries(fields)) {
      // As a checkpoint: it has no fields without a value.
      if (value === undefined) continue;
      this.high = high;
      this.low = low;
      this.#text(KIND.field, name);
      this.#value(value);
      sumHigh = (sumHigh + this.high) | 0;
      sumLow = (sumLow + this.low) | 0;
    }
    this.#mix(high ^ sumHigh ^ KIND.fields, low ^ sumLow);
  }

  #text(kind: number, text: string): void {
    let high = this.high ^ kind;
    let low = this.low ^ Math.imul(kind, PRIME_A);
    const { length } = text;
    for (let at = 0; at < length; at++) {
      const unit = text.charCodeAt(at);
      high = Math.imul(high ^ unit, PRIME_A);
      high ^= high >>> 15;
      low = Math.imul(low ^ unit, PRIME_B);
      low ^= low >>> 13;
    }
    this.#mix(high ^ length, low ^ length);
  }

  /** Every bit of either half comes to depend on every bit of both. */
  #mix(high: number, low: number): void {
    let h = Math.imul(high ^ (high >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    let l = Math.imul(low ^ (low >>> 16), 0x7feb352d);
    l = Math.imul(l ^ (l >>> 15), 0x846ca68b);
    h ^= h >>> 16;
    l ^= l >>> 16;
    this.high = h ^ Math.imul(l, PRIME_B);
    this.low = l ^ Math.imul(h, PRIME_A);
  }
}
