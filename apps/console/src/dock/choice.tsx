/** One of a few words, as small buttons beside each other. */
import type { ReactElement } from "react";
import styles from "./choice.module.css";

interface Properties<Value extends string> {
  readonly label: string;
  readonly values: readonly Value[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

export function Choice<Value extends string>({ label, values, value, onChange }: Properties<Value>): ReactElement {
  return (
    <span role="group" aria-label={label} className={styles.choice}>
      {values.map((each) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
          {each}
        </button>
      ))}
    </span>
  );
}
