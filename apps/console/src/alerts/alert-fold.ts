/** A user's alerts, folded by the server's own code. */
import { type Folds } from "@broadtape/client";
import { type Alerts, foldAlerts } from "@broadtape/protocol/products/alerts/alerts";
import type { AlertTriggered } from "@broadtape/protocol/products/alerts/schema";

/** For the page's tape. */
export const ALERT_FOLDS: Folds = {
  alerts: (state, { event, data, time }) =>
    event === "alert.triggered" ? foldAlerts(state as Alerts | undefined, data as AlertTriggered, time) : state,
};
