/** The live price grid. One repaint a frame for all symbols together. */
import type { ReactElement } from "react";
import type { MarketDataClient } from "@broadtape/client";
import { useConnection, useMarketData } from "@broadtape/react";
import styles from "./price-grid.module.css";
import { PriceRow } from "./price-row.tsx";
import type { PriceTrails } from "./price-trails.ts";
import { useNow } from "./use-now.ts";

interface Properties {
  readonly client: MarketDataClient;
  readonly symbols: readonly string[];
  readonly trails: PriceTrails;
}

export function PriceGrid({ client, symbols, trails }: Properties): ReactElement {
  const prices = useMarketData(client, symbols);
  const { state } = useConnection();
  const now = useNow(1000);
  return (
    <section aria-label="Watchlist" className={styles.panel}>
      <table className={styles.grid}>
        <thead>
          <tr>
            <th scope="col">Symbol</th>
            <th scope="col" className={styles.number}>
              Bid
            </th>
            <th scope="col" className={styles.number}>
              Ask
            </th>
            <th scope="col" className={styles.number}>
              Spread bps
            </th>
            <th scope="col">Source</th>
            <th scope="col">Last minute</th>
            <th scope="col" className={styles.number}>
              Age
            </th>
          </tr>
        </thead>
        <tbody>
          {symbols.map((symbol) => (
            <PriceRow
              key={symbol}
              symbol={symbol}
              price={prices.get(symbol)}
              trail={trails.of(symbol)}
              now={now}
              isCut={state !== "live"}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}
