/** Questions to the server over HTTP, and its refusals in its own words. */
import { parseJson } from "@broadtape/protocol/json";

/** The server's answer to a request was no. */
export class Refused extends Error {
  override readonly name = "Refused";
  /** 0 where the server could not be reached. */
  readonly statusCode: number;
  /** As parsed; undefined where there was no JSON. */
  readonly body: unknown;

  constructor(statusCode: number, message: string, body?: unknown) {
    super(message);
    this.statusCode = statusCode;
    this.body = body;
  }
}

/** The parsed answer, its numbers with all their digits (`parseJson`). Throws {@link Refused}. */
export async function ask(authorized: typeof fetch, path: string, init?: RequestInit): Promise<unknown> {
  const response = await authorized(path, init).catch(() => undefined);
  if (response === undefined) throw new Refused(0, "The server cannot be reached.");
  const text = await response.text().catch(() => "");
  const body = parsed(text);
  if (response.ok) return body;
  const message: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "message") : undefined;
  throw new Refused(response.status, typeof message === "string" ? message : `The server answered ${response.status}.`, body);
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
