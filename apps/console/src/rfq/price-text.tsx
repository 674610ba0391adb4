/** A decimal in a column: its own digits, the points one below the other. */
import type { ReactElement } from "react";
import { digitsOf, paddingOf } from "./digits.ts";
import type { Decimal } from "./rfq-types.ts";
import styles from "./quotes.module.css";

interface Properties {
  readonly value: Decimal | undefined;
  /** The longest fraction of the column. */
  readonly fraction: number;
  readonly name: string;
}

export function PriceText({ value, fraction, name }: Properties): ReactElement {
  const digits = value === undefined ? "–" : digitsOf(value);
  // The padding is drawn by the style sheet: it is in no text that is read, copied or found.
  return (
    <span className={styles.digits} data-field={name} data-padding={value === undefined ? "" : paddingOf(digits, fraction)}>
      {digits}
    </span>
  );
}
