/** Bodies of HTTP requests that have a schema. */
import { Refusal } from "@broadtape/protocol/errors";
import type { z } from "zod";
import { parseText, textOf } from "../body.ts";

/** A body of this form; refused with the path of what is wrong. */
export function bodyOf<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(parseText(textOf(body)));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join(".") ?? "";
  const message = issue?.message ?? "is not valid";
  throw new Refusal("BAD_REQUEST", path === "" ? `the body is not valid: ${message}` : `${path}: ${message}`, { path });
}
