/** A user's newest alerts, folded from their events: the code that the server's view and clients share. */
import type { AlertTriggered } from "./schema.ts";

export interface Alert extends Pick<AlertTriggered, "alertId" | "level" | "message"> {
  /** ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string;
}

/** Invariant: each id once, the newest last, at most {@link MAX_ALERTS}. */
export interface Alerts {
  readonly alerts: readonly Alert[];
}

/** Older ones are history. */
export const MAX_ALERTS = 100;

/** What stands in an alert for its user, of all that was published. */
export function shownAlert({ userId, alertId, level, message }: AlertTriggered): AlertTriggered {
  return { userId, alertId, level, message };
}

/** An alert that is triggered again takes the place of its earlier one, as the newest. `time` is RFC 3339. */
export function foldAlerts(state: Alerts | undefined, { alertId, level, message }: AlertTriggered, time: string): Alerts {
  const others = state?.alerts.filter((each) => each.alertId !== alertId) ?? [];
  return { alerts: [...others, { alertId, level, message, timestamp: new Date(time).toISOString() }].slice(-MAX_ALERTS) };
}
