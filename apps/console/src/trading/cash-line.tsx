/** The trading account: what there is of each currency, and what of it is free. */
import type { ReactElement } from "react";
import type { FollowedBalances } from "@broadtape/client/trading";
import { useTopic } from "@broadtape/react";
import { grouped } from "../rfq/digits.ts";
import styles from "./trading.module.css";

export function CashLine(): ReactElement | null {
  // Folded by TRADING_FOLDS.
  const state = useTopic("balances:me") as FollowedBalances | null | undefined;
  if (state == null || state.balances.length === 0) return null;
  return (
    <dl className={styles.cash} aria-label="Balances">
      {state.balances.map(({ currency, total, available, locked }) => (
        <div key={currency} data-currency={currency}>
          <dt>{currency}</dt>
          <dd data-field="total">{grouped(total)}</dd>
          <dt>free</dt>
          <dd data-field="available">{grouped(available)}</dd>
          <dt>locked</dt>
          <dd data-field="locked">{grouped(locked)}</dd>
        </div>
      ))}
    </dl>
  );
}
