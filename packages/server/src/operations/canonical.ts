/** JSON in one spelling: what is equal has equal texts, in whatever order its fields were set. Digits stay as they are. */
import { ExactNumber } from "@broadtape/protocol/json";

/** @param value nothing but what JSON can carry, which is true of a view's states: checkpoints hold them. */
export function canonicalJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.digits;
  if (value === undefined) return "null";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const fields: string[] = [];
  for (const [name, field] of Object.entries(value).sort(byName)) {
    // As a checkpoint: it has no fields without a value.
    if (field !== undefined) fields.push(`${JSON.stringify(name)}:${canonicalJson(field)}`);
  }
  return `{${fields.join(",")}}`;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
