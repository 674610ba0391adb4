/** Schema pieces that several products use. */
import { z } from "zod";
import { ExactNumber } from "./json.ts";

/** Bounds that keep arithmetic on a published number cheap; no price or amount comes near them. */
const MAX_DIGITS = 64;
const MAX_EXPONENT = 64;

function isBounded(value: unknown): value is ExactNumber {
  if (!(value instanceof ExactNumber)) return false;
  const exponent = /[eE]([+-]?\d+)$/.exec(value.digits)?.[1];
  return value.digits.length <= MAX_DIGITS && Math.abs(Number(exponent ?? 0)) <= MAX_EXPONENT;
}

/** A JSON number, digits kept (see `json.ts`). In JSON Schema: `number`. */
export const jsonNumber = z
  .union([z.number(), z.custom<ExactNumber>(isBounded)], { error: "must be a number" })
  .meta({ jsonSchema: { type: "number" } });

const NO_DECIMAL = "must be a decimal: a number, or text of one";

/** A decimal: a JSON number, or text of one, as it came. */
export const decimal = z.union([jsonNumber, z.string().regex(/^-?\d{1,40}(\.\d{1,40})?$/, NO_DECIMAL)], { error: NO_DECIMAL });
