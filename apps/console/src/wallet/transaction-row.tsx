/** A transaction as last told. */
import { type ReactElement, memo, useRef } from "react";
import type { TransactionMessage } from "@broadtape/client/transactions";
import { grouped } from "../rfq/digits.ts";
import { PriceText } from "../rfq/price-text.tsx";
import { clockTime } from "./clock-time.ts";
import { type Direction, directionOf } from "./direction.ts";
import { useSeen } from "./use-seen.ts";
import styles from "./wallet.module.css";

interface Properties {
  readonly message: TransactionMessage;
  /** The column's longest fraction. */
  readonly fraction: number;
  readonly isWaiting: boolean;
  readonly onSeen: (transactionId: string) => void;
}

const SIGNS: Readonly<Record<Direction, readonly [sign: string, word: string]>> = {
  in: ["+", "in"],
  out: ["−", "out"],
  unknown: ["", ""],
};

export const TransactionRow = memo(function TransactionRow({ message, fraction, isWaiting, onSeen }: Properties): ReactElement {
  const { eventId, timestamp, attempt, transaction } = message;
  const { id, amount, currency, type, status, counterpartyName, counterpartyPhone, description } = transaction;
  const direction = directionOf(type);
  const [sign, word] = SIGNS[direction];
  const row = useRef<HTMLTableRowElement>(null);
  useSeen(row, isWaiting ? eventId : undefined, () => onSeen(id));
  return (
    <tr ref={row} data-transaction={id} data-status={status} data-direction={direction}>
      <td className={styles.quiet}>{clockTime(timestamp)}</td>
      <td>
        <span className={styles.name}>{counterpartyName ?? counterpartyPhone ?? "–"}</span>
        {description != null && <span className={styles.detail}>{description}</span>}
      </td>
      <td className={`${styles.quiet} ${styles.type}`}>{wordsOf(type)}</td>
      <td className={styles.amount}>
        <span className={styles.sign} aria-hidden="true">
          {sign}
        </span>
        <PriceText value={amount} fraction={fraction} name="amount" write={grouped} /> <span data-field="currency">{currency}</span>
        <span className={styles.detail} data-field="direction">
          {word}
        </span>
      </td>
      <td data-field="status">{wordsOf(status)}</td>
      <td className={styles.marks}>
        {isWaiting && (
          <span data-mark="waiting" title="not acknowledged yet">
            new
          </span>
        )}
        {attempt !== undefined && (
          <span data-mark="redelivered" title="redelivered">
            again ({attempt})
          </span>
        )}
      </td>
    </tr>
  );
});

/** `TRANSFER_OUT` as `transfer out`. */
function wordsOf(code: string): string {
  return code.toLowerCase().replaceAll("_", " ");
}
