/** Bodies of requests: bytes that must be JSON. */
import { Refusal } from "@broadtape/protocol/errors";
import { parseJson } from "@broadtape/protocol/json";
import type { z } from "zod";

/** A body that is no JSON: 400. */
export class BadBody extends Error {
  override readonly name = "BadBody";
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

export function textOf(body: unknown): string {
  if (!(body instanceof Uint8Array)) throw new BadBody("the body is empty");
  try {
    return utf8.decode(body);
  } catch {
    throw new BadBody("the body is not UTF-8");
  }
}

/** Digits of numbers are kept. */
export function parseText(text: string, otherwise = "the body is not JSON"): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new BadBody(otherwise);
  }
}

/** A body of this form; refused with the path of what is wrong. */
export function bodyOf<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(parseText(textOf(body)));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join(".") ?? "";
  const message = issue?.message ?? "is not valid";
  throw new Refusal("BAD_REQUEST", path === "" ? `the body is not valid: ${message}` : `${path}: ${message}`, { path });
}
