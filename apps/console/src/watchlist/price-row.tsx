/** One symbol. A price that may be old looks old. */
import { type ReactElement, memo, useCallback, useEffect, useRef, useSyncExternalStore } from "react";
import { flash } from "./flash.ts";
import { type Direction, type PriceTrails, type Trail, recentSources } from "./price-trails.ts";
import { Sparkline } from "./sparkline.tsx";
import styles from "./watchlist.module.css";

interface Properties {
  readonly symbol: string;
  readonly trails: PriceTrails;
  /** Moves on by the second. */
  readonly now: number;
  /** The connection is not live: nothing shown is known to be current. */
  readonly isCut: boolean;
  readonly isSelected: boolean;
  readonly onSelect: (symbol: string) => void;
  readonly onRemove: (symbol: string) => void;
}

const STALE_MS = 30_000;

/** Drawn anew when its own price changes, whatever others do. */
export const PriceRow = memo(function PriceRow(properties: Properties): ReactElement {
  const { symbol, trails, now, isCut, isSelected, onSelect, onRemove } = properties;
  const price = useSyncExternalStore(
    useCallback((listener: () => void) => trails.watch(symbol, listener), [trails, symbol]),
    () => trails.priceOf(symbol),
  );
  // Changes in place, and with it the price.
  const trail = trails.of(symbol);
  const age = trail === undefined ? undefined : Math.max(0, now - trail.asOf);
  const isStale = isCut || age === undefined || age > STALE_MS;
  const decimals = trail?.decimals ?? 0;
  const [bid, ask] = [price?.bestBid, price?.bestAsk].map((side) =>
    side == null ? "–" : side.size === undefined ? side.source : `${side.source} ${side.size}`,
  );
  return (
    <tr className={isStale ? styles.stale : undefined} data-symbol={symbol} data-stale={isStale} data-selected={isSelected}>
      <SymbolCell symbol={symbol} isSelected={isSelected} onSelect={onSelect} />
      <PriceCell name="bid" value={price?.bestBid?.price} direction={trail?.bid} decimals={decimals} moves={trail?.bidMoves ?? 0} />
      <PriceCell name="ask" value={price?.bestAsk?.price} direction={trail?.ask} decimals={decimals} moves={trail?.askMoves ?? 0} />
      <SpreadCell bps={price?.spreadBps?.toFixed(2) ?? "–"} isCrossed={(price?.spread ?? 0) < 0} />
      <SourceCell bid={bid ?? "–"} ask={ask ?? "–"} count={trail === undefined ? 0 : recentSources(trail, now).length} />
      <TimeCells points={trail?.points ?? NO_POINTS} now={now} age={age === undefined ? "–" : ageText(age)} />
      <RemoveCell symbol={symbol} onRemove={onRemove} />
    </tr>
  );
});

const SymbolCell = memo(function SymbolCell({ symbol, isSelected, onSelect }: Pick<Properties, "symbol" | "isSelected" | "onSelect">) {
  return (
    <th scope="row" className={styles.symbol}>
      <button type="button" aria-pressed={isSelected} onClick={() => onSelect(symbol)}>
        {symbol}
      </button>
    </th>
  );
});

const RemoveCell = memo(function RemoveCell({ symbol, onRemove }: Pick<Properties, "symbol" | "onRemove">) {
  return (
    <td className={styles.remove}>
      <button type="button" aria-label={`Remove ${symbol}`} onClick={() => onRemove(symbol)}>
        ×
      </button>
    </td>
  );
});

interface SpreadProperties {
  readonly bps: string;
  readonly isCrossed: boolean;
}

const SpreadCell = memo(function SpreadCell({ bps, isCrossed }: SpreadProperties) {
  return (
    <td className={styles.number} data-field="spread" data-crossed={isCrossed}>
      <div className={styles.figure}>
        {bps}
        {isCrossed && <abbr title="crossed: the best bid is above the best ask">×</abbr>}
      </div>
    </td>
  );
});

interface TimeProperties {
  /** Grow in place. */
  readonly points: Trail["points"];
  readonly now: number;
  readonly age: string;
}

const TimeCells = memo(function TimeCells({ points, now, age }: TimeProperties) {
  return (
    <>
      <td className={styles.line}>
        <Sparkline points={points} now={now} />
      </td>
      <td className={styles.age} data-field="age">
        {age}
      </td>
    </>
  );
});

interface SourceProperties {
  readonly bid: string;
  readonly ask: string;
  readonly count: number;
}

/** Who has the best bid and the best ask, with what size where it is told, and how many were best in the last minute. */
const SourceCell = memo(function SourceCell({ bid, ask, count }: SourceProperties) {
  return (
    <td className={styles.source} data-field="source" title={`best bid: ${bid}, best ask: ${ask}`}>
      <span>{bid === ask ? bid : `${bid} / ${ask}`}</span>
      {count > 1 && <abbr title={`${count} sources were best in the last minute`}>{count}</abbr>}
    </td>
  );
});

const NO_POINTS: Trail["points"] = [];

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
  const box = useRef<HTMLDivElement>(null);
  const shown = useRef(moves);
  useEffect(() => {
    if (shown.current !== moves && box.current !== null) flash(box.current);
    shown.current = moves;
  }, [moves]);
  return (
    <td className={styles.price} data-field={name} data-direction={direction}>
      <div ref={box} className={styles.figure}>
        {text.slice(0, cut)}
        <b>{text.slice(cut)}</b>
        <span className={styles.arrow} aria-hidden="true">
          {ARROWS[direction]}
        </span>
      </div>
    </td>
  );
});
