/** How the connection is, in words that assistive technology and tests find. */
import type { ReactElement } from "react";
import type { Store } from "@broadtape/client";
import { useFreshness } from "./freshness-line.tsx";
import styles from "./freshness.module.css";
import { type Freshness, wordsOf } from "./freshness.ts";

export function ConnectionBadge({ freshness }: { readonly freshness: Store<Freshness> }): ReactElement {
  const shown = useFreshness(freshness);
  return (
    <span className={styles.badge} role="status" aria-label="Connection" data-state={shown.state}>
      {wordsOf(shown)}
    </span>
  );
}
