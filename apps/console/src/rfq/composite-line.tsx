/** The best of all quotes that stand, together. */
import type { ReactElement } from "react";
import { digitsOf } from "./digits.ts";
import type { Composite, Decimal } from "./rfq-types.ts";
import styles from "./quotes.module.css";

export function CompositeLine({ composite }: { readonly composite: Composite | undefined }): ReactElement {
  const { bestBid, bestAsk, spread, quoteCount = 0 } = composite ?? {};
  return (
    <dl className={styles.composite} aria-label="Composite">
      <Entry term="Best bid" name="best-bid" value={bestBid} />
      <Entry term="Best ask" name="best-ask" value={bestAsk} />
      <Entry term="Spread" name="composite-spread" value={spread} />
      <Entry term="Quotes" name="quote-count" value={quoteCount} />
    </dl>
  );
}

function Entry({ term, name, value }: { readonly term: string; readonly name: string; readonly value: Decimal | undefined }): ReactElement {
  return (
    <div>
      <dt>{term}</dt>
      <dd data-field={name}>{value === undefined ? "–" : digitsOf(value)}</dd>
    </div>
  );
}
