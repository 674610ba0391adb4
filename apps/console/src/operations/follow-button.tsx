/** Leads to the whole way of an event, or of all with a correlation id. */
import type { ReactElement, ReactNode } from "react";
import styles from "./operations.module.css";

interface Properties {
  readonly id: string;
  readonly onFollow: (id: string) => void;
  readonly children: ReactNode;
}

export function FollowButton({ id, onFollow, children }: Properties): ReactElement {
  return (
    <button type="button" className={styles.link} onClick={() => onFollow(id)} title={`Follow ${id}`}>
      {children}
    </button>
  );
}
