/** How many alerts wait, wherever their panel lies; a new one is spoken. */
import { type ReactElement, useSyncExternalStore } from "react";
import type { Alerts } from "@broadtape/protocol/products/alerts/alerts";
import { useTopic } from "@broadtape/react";
import styles from "../app.module.css";
import { useDesk } from "../desk/desk-context.ts";
import { keyOf } from "./acknowledged.ts";

export function AlertBell({ onShow }: { readonly onShow: () => void }): ReactElement {
  const { acknowledged, money } = useDesk();
  const keys = useSyncExternalStore(acknowledged.keys.subscribe, acknowledged.keys.get);
  const fraud = useSyncExternalStore(money.queue.waiting.subscribe, money.queue.waiting.get);
  // Folded by ALERT_FOLDS.
  const state = useTopic("alerts:me") as Alerts | null | undefined;
  const waiting = (state?.alerts ?? []).filter((alert) => !keys.has(keyOf(alert)));
  const [first] = fraud;
  const newest = waiting.at(-1);
  return (
    <>
      <button type="button" className={styles.bell} data-waiting={waiting.length + fraud.length > 0} onClick={onShow}>
        <span aria-hidden="true">⚠</span> {waiting.length + fraud.length} <span className={styles.spoken}>alerts wait</span>
      </button>
      <p role="alert" className={styles.spoken}>
        {first !== undefined ? `Fraud alert: ${first.message.alert.reason}` : newest !== undefined && `${newest.level}: ${newest.message}`}
      </p>
    </>
  );
}
