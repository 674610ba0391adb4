/** What an error is answered with where a request has one answer: over HTTP and over NATS (contract 00-common "Errors over HTTP"). */
import { type HttpErrorBody, Refusal } from "@broadtape/protocol/errors";
import { BadEvents } from "../engine/validate.ts";
import { BadBody } from "./body.ts";
import { httpError, statusOf } from "./reason-phrase.ts";

export interface Refused {
  readonly body: HttpErrorBody;
  /** `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;
  /** Whether it is for the server's own log: whoever asked is not told the cause. */
  readonly isFault: boolean;
  /** Whether it is because something is away: as little to be told, and the same for all who ask meanwhile. */
  readonly isOutage: boolean;
}

/** What log and registry say when they are away or take no more; known by name, so that transports know no adapter. */
const UNAVAILABLE: ReadonlySet<string> = new Set(["LogUnavailable", "RegistryUnavailable", "NodeUnavailable"]);

interface Unavailable extends Error {
  readonly retryAfterMs: number;
}

export function refusedOf(error: unknown): Refused {
  const statusCode = statusCodeOf(error);
  const message = error instanceof Error ? error.message : "";
  const answered = { body: httpError(statusCode, message), retryAfterSeconds: undefined, isFault: false, isOutage: false };
  if (error instanceof BadEvents) return { ...answered, body: httpError(statusCode, message, { errors: error.faults }) };
  if (error instanceof BadBody) return answered;
  if (error instanceof Refusal) return { ...answered, retryAfterSeconds: secondsOf(error.details.retryAfterMs) };
  if (error instanceof Error && isUnavailable(error)) {
    const retryAfterSeconds = Math.max(1, secondsOf(error.retryAfterMs) ?? 1);
    return { ...answered, retryAfterSeconds, isOutage: error.cause !== undefined };
  }
  return statusCode < 500 ? answered : { ...answered, body: httpError(statusCode, "internal error"), isFault: true };
}

export function statusCodeOf(error: unknown): number {
  if (error instanceof BadEvents) return 422;
  if (error instanceof BadBody) return error.statusCode;
  if (error instanceof Refusal) return statusOf(error.code);
  if (!(error instanceof Error)) return 500;
  if (isUnavailable(error)) return 503;
  return "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : 500;
}

function isUnavailable(error: Error): error is Unavailable {
  return UNAVAILABLE.has(error.name) && "retryAfterMs" in error && typeof error.retryAfterMs === "number";
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}
