/** How often a follower is told values: each key at most one time in so long, or all of them together. */
import type { Subscription } from "./topics.ts";

/** The least time between two values of a key, at so many a second; 0 without a limit. */
export function intervalOf(maxUpdatesPerSecond: number | undefined): number {
  return maxUpdatesPerSecond === undefined ? 0 : 1000 / maxUpdatesPerSecond;
}

/** When the next value of this key may be told, on the monotonic clock. */
export function dueAt({ minIntervalMs, window, sentAt }: Subscription, key: string): number {
  if (minIntervalMs === 0) return 0;
  return (window?.sentAt ?? sentAt.get(key) ?? -Infinity) + minIntervalMs;
}

/** A value of this key is told now: the next one waits. Only where there is a limit. */
export function noteTold(subscription: Subscription, key: string, now: number): void {
  if (subscription.window === undefined) subscription.sentAt.set(key, now);
  else subscription.window.sentAt = now;
}
