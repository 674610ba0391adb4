/** Values inside statements: several in one round trip can have no parameters. */
import { hash } from "node:crypto";
import { escapeLiteral } from "pg";
import { plainArray, textArray } from "../../postgres/arrays.ts";
import { escapeText } from "../../postgres/text.ts";

export function text(value: string): string {
  return escapeLiteral(escapeText(value));
}

export function texts(values: readonly (string | null)[]): string {
  return `${escapeLiteral(textArray(values))}::text[]`;
}

export function uuids(values: readonly (string | undefined)[]): string {
  return `'${plainArray(values.map((value) => value ?? "NULL"))}'::uuid[]`;
}

export function bigints(values: readonly number[]): string {
  return `'${plainArray(values)}'::bigint[]`;
}

/** 128 bits of names of any length, as PostgreSQL reads a UUID. */
export function digest(...names: readonly string[]): string {
  return hash("sha256", JSON.stringify(names), "hex").slice(0, 32);
}

/** So many milliseconds, as an interval. */
export function ms(duration: number): string {
  return `interval '${duration} milliseconds'`;
}

/** Held to the end of the transaction by whoever changes seats: of two that enter, one comes after the other. */
export const SEATS_LOCK = "select pg_advisory_xact_lock(hashtextextended(current_schema || '/seats', 0))";
