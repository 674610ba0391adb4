/** One symbol. A price that may be old looks old. */
import { type ReactElement, memo } from "react";
import type { Price } from "@broadtape/client";
import type { Direction, Trail } from "./price-trails.ts";
import { recentSources } from "./price-trails.ts";
import { Sparkline } from "./sparkline.tsx";
import styles from "./watchlist.module.css";

interface Properties {
  readonly symbol: string;
  readonly price: Price | undefined;
  /** Changes in place, and with it the price. */
  readonly trail: Trail | undefined;
  readonly now: number;
  /** The connection is not live: nothing shown is known to be current. */
  readonly isCut: boolean;
  readonly isSelected: boolean;
  readonly onSelect: (symbol: string) => void;
  readonly onRemove: (symbol: string) => void;
}

const STALE_MS = 30_000;

export const PriceRow = memo(function PriceRow(properties: Properties): ReactElement {
  const { symbol, price, trail, now, isCut, isSelected, onSelect, onRemove } = properties;
  const age = trail === undefined ? undefined : Math.max(0, now - trail.asOf);
  const isStale = isCut || age === undefined || age > STALE_MS;
  const decimals = trail?.decimals ?? 0;
  const isCrossed = (price?.spread ?? 0) < 0;
  return (
    <tr className={isStale ? styles.stale : undefined} data-symbol={symbol} data-stale={isStale} data-selected={isSelected}>
      <th scope="row" className={styles.symbol}>
        <button type="button" aria-pressed={isSelected} onClick={() => onSelect(symbol)}>
          {symbol}
        </button>
      </th>
      <PriceCell name="bid" value={price?.bestBid?.price} direction={trail?.bid} decimals={decimals} moves={trail?.bidMoves ?? 0} />
      <PriceCell name="ask" value={price?.bestAsk?.price} direction={trail?.ask} decimals={decimals} moves={trail?.askMoves ?? 0} />
      <td className={styles.number} data-field="spread" data-crossed={isCrossed}>
        {price?.spreadBps == null ? "–" : price.spreadBps.toFixed(2)}
        {isCrossed && <abbr title="crossed: the best bid is above the best ask">×</abbr>}
      </td>
      <SourceCell price={price} count={trail === undefined ? 0 : recentSources(trail, now).length} />
      <td className={styles.line}>
        <Sparkline points={trail?.points ?? NO_POINTS} now={now} />
      </td>
      <td className={styles.age} data-field="age">
        {age === undefined ? "–" : ageText(age)}
      </td>
      <td className={styles.remove}>
        <button type="button" aria-label={`Remove ${symbol}`} onClick={() => onRemove(symbol)}>
          ×
        </button>
      </td>
    </tr>
  );
});

const NO_POINTS: Trail["points"] = [];

/** Who has the best bid and the best ask, with what size where it is told, and how many were best in the last minute. */
function SourceCell({ price, count }: { readonly price: Price | undefined; readonly count: number }): ReactElement {
  const [bid, ask] = [price?.bestBid, price?.bestAsk].map((side) =>
    side == null ? "–" : side.size === undefined ? side.source : `${side.source} ${side.size}`,
  );
  return (
    <td className={styles.source} data-field="source" title={`best bid: ${bid}, best ask: ${ask}`}>
      <span>{bid === ask ? bid : `${bid} / ${ask}`}</span>
      {count > 1 && <abbr title={`${count} sources were best in the last minute`}>{count}</abbr>}
    </td>
  );
}

/** Whole seconds, rounded up: a price is never shown younger than it is. */
function ageText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  return seconds < 6000 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}

interface CellProperties {
  readonly name: string;
  readonly value: number | undefined;
  readonly direction: Direction | undefined;
  readonly decimals: number;
  readonly moves: number;
}

const ARROWS: Readonly<Record<Direction, string>> = { up: "▲", down: "▼", same: "" };

const PriceCell = memo(function PriceCell({ name, value, direction = "same", decimals, moves }: CellProperties): ReactElement {
  const text = value === undefined ? "–" : value.toFixed(decimals);
  // What moves most stands out, as on every dealing screen.
  const cut = decimals >= 4 ? text.length - 3 : text.length;
  return (
    <td className={styles.price} data-field={name} data-direction={direction} data-flash={moves === 0 ? undefined : moves % 2}>
      {text.slice(0, cut)}
      <b>{text.slice(cut)}</b>
      <span className={styles.arrow} aria-hidden="true">
        {ARROWS[direction]}
      </span>
    </td>
  );
});
