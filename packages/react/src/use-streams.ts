/**
 * Event streams in a component (contract 50-sse "SDK and React"). Components that ask for the same stream share it, and it is open while one
 * of them is there. At most one repaint a frame; safe in StrictMode and on the server.
 */
import { useMemo, useSyncExternalStore } from "react";
import type { Store } from "@broadtape/client";
import type {
  Portfolio,
  StreamAlert,
  StreamOrder,
  StreamPrice,
  StreamRequest,
  StreamShown,
  StreamStatus,
  StreamView,
  Streams,
} from "@broadtape/client/streams";
import { useStreams } from "./streams-context.tsx";
import { perFrame } from "./use-topic.ts";

interface OfStream {
  /** How the stream is; what is shown while it is not `live` is of `staleSince`. */
  readonly status: StreamStatus;
}

/**
 * One's orders as they stand, in the order in which they came.
 *
 * @example
 * const streams = new Streams({ url: "https://tape.example", token: fetchToken });
 * // <StreamsProvider streams={streams}> above, then in a component:
 * const { orders, status } = useOrderStream();
 */
export function useOrderStream(streams: Streams = useStreams()): OfStream & { readonly orders: readonly StreamOrder[] } {
  const { shown: orders, status } = useStream(streams, { stream: "orders" }, "orders");
  return useMemo(() => ({ orders, status }), [orders, status]);
}

/** One's open positions as prices value them, and what they are worth together. */
export function usePositionStream(streams: Streams = useStreams()): OfStream & Portfolio {
  const { shown, status } = useStream(streams, { stream: "positions" }, "portfolio");
  return useMemo(() => ({ ...shown, status }), [shown, status]);
}

/** The newest price of each of these symbols that is known. Another list in the same order is the same stream. */
export function usePriceStream(
  symbols: readonly string[],
  streams: Streams = useStreams(),
): OfStream & { readonly prices: ReadonlyMap<string, StreamPrice> } {
  const { shown: prices, status } = useStream(streams, { stream: "prices", symbols }, "prices");
  return useMemo(() => ({ prices, status }), [prices, status]);
}

/** One's alerts since the page was opened, the newest last. */
export function useAlerts(streams: Streams = useStreams()): OfStream & { readonly alerts: readonly StreamAlert[] } {
  const { shown: alerts, status } = useStream(streams, { stream: "alerts" }, "alerts");
  return useMemo(() => ({ alerts, status }), [alerts, status]);
}

function useStream<Name extends keyof StreamShown>(streams: Streams, { stream, symbols }: StreamRequest, name: Name) {
  const key = symbols?.join(",");
  const { store, status } = useMemo(() => viewOf(streams, { stream, symbols: key?.split(",") }, name), [streams, stream, key, name]);
  return {
    shown: useSyncExternalStore(store.subscribe, store.get, store.getInitial),
    status: useSyncExternalStore(status.subscribe, status.get, status.getInitial),
  };
}

function viewOf<Name extends keyof StreamShown>(streams: Streams, { stream, symbols = [] }: StreamRequest, name: Name) {
  // No symbols are no prices here; to the server they would be all.
  const isEmpty = stream === "prices" && symbols.every((symbol) => symbol === "");
  const view: StreamView = isEmpty ? streams.nothing : streams.view({ stream, symbols });
  const storeOf = <T>(store: Store<T>, initial: Store<T>) => ({ ...perFrame(store), getInitial: initial.get });
  return {
    store: storeOf<StreamShown[Name]>(view.stores[name], streams.nothing.stores[name]),
    status: storeOf(view.status, streams.nothing.status),
  };
}
