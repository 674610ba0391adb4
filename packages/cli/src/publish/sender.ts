/** Sends one batch until the server has it, refuses it, or is away for too long. */
import { setTimeout as sleep } from "node:timers/promises";
import { fieldOf, jsonOf, listOf, textOf } from "../json.ts";

export type Sent =
  | { readonly kind: "accepted"; readonly duplicates: number; readonly lastEventId: string | undefined }
  | { readonly kind: "refused"; readonly statusCode: number; readonly message: string; readonly faults: readonly Fault[] }
  | { readonly kind: "unreachable"; readonly message: string };

/** `index` in the batch. */
export interface Fault {
  readonly index: number;
  readonly path: string;
  readonly message: string;
}

export interface SenderOptions {
  /** Base URL of the server. */
  readonly url: string;
  readonly token: string;
  /** How long to go on trying while nothing gets through. */
  readonly giveUpAfterMs: number;
  /** Hears of each attempt that has to be repeated. */
  readonly onRetry: (reason: string, afterMs: number) => void;
}

const REQUEST_MS = 30_000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;
/** Answers that mean "not now". Repeating is safe: every event has an id. */
const REPEATED = new Set([408, 429, 500, 502, 503, 504]);

export async function send(body: string, options: SenderOptions): Promise<Sent> {
  const deadline = performance.now() + options.giveUpAfterMs;
  for (let attempt = 0; ; attempt++) {
    const outcome = await tryOnce(body, options);
    if ("kind" in outcome) return outcome;
    const backoffMs = Math.min(FIRST_RETRY_MS * 2 ** attempt, LAST_RETRY_MS) * (0.5 + Math.random());
    const afterMs = Math.round(outcome.retryAfterMs ?? backoffMs);
    if (performance.now() + afterMs > deadline) return { kind: "unreachable", message: outcome.reason };
    options.onRetry(outcome.reason, afterMs);
    await sleep(afterMs);
  }
}

interface NotNow {
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
}

async function tryOnce(body: string, { url, token }: SenderOptions): Promise<Sent | NotNow> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(new URL("/api/v1/events", url), {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" },
      body,
      signal: AbortSignal.timeout(REQUEST_MS),
      redirect: "error",
    });
    text = await response.text();
  } catch (error) {
    return { reason: `${url} does not answer: ${causeOf(error)}`, retryAfterMs: undefined };
  }
  if (response.ok) return accepted(text, url);
  const { message, faults } = refusalIn(text);
  if (REPEATED.has(response.status)) {
    return { reason: `${url} answers ${response.status}: ${message}`, retryAfterMs: retryAfterOf(response.headers.get("retry-after")) };
  }
  return { kind: "refused", statusCode: response.status, message, faults };
}

/** `fetch` says "fetch failed" and keeps the reason in its cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

/** Contract 00-common "Publishing". */
function accepted(text: string, url: string): Sent {
  const results = listOf(fieldOf(jsonOf(text), "results"));
  if (results === undefined) {
    return { kind: "refused", statusCode: 200, message: `${url} is no Broadtape server: its answer is not understood`, faults: [] };
  }
  const duplicates = results.filter((result) => fieldOf(result, "duplicate") === true).length;
  return { kind: "accepted", duplicates, lastEventId: textOf(fieldOf(results.at(-1), "eventId")) };
}

/** Contract 00-common "Errors over HTTP"; whatever stands between may answer otherwise. */
function refusalIn(text: string): { message: string; faults: Fault[] } {
  const body = jsonOf(text);
  const message = textOf(fieldOf(body, "message")) ?? (text.slice(0, 200) || "without a reason");
  const faults = (listOf(fieldOf(body, "errors")) ?? []).map((fault) => ({
    index: Number(fieldOf(fault, "index")),
    path: textOf(fieldOf(fault, "path")) ?? "",
    message: textOf(fieldOf(fault, "message")) ?? "",
  }));
  return { message, faults };
}

/** RFC 9110 10.2.3: seconds or a date. */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
