/** How fresh what is shown is, in words. */
import { type ReactElement, useEffect, useState, useSyncExternalStore } from "react";
import type { ConnectionStatus } from "@broadtape/client";
import type { TransactionFeedClient } from "@broadtape/client/transactions";
import { clockTime } from "./clock-time.ts";
import styles from "./wallet.module.css";

export function useFeedStatus(client: TransactionFeedClient): ConnectionStatus {
  return useSyncExternalStore(client.status.subscribe, client.status.get);
}

export function Freshness({ client, name }: { readonly client: TransactionFeedClient; readonly name: string }): ReactElement {
  const status = useFeedStatus(client);
  const [resyncedAt, setResyncedAt] = useState<number>();
  useEffect(() => client.onResync(() => setResyncedAt(Date.now())), [client]);
  return (
    <span className={styles.freshness} role="status" aria-label={name} data-state={status.state}>
      {freshnessOf(status, resyncedAt)}
    </span>
  );
}

export function freshnessOf({ state, staleSince, reason }: ConnectionStatus, resyncedAt?: number): string {
  const asOf = staleSince === undefined ? "" : ` · as of ${clockTime(staleSince)}`;
  switch (state) {
    case "connecting":
      return "connecting";
    case "live":
      return resyncedAt === undefined ? "live" : `live · resynced at ${clockTime(resyncedAt)}: what came before may be missing`;
    case "resuming":
      return `catching up${asOf}`;
    case "stale":
      return `reconnecting${asOf}`;
    case "closed":
      return `ended: ${reason === "REPLACED" ? "shown in another tab" : (reason ?? "closed")}${asOf}`;
  }
}
