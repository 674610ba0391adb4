/** Fraud alerts, one after the other, each until somebody acknowledges it, which the server is told. */
import { type ReactElement, useEffect, useRef, useSyncExternalStore } from "react";
import type { ConnectionStatus } from "@broadtape/client";
import { clockTime } from "../wallet/clock-time.ts";
import type { MoneyFeeds } from "../wallet/money-feeds.ts";
import styles from "./alerts.module.css";
import { FraudBanner } from "./fraud-banner.tsx";

export function FraudAlerts({ feeds: { alerts, queue } }: { readonly feeds: Pick<MoneyFeeds, "alerts" | "queue"> }): ReactElement {
  const waiting = useSyncExternalStore(queue.waiting.subscribe, queue.waiting.get);
  const status = useSyncExternalStore(alerts.status.subscribe, alerts.status.get);
  const region = useRef<HTMLDivElement>(null);
  const [first] = waiting;
  const firstId = first?.message.eventId;

  // Who acknowledges by keyboard goes on from here; nobody else's focus is taken, as an alert comes while one types.
  const wasInside = useRef(false);
  useEffect(() => {
    if (!wasInside.current) return;
    wasInside.current = false;
    const dialog = region.current?.querySelector<HTMLElement>('[role="alertdialog"]');
    (dialog ?? region.current)?.focus();
  }, [firstId]);
  const acknowledge = () => {
    wasInside.current = true;
    first?.acknowledge();
  };

  return (
    <div ref={region} className={styles.fraud} role="group" aria-label="Fraud alerts" tabIndex={-1}>
      {status.state !== "live" && status.state !== "connecting" && (
        <p className={styles.freshness} role="status" aria-label="Alert feed">
          Fraud alerts: {cutOf(status)}
        </p>
      )}
      {first !== undefined && <FraudBanner key={firstId} message={first.message} behind={waiting.length - 1} onAcknowledge={acknowledge} />}
    </div>
  );
}

/** While it is cut, alerts may be missing. */
function cutOf({ state, staleSince, reason }: ConnectionStatus): string {
  const since = staleSince === undefined ? "" : ` since ${clockTime(staleSince)}`;
  if (state === "closed") return `stale${since} · ${reason === "REPLACED" ? "shown in another tab" : (reason ?? "closed")}`;
  return `${state === "resuming" ? "resuming · stale" : "stale"}${since}`;
}
