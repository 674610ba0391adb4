/** The wallet: balances as they stand and the newest transactions, told over the money feed. */
import { type ReactElement, useState } from "react";
import type { TransactionFilters } from "@broadtape/protocol/products/transactions/filters";
import { Balances } from "./balances.tsx";
import { FilterForm } from "./filter-form.tsx";
import { Freshness, useFeedStatus } from "./freshness.tsx";
import type { MoneyFeeds } from "./money-feeds.ts";
import { Transactions } from "./transactions.tsx";
import styles from "./wallet.module.css";

const NO_FILTERS: TransactionFilters = {};

export function WalletPanel({ feeds, userId }: { readonly feeds: MoneyFeeds; readonly userId: string }): ReactElement {
  const { wallet, unseen } = feeds;
  const [filters, setFilters] = useState(NO_FILTERS);
  const isStale = useFeedStatus(wallet).state !== "live";
  return (
    <section aria-labelledby="wallet" className={styles.panel} data-stale={isStale}>
      <header className={styles.top}>
        <h2 id="wallet">Wallet</h2>
        <Freshness client={wallet} name="Wallet feed" />
      </header>
      <Balances client={wallet} userId={userId} />
      <FilterForm client={wallet} onApplied={setFilters} />
      <Transactions client={wallet} unseen={unseen} filters={filters} />
    </section>
  );
}
