/** The live price grid: each row is drawn anew by itself. */
import { type ReactElement, useCallback, useSyncExternalStore } from "react";
import { useConnection } from "@broadtape/react";
import { useDesk } from "../desk/desk-context.ts";
import { Panel } from "../dock/panel.tsx";
import { useNow } from "../use-now.ts";
import { PriceRow } from "./price-row.tsx";
import styles from "./watchlist.module.css";

export function WatchlistPanel(): ReactElement {
  const { trails, symbolList, freshness } = useDesk();
  const symbols = useSyncExternalStore(symbolList.symbols.subscribe, symbolList.symbols.get);
  const selected = useSyncExternalStore(symbolList.selected.subscribe, symbolList.selected.get);
  const { state } = useConnection();
  const now = useNow(TICK_MS);
  const select = useCallback((symbol: string) => void symbolList.select(symbol), [symbolList]);
  const remove = useCallback((symbol: string) => symbolList.remove(symbol), [symbolList]);
  return (
    <Panel name="Watchlist" freshness={freshness.watchlist}>
      <table className={styles.grid}>
        <Head />
        <tbody>
          {symbols.map((symbol, index) => (
            <PriceRow
              key={symbol}
              symbol={symbol}
              trails={trails}
              now={secondOf(now, index)}
              isCut={state !== "live"}
              isSelected={symbol === selected}
              onSelect={select}
              onRemove={remove}
            />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

const TICK_MS = 100;

/**
 * The end of the second that runs, a little apart from row to row: not all are drawn anew in one frame. No earlier than
 * now, so that no price is shown younger than it is.
 */
function secondOf(now: number, index: number): number {
  const phase = (index % 10) * TICK_MS;
  return Math.ceil((now - phase) / 1000) * 1000 + phase;
}

function Head(): ReactElement {
  return (
    <thead>
      <tr>
        <th scope="col" className={styles.symbol}>
          Symbol
        </th>
        <th scope="col" className={styles.price}>
          Bid
        </th>
        <th scope="col" className={styles.price}>
          Ask
        </th>
        <th scope="col" className={styles.number}>
          <abbr title="Spread in basis points">Bps</abbr>
        </th>
        <th scope="col" className={styles.source}>
          Sources
        </th>
        <th scope="col" className={styles.line}>
          Last minute
        </th>
        <th scope="col" className={styles.age}>
          Age
        </th>
        <th scope="col" className={styles.remove}>
          <span className={styles.spoken}>Remove</span>
        </th>
      </tr>
    </thead>
  );
}
