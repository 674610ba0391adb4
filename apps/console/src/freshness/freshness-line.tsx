/** How fresh a panel is, in words at its end. */
import { type ReactElement, type ReactNode, useSyncExternalStore } from "react";
import type { Store } from "@broadtape/client";
import styles from "./freshness.module.css";
import { type Freshness, wordsOf } from "./freshness.ts";

interface Properties {
  readonly freshness: Store<Freshness>;
  /** What else the panel says at its end. */
  readonly children?: ReactNode;
}

/** Not a live region: the connection's is one, and a dozen panels would repeat it. */
export function FreshnessLine({ freshness, children }: Properties): ReactElement {
  const shown = useFreshness(freshness);
  return (
    <footer className={styles.line}>
      <span className={styles.state} data-field="freshness" data-state={shown.state} title={wordsOf(shown)}>
        {wordsOf(shown)}
      </span>
      {children}
    </footer>
  );
}

export function useFreshness(freshness: Store<Freshness>): Freshness {
  return useSyncExternalStore(freshness.subscribe, freshness.get);
}
