/** Fraud alerts, one after the other, each until somebody acknowledges it. */
import { type ReactElement, useEffect, useRef, useSyncExternalStore } from "react";
import { FraudBanner } from "./fraud-banner.tsx";
import { freshnessOf, useFeedStatus } from "./freshness.tsx";
import type { MoneyFeeds } from "./money-feeds.ts";
import styles from "./alerts.module.css";

export function Alerts({ feeds: { alerts, queue } }: { readonly feeds: Pick<MoneyFeeds, "alerts" | "queue"> }): ReactElement {
  const waiting = useSyncExternalStore(queue.waiting.subscribe, queue.waiting.get);
  const status = useFeedStatus(alerts);
  const region = useRef<HTMLElement>(null);
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
    <section ref={region} className={styles.region} aria-label="Alerts" tabIndex={-1}>
      {status.state !== "live" && status.state !== "connecting" && (
        <p className={styles.freshness} role="status" aria-label="Alert feed">
          Alerts: {freshnessOf(status)}
        </p>
      )}
      {first !== undefined && <FraudBanner key={firstId} message={first.message} behind={waiting.length - 1} onAcknowledge={acknowledge} />}
      <p role="alert" className={styles.spoken}>
        {first !== undefined && `Fraud alert: ${first.message.alert.reason}`}
      </p>
    </section>
  );
}
