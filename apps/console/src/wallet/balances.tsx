/** Each currency's balance, digit for digit as it was published, the points one below the other. */
import type { ReactElement } from "react";
import type { FeedBalance, TransactionFeedClient } from "@broadtape/client/transactions";
import { useBalances, useTopic } from "@broadtape/react";
import { digitsOf, fractionOf, grouped } from "../rfq/digits.ts";
import { PriceText } from "../rfq/price-text.tsx";
import { clockTime } from "./clock-time.ts";
import { statusIn } from "./standing.ts";
import styles from "./wallet.module.css";

const AMOUNTS = [
  ["availableBalance", "Available"],
  ["ledgerBalance", "Ledger"],
  ["pendingAmount", "Pending"],
  ["lockedAmount", "Locked"],
] as const;

export function Balances({ client }: { readonly client: TransactionFeedClient }): ReactElement {
  const balances = useBalances(client);
  const wallets = useTopic("wallets:me");
  return (
    <div className={styles.balances} role="region" aria-label="Balances" tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Currency</th>
            {AMOUNTS.map(([name, title]) => (
              <th key={name} scope="col" className={styles.number}>
                {title}
              </th>
            ))}
            <th scope="col" className={styles.asOf}>
              As of
            </th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {balances.map((balance) => {
            const { currency, timestamp, status = statusIn(wallets, currency) } = balance;
            return (
              <tr key={currency} data-currency={currency} data-frozen={status === "FROZEN"}>
                <th scope="row">{currency}</th>
                {AMOUNTS.map(([name]) => (
                  <td key={name} className={styles.number}>
                    <PriceText value={balance[name]} fraction={widest(balances, name)} name={name} write={grouped} />
                  </td>
                ))}
                <td className={`${styles.quiet} ${styles.asOf}`}>{clockTime(timestamp)}</td>
                <td>{status === "FROZEN" ? <span className={styles.frozen}>❄ Frozen</span> : <Standing status={status} />}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {balances.length === 0 && <p className={styles.none}>No balance yet.</p>}
    </div>
  );
}

function Standing({ status }: { readonly status: string | undefined }): ReactElement {
  return <span className={styles.quiet}>{status?.toLowerCase() ?? ""}</span>;
}

/** The column's longest fraction. */
function widest(balances: readonly FeedBalance[], name: (typeof AMOUNTS)[number][0]): number {
  return Math.max(0, ...balances.map((balance) => fractionOf(digitsOf(balance[name]))));
}
