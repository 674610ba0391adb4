/** A user's trading in a component (contract 40-trading "SDK and React"). */
import { useMemo, useSyncExternalStore } from "react";
import type { ConnectionStatus, Store } from "@broadtape/client";
import type { TradingClient, TradingStores } from "@broadtape/client/trading";
import { useConnection } from "./context.tsx";
import { perFrame } from "./use-topic.ts";

export type TradingShown = { readonly [Kind in keyof TradingStores]: ReturnType<TradingStores[Kind]["get"]> } & {
  /** How the connection is: what is shown while it is not `live` is of `staleSince`. */
  readonly status: ConnectionStatus;
};

/**
 * Orders, open positions, trades and balances as they stand, empty until known; followed while the component is there. Each list is the same
 * one until something in it changes; at most one repaint a frame. Safe in StrictMode and on the server.
 *
 * @example
 * const { orders, positions, status } = useTradingEvents(trading);
 */
export function useTradingEvents(client: TradingClient): TradingShown {
  const orders = useList(client.stores.orders);
  const positions = useList(client.stores.positions);
  const trades = useList(client.stores.trades);
  const balances = useList(client.stores.balances);
  const status = useConnection(client.tape);
  return useMemo(() => ({ orders, positions, trades, balances, status }), [orders, positions, trades, balances, status]);
}

const NONE: readonly never[] = [];
const none = () => NONE;

function useList<T>(list: Store<readonly T[]>): readonly T[] {
  const store = useMemo(() => perFrame(list), [list]);
  return useSyncExternalStore(store.subscribe, store.get, none);
}
