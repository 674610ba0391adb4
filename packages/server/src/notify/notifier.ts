/** The notifier port: how a user is told of an event that no device of theirs acknowledged (contract 30-transactions "Fallback"). */

/** One event to tell one user of. */
export interface Notice {
  /** Names the event in all tenants, so that a receiver can tell a repetition: visible ASCII, such as the event id. */
  readonly idempotencyKey: string;
  readonly tenant: string;
  readonly userId: string;
  readonly eventId: string;
  /** `fraud.alert` */
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  /** The alert as JSON text, digits as published. */
  readonly alert: string;
}

export interface Notifier {
  readonly kind: "webhook" | "smtp";
  /**
   * Tries once. Fulfils when the other side has taken the notice; otherwise rejects with a {@link NotifyError}, soon after
   * `signal` is aborted at the latest.
   */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
}

export interface NotifyErrorDetails {
  /** The other side may have taken the notice though it did not say so. */
  readonly mayHaveArrived?: boolean;
  /** How long the other side asks to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

/** The message is kept and shown to operators: it holds no secret and nothing that the other side wrote. */
export class NotifyError extends Error {
  override readonly name = "NotifyError";
  /** `passing`: another try may succeed and does no harm. */
  readonly code: "permanent" | "passing";
  readonly mayHaveArrived: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: "permanent" | "passing", message: string, { mayHaveArrived = false, retryAfterMs }: NotifyErrorDetails = {}) {
    super(message);
    this.code = code;
    this.mayHaveArrived = mayHaveArrived;
    this.retryAfterMs = retryAfterMs;
  }
}
