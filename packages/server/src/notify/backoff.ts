/** When a try that failed is repeated. */
import type { NotifyError } from "./notifier.ts";

export interface Backoff {
  /** All of them, the first included. */
  readonly tries: number;
  /** Doubles from try to try. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** A receiver that wants to be left alone for longer is not tried again. */
  readonly longestRetryAfterMs: number;
}

/**
 * How long to wait after the `tries`th failed try; undefined: there is no next one. Half of the delay is random, so that what
 * failed together does not come back together; what the receiver asked for is the least.
 */
export function retryDelayMs(error: NotifyError, tries: number, limits: Backoff, random: () => number): number | undefined {
  const asked = error.retryAfterMs ?? 0;
  if (error.code === "permanent" || tries >= limits.tries || asked > limits.longestRetryAfterMs) return undefined;
  const delay = Math.min(limits.firstDelayMs * 2 ** (tries - 1), limits.longestDelayMs);
  return Math.max(asked, Math.round(delay * (0.5 + random() / 2)));
}
