/** The inside of a panel: a region by its name, with its tools above and its freshness below. */
import type { ReactElement, ReactNode } from "react";
import type { Store } from "@broadtape/client";
import { FreshnessLine, useFreshness } from "../freshness/freshness-line.tsx";
import type { Freshness } from "../freshness/freshness.ts";
import styles from "./panel.module.css";

interface Properties {
  /** What assistive technology and tests find it by. */
  readonly name: string;
  readonly freshness: Store<Freshness>;
  readonly tools?: ReactNode;
  /** Beside the freshness. */
  readonly footer?: ReactNode;
  /** It scrolls by itself, and not as a whole. */
  readonly isFixed?: boolean;
  readonly children: ReactNode;
}

export function Panel({ name, freshness, tools, footer, isFixed = false, children }: Properties): ReactElement {
  const { state } = useFreshness(freshness);
  return (
    <section className={styles.panel} aria-label={name} data-panel={name} data-freshness={state} tabIndex={-1}>
      {tools !== undefined && <div className={styles.tools}>{tools}</div>}
      <div
        className={isFixed ? styles.fixed : styles.body}
        {...(!isFixed && { tabIndex: 0, role: "group", "aria-label": `${name}: content` })}
      >
        {children}
      </div>
      <FreshnessLine freshness={freshness}>{footer}</FreshnessLine>
    </section>
  );
}
