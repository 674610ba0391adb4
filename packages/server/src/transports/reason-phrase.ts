/** Bodies of refusals over HTTP (contract 00-common "Errors over HTTP"). */
import { STATUS_CODES } from "node:http";
import type { ErrorCode, HttpErrorBody } from "@broadtape/protocol/errors";

export function httpError(statusCode: number, message: string, more: Pick<HttpErrorBody, "errors"> = {}): HttpErrorBody {
  return { error: STATUS_CODES[statusCode] ?? "Error", message, statusCode, ...more };
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  UNAUTHORIZED: 401,
  AUTH_FAILED: 401,
  TOKEN_EXPIRED: 401,
  FORBIDDEN: 403,
  BAD_REQUEST: 400,
  RATE_LIMITED: 429,
  LIMIT_REACHED: 429,
  SLOW_CONSUMER: 503,
  SHUTTING_DOWN: 503,
  REPLACED: 409,
};

export function statusOf(code: ErrorCode): number {
  return STATUS[code];
}
