/** Refusals: their codes and shapes on sockets and over HTTP (contract 00-common). */

/** Codes of `error` messages on sockets and streams. */
export const ERROR_CODES = [
  "UNAUTHORIZED",
  "AUTH_FAILED",
  "TOKEN_EXPIRED",
  "FORBIDDEN",
  "BAD_REQUEST",
  "RATE_LIMITED",
  "LIMIT_REACHED",
  "SLOW_CONSUMER",
  "SHUTTING_DOWN",
  "REPLACED",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What a refusal tells besides code and message. */
export interface RefusalDetails {
  /** The bad field, for BAD_REQUEST: `data.bestBid.price`. */
  readonly path?: string;
  readonly retryAfterMs?: number;
  readonly reconnectAfterMs?: number;
  /** The limit that was reached, where it is of one's own doing. */
  readonly max?: number;
}

/** A refusal that the caller handles: bad input, missing right, limit. Never a broken invariant. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: ErrorCode;
  readonly details: RefusalDetails;

  constructor(code: ErrorCode, message: string, details: RefusalDetails = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** One fault in a published batch: `index` of the event in it, `path` of the field ("" for the event itself). */
export interface EventFault {
  readonly index: number;
  readonly path: string;
  readonly message: string;
  /** Where the state stands in the log that the event contradicts. */
  readonly offset?: number;
}

/** Body of every refusal over HTTP. `error` is the reason phrase of `statusCode`. */
export interface HttpErrorBody {
  readonly error: string;
  readonly message: string;
  readonly statusCode: number;
  readonly errors?: readonly EventFault[];
}
