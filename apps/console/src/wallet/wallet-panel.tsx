/** The wallet: balances as they stand and the newest transactions, told over the money feed. */
import { type ReactElement, useState } from "react";
import type { TransactionFilters } from "@broadtape/protocol/products/transactions/filters";
import { useDesk } from "../desk/desk-context.ts";
import { Panel } from "../dock/panel.tsx";
import { Balances } from "./balances.tsx";
import { FilterForm } from "./filter-form.tsx";
import { Transactions } from "./transactions.tsx";

const NO_FILTERS: TransactionFilters = {};

export function WalletPanel(): ReactElement {
  const { money, freshness } = useDesk();
  const { wallet, unseen } = money;
  const [filters, setFilters] = useState(NO_FILTERS);
  return (
    <Panel name="Wallet" freshness={freshness.wallet} isFixed>
      <Balances client={wallet} />
      <FilterForm client={wallet} onApplied={setFilters} />
      <Transactions client={wallet} unseen={unseen} filters={filters} />
    </Panel>
  );
}
