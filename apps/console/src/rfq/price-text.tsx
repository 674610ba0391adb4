/** A decimal in a column: its own digits, the points one below the other. */
import type { ReactElement } from "react";
import { digitsOf, fractionOf, paddingOf } from "./digits.ts";
import type { Decimal } from "./rfq-types.ts";
import styles from "./quotes.module.css";

interface Properties {
  readonly value: Decimal | undefined;
  /** The longest fraction of the column. */
  readonly fraction: number;
  readonly name: string;
  /** How its digits are written; what is rounded away stands in its title. */
  readonly write?: ((digits: string) => string) | undefined;
}

export function PriceText({ value, fraction, name, write = asIs }: Properties): ReactElement {
  const exact = value === undefined ? "–" : digitsOf(value);
  const digits = value === undefined ? exact : write(exact);
  // The padding is drawn by the style sheet: it is in no text that is read, copied or found.
  return (
    <span
      className={styles.digits}
      data-field={name}
      data-padding={value === undefined ? "" : paddingOf(digits, fraction)}
      title={fractionOf(digits) < fractionOf(exact) ? exact : undefined}
    >
      {digits}
    </span>
  );
}

function asIs(digits: string): string {
  return digits;
}
