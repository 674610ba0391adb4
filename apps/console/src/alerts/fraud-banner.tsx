/** One fraud alert. Not modal: nothing on the page stops for it, it stays until it is acknowledged. */
import type { ReactElement } from "react";
import { clockTime } from "../wallet/clock-time.ts";
import type { FraudMessage } from "./alert-queue.ts";
import styles from "./alerts.module.css";

interface Properties {
  readonly message: FraudMessage;
  /** How many more wait. */
  readonly behind: number;
  readonly onAcknowledge: () => void;
}

const ACTIONS: Readonly<Record<FraudMessage["alert"]["action"], string>> = {
  BLOCK: "Blocked",
  REVIEW: "Held for review",
  ALLOWED: "Allowed after review",
};

export function FraudBanner({ message, behind, onAcknowledge }: Properties): ReactElement {
  const { eventId, timestamp, attempt, alert } = message;
  return (
    <div
      className={styles.banner}
      role="alertdialog"
      aria-labelledby="fraud-title"
      aria-describedby="fraud-reason"
      tabIndex={-1}
      data-event={eventId}
      data-action={alert.action}
    >
      <div className={styles.what}>
        <h2 id="fraud-title">
          <span aria-hidden="true">⚠ </span>Fraud alert: <b data-field="action">{ACTIONS[alert.action]}</b>
        </h2>
        <p id="fraud-reason" data-field="reason">
          {alert.reason}
        </p>
      </div>
      <dl className={styles.facts}>
        <Fact name="Transaction" field="transaction" value={alert.transactionId} />
        <Fact name="Risk score" field="score" value={alert.riskScore.toString()} />
        <Fact name="Details" field="details" value={detailsOf(alert.details)} />
        <Fact name="Time" field="time" value={clockTime(timestamp)} />
      </dl>
      <div className={styles.answer}>
        <button type="button" onClick={onAcknowledge} data-shortcut="acknowledge">
          Acknowledge
        </button>
        <p>
          {attempt !== undefined && <span data-mark="redelivered">redelivered (attempt {attempt})</span>}
          {behind > 0 && <span data-field="behind">{behind} more waiting</span>}
        </p>
      </div>
    </div>
  );
}

function Fact({ name, field, value }: { readonly name: string; readonly field: string; readonly value: string }): ReactElement {
  return (
    <div data-field={field}>
      <dt>{name}</dt>
      <dd title={value}>{value}</dd>
    </div>
  );
}

/** Free text, or whatever the publisher put in: its plain values. */
export function detailsOf(details: FraudMessage["alert"]["details"]): string {
  if (typeof details === "string") return details;
  const values = Object.values(details ?? {}).filter((value) => typeof value === "string" || typeof value === "number");
  return values.length === 0 ? "–" : values.join(" · ");
}
