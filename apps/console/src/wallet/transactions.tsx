/** The newest transactions, newest first. */
import { type ReactElement, useMemo, useSyncExternalStore } from "react";
import type { TransactionFeedClient } from "@broadtape/client/transactions";
import { type TransactionFilters, compileTransactionFilters } from "@broadtape/protocol/products/transactions/filters";
import { useTransactions } from "@broadtape/react";
import { digitsOf, fractionOf } from "../rfq/digits.ts";
import { MAX_SHOWN } from "./money-feeds.ts";
import { TransactionRow } from "./transaction-row.tsx";
import type { Unseen } from "./unseen.ts";
import styles from "./wallet.module.css";

interface Properties {
  readonly client: TransactionFeedClient;
  readonly unseen: Unseen;
  /** What the server sends by: what came before, and would not come now, is not shown beside it. */
  readonly filters: TransactionFilters;
}

export function Transactions({ client, unseen, filters }: Properties): ReactElement {
  const all = useTransactions(client);
  const waiting = useSyncExternalStore(unseen.ids.subscribe, unseen.ids.get);
  const fits = useMemo(() => compileTransactionFilters(filters), [filters]);
  const shown = useMemo(() => all.filter(({ transaction }) => fits(transaction)).slice(0, MAX_SHOWN), [all, fits]);
  const fraction = Math.max(0, ...shown.map(({ transaction: { amount } }) => fractionOf(digitsOf(amount))));
  return (
    <div className={styles.feed} role="region" aria-label="Transactions" tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col" className={styles.time}>
              Time
            </th>
            <th scope="col">Counterparty</th>
            <th scope="col" className={styles.type}>
              Type
            </th>
            <th scope="col" className={styles.amount}>
              Amount
            </th>
            <th scope="col" className={styles.status}>
              Status
            </th>
            <th scope="col" className={styles.marks}>
              Delivery
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((message) => (
            <TransactionRow
              key={message.transaction.id}
              message={message}
              fraction={fraction}
              isWaiting={waiting.has(message.transaction.id)}
              onSeen={unseen.see}
            />
          ))}
        </tbody>
      </table>
      {shown.length === 0 && <p className={styles.none}>No transaction since this page was opened.</p>}
    </div>
  );
}
