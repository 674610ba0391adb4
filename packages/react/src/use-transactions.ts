/** The money feed in a component (contract 30-transactions). */
import { useMemo, useSyncExternalStore } from "react";
import type { Store } from "@broadtape/client";
import type { FeedBalance, TransactionFeedClient, TransactionMessage } from "@broadtape/client/transactions";
import { perFrame } from "./use-topic.ts";

/** Which transactions are shown. Filters of the subscription say which ones come at all. */
export interface TransactionsShown {
  /** At most so many. Default: all that the client keeps. */
  readonly limit?: number | undefined;
  readonly currency?: string | undefined;
  readonly type?: string | undefined;
  readonly status?: string | undefined;
}

const NO_TRANSACTIONS: readonly TransactionMessage[] = [];
const noTransactions = () => NO_TRANSACTIONS;
const NO_BALANCES: readonly FeedBalance[] = [];
const noBalances = () => NO_BALANCES;

/**
 * Each transaction once, as last told, newest first. The same array until one of those shown changes, so that others
 * repaint nothing; at most one repaint a frame. Safe in StrictMode and on the server.
 */
export function useTransactions(client: TransactionFeedClient, shown: TransactionsShown = {}): readonly TransactionMessage[] {
  const { limit, currency, type, status } = shown;
  const store = useMemo(
    () => perFrame(narrowed(client.stores.transactions, { limit, currency, type, status })),
    [client, limit, currency, type, status],
  );
  return useSyncExternalStore(store.subscribe, store.get, noTransactions);
}

/** Each currency's balance as it stands. Transactions repaint nothing. */
export function useBalances(client: TransactionFeedClient): readonly FeedBalance[] {
  const store = useMemo(() => perFrame(client.stores.balances), [client]);
  return useSyncExternalStore(store.subscribe, store.get, noBalances);
}

function narrowed(store: Store<readonly TransactionMessage[]>, shown: TransactionsShown): Store<readonly TransactionMessage[]> {
  let all = NO_TRANSACTIONS;
  let fitting = NO_TRANSACTIONS;
  return {
    subscribe: store.subscribe,
    get: () => {
      const now = store.get();
      if (now === all) return fitting;
      all = now;
      const next = now.filter((message) => fits(message, shown)).slice(0, shown.limit);
      if (next.length !== fitting.length || next.some((message, index) => message !== fitting[index])) fitting = next;
      return fitting;
    },
  };
}

function fits({ transaction }: TransactionMessage, { currency, type, status }: TransactionsShown): boolean {
  return (
    (currency === undefined || transaction.currency === currency) &&
    (type === undefined || transaction.type === type) &&
    (status === undefined || transaction.status === status)
  );
}
