/** A panel of the operator's console: its name, how fresh it is, and what it shows. */
import { type ReactElement, type ReactNode, useId } from "react";
import { clockTime } from "../wallet/clock-time.ts";
import { missingIn } from "./nodes.ts";
import styles from "./operations.module.css";
import type { Polled } from "./poll.ts";

interface Properties {
  readonly title: string;
  /** What its freshness is judged by. */
  readonly of?: Polled<unknown> | undefined;
  readonly area: string;
  /** Beside the name. */
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}

export function Panel({ title, of, area, aside, children }: Properties): ReactElement {
  const id = useId();
  return (
    <section className={styles.panel} aria-labelledby={id} data-area={area}>
      <header className={styles.head}>
        <h2 id={id}>{title}</h2>
        {aside}
        <span className={styles.push} />
        {of !== undefined && <Missing answer={of.value} />}
        {of !== undefined && <PanelFreshness of={of} />}
      </header>
      {children}
    </section>
  );
}

/** What nodes know that did not answer is not in what is shown. */
function Missing({ answer }: { readonly answer: unknown }): ReactElement | null {
  const names = missingIn(answer);
  return names.length === 0 ? null : <span className={styles.bad}>without {names.join(", ")}</span>;
}

/** Not a live region: the connection's is one, and a dozen panels would repeat it. */
function PanelFreshness({ of: { asOf, staleSince, refusal } }: { readonly of: NonNullable<Properties["of"]> }): ReactElement {
  if (staleSince !== undefined)
    return (
      <span className={styles.fresh} data-field="freshness" data-state="stale" title={refusal?.message}>
        stale since {clockTime(staleSince)}
      </span>
    );
  if (asOf === undefined)
    return (
      <span className={styles.fresh} data-field="freshness" data-state={refusal === undefined ? "asking" : "stale"}>
        {refusal?.message ?? "asking…"}
      </span>
    );
  return (
    <span className={styles.fresh} data-field="freshness" data-state="fresh">
      {clockTime(asOf)}
    </span>
  );
}

/** A table that scrolls under its head, or says that there is nothing. */
export function Rows({
  label,
  none,
  children,
}: {
  readonly label: string;
  readonly none?: string | undefined;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <div className={styles.scroll} tabIndex={0} role="group" aria-label={label}>
      {none === undefined ? children : <p className={styles.none}>{none}</p>}
    </div>
  );
}

/** {@link Rows} whose heads are words alone; its children are the rows. */
export function ListRows({
  heads,
  children,
  ...rows
}: {
  readonly label: string;
  readonly none?: string | undefined;
  readonly heads: readonly string[];
  readonly children: ReactNode;
}): ReactElement {
  return (
    <Rows {...rows}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Rows>
  );
}
