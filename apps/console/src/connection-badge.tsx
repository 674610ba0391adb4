/** How the connection is, in words that assistive technology and tests find. */
import type { ReactElement } from "react";
import { useConnection } from "@broadtape/react";
import styles from "./app.module.css";
import { useNow } from "./use-now.ts";

export function ConnectionBadge(): ReactElement {
  const { state, staleSince, behindMs } = useConnection();
  const now = useNow(1000);
  const seconds = staleSince === undefined ? 0 : Math.max(0, Math.round((now - staleSince) / 1000));
  const detail = staleSince !== undefined ? ` · no news for ${seconds} s` : behindMs > 0 ? ` · ${Math.round(behindMs)} ms behind` : "";
  const word = state === "closed" ? "stale · closed" : state;
  return (
    <span className={styles.badge} role="status" aria-label="Connection" data-state={state}>
      {word}
      <span className={styles.badgeDetail} aria-hidden="true">
        {detail}
      </span>
    </span>
  );
}
