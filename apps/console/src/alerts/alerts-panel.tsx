/** What the user is to be told at once: fraud alerts, one after the other, and the desk's own alerts, newest first. */
import { type ReactElement, useSyncExternalStore } from "react";
import type { Alert, Alerts } from "@broadtape/protocol/products/alerts/alerts";
import { useTopic } from "@broadtape/react";
import { useDesk } from "../desk/desk-context.ts";
import { Panel } from "../dock/panel.tsx";
import { clockTime } from "../wallet/clock-time.ts";
import { keyOf } from "./acknowledged.ts";
import { FraudAlerts } from "./fraud-alerts.tsx";
import styles from "./alerts.module.css";

const NONE: readonly Alert[] = [];

export function AlertsPanel(): ReactElement {
  const { acknowledged, freshness, money } = useDesk();
  const keys = useSyncExternalStore(acknowledged.keys.subscribe, acknowledged.keys.get);
  // Folded by ALERT_FOLDS.
  const state = useTopic("alerts:me") as Alerts | null | undefined;
  const alerts = [...(state?.alerts ?? NONE)].reverse();
  const waiting = alerts.filter((alert) => !keys.has(keyOf(alert))).length;
  return (
    <Panel
      name="Alerts"
      freshness={freshness.alerts}
      footer={
        <span data-field="waiting">
          {waiting} of {alerts.length} not acknowledged
        </span>
      }
    >
      <FraudAlerts feeds={money} />
      <ul className={styles.list} aria-label="Desk alerts">
        {alerts.map((alert) => (
          <AlertLine
            key={keyOf(alert)}
            alert={alert}
            onAcknowledge={keys.has(keyOf(alert)) ? undefined : () => acknowledged.acknowledge(alert)}
          />
        ))}
      </ul>
      {alerts.length === 0 && <p className={styles.none}>{state === undefined ? "Loading the alerts…" : "No alerts."}</p>}
    </Panel>
  );
}

const MARKS: Readonly<Record<Alert["level"], readonly [mark: string, word: string]>> = {
  info: ["i", "Info"],
  warning: ["!", "Warning"],
  error: ["‼", "Error"],
};

interface LineProperties {
  readonly alert: Alert;
  /** Undefined where it was acknowledged. */
  readonly onAcknowledge: (() => void) | undefined;
}

function AlertLine({ alert, onAcknowledge }: LineProperties): ReactElement {
  const { alertId, level, message, timestamp } = alert;
  const [mark, word] = MARKS[level];
  return (
    <li data-alert={alertId} data-level={level} data-acknowledged={onAcknowledge === undefined}>
      <span className={styles.mark} aria-hidden="true">
        {mark}
      </span>
      <span className={styles.time}>{clockTime(timestamp)}</span>
      <span className={styles.message} title={message}>
        <span className={styles.spoken}>{word}: </span>
        {message}
      </span>
      {onAcknowledge === undefined ? (
        <span className={styles.done}>acknowledged</span>
      ) : (
        <button type="button" onClick={onAcknowledge} data-shortcut="acknowledge">
          Acknowledge
        </button>
      )}
    </li>
  );
}
