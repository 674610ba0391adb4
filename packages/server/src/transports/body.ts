/** Bodies of requests, by whatever they came: bytes that must be JSON. */
import { parseJson } from "@broadtape/protocol/json";

/** A body that is not taken: 400, or what else is said. */
export class BadBody extends Error {
  override readonly name = "BadBody";
  readonly statusCode: number;

  constructor(message: string, statusCode = 400) {
    super(message);
    this.statusCode = statusCode;
  }
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
