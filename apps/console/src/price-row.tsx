/** One symbol. A price that may be old looks old. */
import type { ReactElement } from "react";
import type { Price } from "@broadtape/client";
import styles from "./price-grid.module.css";
import type { Direction, Trail } from "./price-trails.ts";
import { Sparkline } from "./sparkline.tsx";

interface Properties {
  readonly symbol: string;
  readonly price: Price | undefined;
  readonly trail: Trail | undefined;
  readonly now: number;
  /** The connection is not live: nothing shown is known to be current. */
  readonly isCut: boolean;
}

const STALE_MS = 30_000;

export function PriceRow({ symbol, price, trail, now, isCut }: Properties): ReactElement {
  const age = trail === undefined ? undefined : Math.max(0, now - trail.heardAt);
  const isStale = isCut || age === undefined || age > STALE_MS;
  const decimals = trail?.decimals ?? 0;
  const sources = [...new Set([price?.bestBid?.source, price?.bestAsk?.source].filter((source) => source !== undefined))].join(" / ");
  return (
    <tr className={isStale ? styles.stale : undefined} data-symbol={symbol} data-stale={isStale}>
      <th scope="row" className={styles.symbol}>
        {symbol}
      </th>
      <PriceCell value={price?.bestBid?.price} direction={trail?.bid} decimals={decimals} eventId={price?.eventId} name="bid" />
      <PriceCell value={price?.bestAsk?.price} direction={trail?.ask} decimals={decimals} eventId={price?.eventId} name="ask" />
      <td className={styles.number} data-field="spread">
        {price?.spreadBps == null ? "–" : price.spreadBps.toFixed(2)}
        {(price?.spread ?? 0) < 0 && <span className={styles.crossed}>crossed</span>}
      </td>
      <td className={styles.source} data-field="source">
        {sources === "" ? "–" : sources}
      </td>
      <td>
        <Sparkline points={trail?.points ?? []} now={now} />
      </td>
      <td className={styles.number}>{age === undefined ? "–" : `${Math.floor(age / 1000)} s`}</td>
    </tr>
  );
}

interface CellProperties {
  readonly value: number | undefined;
  readonly direction: Direction | undefined;
  readonly decimals: number;
  readonly eventId: string | undefined;
  readonly name: string;
}

const ARROWS: Readonly<Record<Direction, string>> = { up: "▲", down: "▼", same: "" };

function PriceCell({ value, direction = "same", decimals, eventId, name }: CellProperties): ReactElement {
  const text = value === undefined ? "–" : value.toFixed(decimals);
  // What moves most stands out, as on every dealing screen.
  const cut = decimals >= 4 ? text.length - 3 : text.length;
  return (
    <td className={styles.price} data-field={name} data-direction={direction}>
      <span key={eventId} className={styles.flash}>
        <span>{text.slice(0, cut)}</span>
        <b>{text.slice(cut)}</b>
      </span>
      <span className={styles.arrow} aria-hidden="true">
        {ARROWS[direction]}
      </span>
    </td>
  );
}
