/** The quotes of an RFQ, best first; they stand still while somebody is about to choose. */
import { type FocusEvent, type ReactElement, useState } from "react";
import { digitsOf, fractionOf } from "./digits.ts";
import { inHeldOrder } from "./held-order.ts";
import type { QuoteMoves } from "./quote-moves.ts";
import { QuoteRow } from "./quote-row.tsx";
import type { Quote } from "./rfq-types.ts";
import styles from "./quotes.module.css";

interface Properties {
  readonly quotes: readonly Quote[];
  readonly moves: QuoteMoves;
  /** The RFQ runs: quotes come and go. */
  readonly isOpen: boolean;
  readonly canAccept: (quote: Quote) => boolean;
  readonly onAccept: (quoteId: string) => void;
}

export function QuoteLadder({ quotes, moves, isOpen, canAccept, onAccept }: Properties): ReactElement {
  const [held, setHeld] = useState<readonly string[]>();
  const isHeld = isOpen && held !== undefined;
  const rows = inHeldOrder(quotes, isHeld ? held : undefined);
  const fraction = Math.max(0, ...quotes.flatMap(({ bidPrice, askPrice }) => [bidPrice, askPrice].map(lengthOf)));
  const hold = () => setHeld((before) => before ?? quotes.map(({ id }) => id));
  const holdForKeyboard = ({ target, currentTarget }: FocusEvent) => {
    if (target !== currentTarget && target.matches(":focus-visible")) hold();
  };
  const release = () => setHeld(undefined);
  return (
    <>
      <div
        role="group"
        aria-label="Ladder"
        tabIndex={0}
        className={styles.scroll}
        onPointerEnter={hold}
        onPointerLeave={release}
        onFocus={holdForKeyboard}
        onBlur={release}
      >
        <table className={styles.ladder}>
          <LadderHead />
          <tbody>
            {rows.map((quote) => (
              <QuoteRow
                key={quote.id}
                quote={quote}
                moves={moves}
                fraction={fraction}
                onAccept={canAccept(quote) ? () => onAccept(quote.id) : undefined}
              />
            ))}
          </tbody>
        </table>
        {quotes.length === 0 && <p className={styles.empty}>{isOpen ? "Waiting for quotes…" : "No quotes came."}</p>}
      </div>
      <p className={styles.hint}>{isHeld ? "Rows keep their places while you choose; ranks and prices are live." : "\u00a0"}</p>
    </>
  );
}

function lengthOf(price: Quote["bidPrice"]): number {
  return price === undefined ? 0 : fractionOf(digitsOf(price));
}

function LadderHead(): ReactElement {
  return (
    <thead>
      <tr>
        <th scope="col" className={styles.ranking}>
          <abbr title="Rank">#</abbr>
        </th>
        <th scope="col">Provider</th>
        <th scope="col" className={styles.price}>
          Bid
        </th>
        <th scope="col" className={styles.price}>
          Ask
        </th>
        <th scope="col" className={styles.status}>
          Status
        </th>
        <th scope="col" className={styles.action}>
          <span className={styles.spoken}>Accept</span>
        </th>
      </tr>
    </thead>
  );
}
