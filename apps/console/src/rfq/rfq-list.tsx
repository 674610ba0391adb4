/** The trader's RFQs, newest first. */
import type { ReactElement } from "react";
import type { useTraderRfqs } from "@broadtape/react";
import { digitsOf, grouped } from "./digits.ts";
import styles from "./rfq.module.css";

interface Properties {
  readonly rfqs: ReturnType<typeof useTraderRfqs>;
  readonly selectedId: string | undefined;
  readonly onSelect: (rfqId: string) => void;
}

/** What the eye takes in; the ladder and history have the rest. */
const MAX_SHOWN = 50;

export function RfqList({ rfqs, selectedId, onSelect }: Properties): ReactElement {
  if (rfqs.length === 0) return <p className={styles.none}>No RFQs yet.</p>;
  return (
    <ul className={styles.list} aria-label="My RFQs">
      {rfqs
        .slice(-MAX_SHOWN)
        .reverse()
        .map(({ id, status, symbol, side, quantity }) => (
          <li key={id}>
            <button type="button" data-rfq={id} data-status={status} aria-current={id === selectedId} onClick={() => onSelect(id)}>
              <b>{symbol}</b>
              <span>{side}</span>
              <span className={styles.quantity}>{grouped(digitsOf(quantity))}</span>
              <span className={styles.state}>{status}</span>
            </button>
          </li>
        ))}
    </ul>
  );
}
