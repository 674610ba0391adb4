/** Filters of a subscription: equality, lists and ranges on the fields that a topic kind declares (contract 60-native "Filters"). */
import { type Decimal, compareDecimals } from "@broadtape/protocol/money";
import { ExactNumber, type JsonNumber, parseJson } from "@broadtape/protocol/json";
import { Refusal } from "@broadtape/protocol/errors";
import type { Filters } from "@broadtape/protocol/native";
import type { Message } from "./message.ts";

type Bound = Filters[string];
type Test = (value: unknown) => boolean;

/** As JSON writes numbers: what begins with a zero (a phone number, a code) is text. */
const DECIMAL = /^-?(0|[1-9]\d{0,39})(\.\d{1,40})?$/;

/** Compiles filters; throws BAD_REQUEST for a field that the topic does not declare or a bound that makes no sense. */
export function compileFilters(filters: Filters, filterable: readonly string[]): (message: Message) => boolean {
  const tests = Object.entries(filters).map(([field, bound]) => {
    if (!filterable.includes(field)) {
      throw new Refusal("BAD_REQUEST", `${field} is not a field that this topic can be filtered by`, { path: `filters.${field}` });
    }
    return { path: field.split("."), test: testOf(bound, field) };
  });
  return (message) => {
    const data = parseJson(message.data);
    return tests.every(({ path, test }) => test(path.reduce(fieldOf, data)));
  };
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function testOf(bound: Bound, field: string): Test {
  if (Array.isArray(bound)) return (value) => bound.some((each) => equals(value, each));
  if (typeof bound !== "object" || bound instanceof ExactNumber) return (value) => equals(value, bound);
  const { min, max } = bound;
  for (const [name, end] of Object.entries({ min, max })) {
    if (end !== undefined && !isDecimal(end)) throw new Refusal("BAD_REQUEST", "must be a decimal", { path: `filters.${field}.${name}` });
  }
  return (value) =>
    isDecimal(value) && (min === undefined || compareDecimals(value, min) >= 0) && (max === undefined || compareDecimals(value, max) <= 0);
}

function equals(value: unknown, wanted: string | JsonNumber | boolean): boolean {
  if (value === wanted) return true;
  return typeof wanted !== "boolean" && isDecimal(value) && isDecimal(wanted) && compareDecimals(value, wanted) === 0;
}

function isDecimal(value: unknown): value is Decimal {
  return typeof value === "number" || value instanceof ExactNumber || (typeof value === "string" && DECIMAL.test(value));
}
