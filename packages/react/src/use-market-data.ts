/** Prices in a component (contract 10-market-data "React"). */
import { useMemo, useSyncExternalStore } from "react";
import type { MarketDataClient, Price, Store } from "@broadtape/client";
import { inNextFrame } from "./frames.ts";

const NOTHING: ReadonlyMap<string, Price> = new Map();
const nothing = () => NOTHING;

/**
 * The prices of these symbols as far as known. A new Map when one of them has changed, at most once a frame; the same Map
 * otherwise, so that other symbols repaint nothing. Safe in StrictMode and on the server.
 */
export function useMarketData(client: MarketDataClient, symbols: readonly string[]): ReadonlyMap<string, Price> {
  const key = symbols.join("\u0000");
  const store = useMemo(() => pricesOf(client, key === "" ? [] : key.split("\u0000")), [client, key]);
  return useSyncExternalStore(store.subscribe, store.get, nothing);
}

function pricesOf(client: MarketDataClient, symbols: readonly string[]): Store<ReadonlyMap<string, Price>> {
  let shown = knownOf(client, symbols);
  const listeners = new Set<() => void>();
  const changed = new Map<string, Price>();
  const show = () => {
    if (changed.size === 0) return;
    shown = new Map([...shown, ...changed]);
    changed.clear();
    for (const listener of [...listeners]) listener();
  };
  const onPrice = (price: Price) => {
    if (shown.get(price.symbol) === price) return;
    changed.set(price.symbol, price);
    inNextFrame(show);
  };
  return {
    get: () => shown,
    subscribe: (listener) => {
      const own = () => {
        listener();
      };
      if (listeners.size === 0) void client.subscribe(symbols, onPrice);
      listeners.add(own);
      return () => {
        if (!listeners.delete(own) || listeners.size > 0) return;
        for (const symbol of symbols) client.removeCallback(symbol, onPrice);
      };
    },
  };
}

/** Prices that somebody follows already, so that what was on the screen stays there when a symbol is added. */
function knownOf(client: MarketDataClient, symbols: readonly string[]): ReadonlyMap<string, Price> {
  const known = new Map<string, Price>();
  // A pattern has no price of its own.
  for (const symbol of symbols.filter((each) => !each.includes("*"))) {
    const price = client.tape.view(`symbol:${symbol}`).get();
    if (price !== undefined && price !== null) known.set(symbol, price);
  }
  return known;
}
