/** One quote of the ladder. */
import type { ReactElement } from "react";
import { PriceText } from "./price-text.tsx";
import type { Move, PriceSide, QuoteMoves } from "./quote-moves.ts";
import type { Decimal, Quote } from "./rfq-types.ts";
import styles from "./quotes.module.css";

interface Properties {
  readonly quote: Quote;
  readonly moves: QuoteMoves;
  readonly fraction: number;
  /** Undefined where the quote cannot be accepted. */
  readonly onAccept: (() => void) | undefined;
}

export function QuoteRow({ quote, moves, fraction, onAccept }: Properties): ReactElement {
  const { id, lpId, lpName, ranking, status } = quote;
  const price = (side: PriceSide, value: Decimal | undefined, isBest: boolean) => (
    <PriceCell side={side} value={value} isBest={isBest} move={moves.of(lpId, side)} fraction={fraction} />
  );
  return (
    <tr data-quote={id} data-status={status}>
      <td className={styles.ranking} data-field="ranking">
        {ranking}
      </td>
      <th scope="row" className={styles.name} title={lpName}>
        {lpName}
      </th>
      {price("bid", quote.bidPrice, quote.isBestBid)}
      {price("ask", quote.askPrice, quote.isBestAsk)}
      <td className={styles.status} data-field="status">
        {status}
      </td>
      <td>
        <button
          type="button"
          className={styles.accept}
          aria-label={`Accept ${lpName}`}
          disabled={onAccept === undefined}
          onClick={onAccept}
        >
          Accept
        </button>
      </td>
    </tr>
  );
}

interface CellProperties {
  readonly side: PriceSide;
  readonly value: Decimal | undefined;
  readonly isBest: boolean;
  readonly move: Move;
  readonly fraction: number;
}

const ARROWS: Readonly<Record<Move, string>> = { up: "▲", down: "▼", same: "" };

function PriceCell({ side, value, isBest, move, fraction }: CellProperties): ReactElement {
  return (
    <td className={styles.price} data-best={isBest} data-move={move}>
      <span className={styles.best}>{isBest && <abbr title={`best ${side}`}>best</abbr>}</span>
      <span key={value?.toString()} className={styles.flash}>
        <PriceText value={value} fraction={fraction} name={side} />
      </span>
      <span className={styles.arrow} aria-hidden="true">
        {ARROWS[move]}
      </span>
      {move !== "same" && <span className={styles.spoken}>{move}</span>}
    </td>
  );
}
