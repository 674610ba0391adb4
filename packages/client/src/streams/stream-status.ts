/** How a stream is, and what ends an attempt at it. */
import type { ConnectionStatus } from "../connection-state.ts";

/** `stale`: contact was lost; `resuming`: connected again, not greeted yet; `closed`: not opened again by itself. */
export interface StreamStatus extends Omit<ConnectionStatus, "behindMs"> {
  /** Of the answer that refused it: 401, 403, 404. */
  readonly httpStatus: number | undefined;
}

export const CONNECTING: StreamStatus = { state: "connecting", staleSince: undefined, reason: undefined, httpStatus: undefined };

/** What the SDK reports of a stream to `onError`. The stream goes on. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  readonly code: "MALFORMED";
  /** The message's name. */
  readonly event: string | undefined;

  constructor(message: string, event: string | undefined, cause?: unknown) {
    super(message, { cause });
    this.code = "MALFORMED";
    this.event = event;
  }
}

/** How an attempt ended. */
export type StreamEnd =
  /** It is tried again: after what the server asked for, else after the back-off. */
  | { readonly again: true; readonly afterMs?: number | undefined }
  | { readonly again: false; readonly reason: string; readonly httpStatus?: number };

/** Why an answer is no stream; undefined where it is one. */
export async function refusalOf(response: Response, random: () => number): Promise<StreamEnd | undefined> {
  const { ok, status, headers } = response;
  // WHATWG HTML 9.2.2: 204 says to come no more.
  if (ok && status !== 204) return headers.get("Content-Type")?.startsWith("text/event-stream") === true ? undefined : { again: true };
  if (status === 408 || status === 429 || status >= 500) return { again: true, afterMs: afterMsOf(headers.get("Retry-After"), random) };
  return { again: false, reason: await messageOf(response), httpStatus: status };
}

/** All who are told the same number do not come back at once. Dates are left to the back-off. */
function afterMsOf(retryAfter: string | null, random: () => number): number | undefined {
  const seconds = retryAfter === null || retryAfter.trim() === "" ? NaN : Number(retryAfter);
  return seconds >= 0 ? Math.min(seconds, 86_400) * 1000 * (1 + random() / 4) : undefined;
}

async function messageOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const message = typeof body === "object" && body !== null && "message" in body ? body.message : undefined;
  return typeof message === "string" ? message : `the server answered ${response.status}`;
}
