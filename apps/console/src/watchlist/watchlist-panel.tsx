/** The live price grid. One repaint a frame for all symbols together. */
import { type ReactElement, useCallback, useSyncExternalStore } from "react";
import { useConnection, useMarketData } from "@broadtape/react";
import { useDesk } from "../desk/desk-context.ts";
import { Panel } from "../dock/panel.tsx";
import { useNow } from "../use-now.ts";
import { PriceRow } from "./price-row.tsx";
import styles from "./watchlist.module.css";

export function WatchlistPanel(): ReactElement {
  const { prices, trails, symbolList, freshness } = useDesk();
  const symbols = useSyncExternalStore(symbolList.symbols.subscribe, symbolList.symbols.get);
  const selected = useSyncExternalStore(symbolList.selected.subscribe, symbolList.selected.get);
  const known = useMarketData(prices, symbols);
  const { state } = useConnection();
  const now = useNow(1000);
  const select = useCallback((symbol: string) => void symbolList.select(symbol), [symbolList]);
  const remove = useCallback((symbol: string) => symbolList.remove(symbol), [symbolList]);
  return (
    <Panel name="Watchlist" freshness={freshness.watchlist}>
      <table className={styles.grid}>
        <Head />
        <tbody>
          {symbols.map((symbol) => (
            <PriceRow
              key={symbol}
              symbol={symbol}
              price={known.get(symbol)}
              trail={trails.of(symbol)}
              now={now}
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
