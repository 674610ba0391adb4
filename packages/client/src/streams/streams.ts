/** Streams that open while somebody looks: what hooks are made of. */
import { errorTaker } from "../environment.ts";
import { type Store, ValueStore } from "../store.ts";
import { type StreamStores, storesOf } from "./shown.ts";
import { StreamClient, type StreamOptions } from "./stream-client.ts";
import { type StreamRequest, pathOf } from "./stream-request.ts";
import { EMPTY } from "./stream-state.ts";
import { CONNECTING, type StreamStatus } from "./stream-status.ts";

/** A stream's stores; it is open while any of them has listeners. */
export interface StreamView {
  readonly stores: StreamStores;
  readonly status: Store<StreamStatus>;
}

interface Open {
  readonly client: StreamClient;
  listeners: number;
}

const report = errorTaker();
const NOT_YET: StreamView = { stores: storesOf(new ValueStore(EMPTY, report)), status: new ValueStore(CONNECTING, report) };

/**
 * @example
 * const streams = new Streams({ url: "https://tape.example", token: fetchToken });
 * const { stores } = streams.view({ stream: "orders" });
 * const off = stores.orders.subscribe(() => show(stores.orders.get()));
 */
export class Streams {
  /** What a stream shows before anybody looks, and on the server. */
  readonly nothing: StreamView = NOT_YET;
  readonly #options: StreamOptions;
  /** By path. Invariant: each has listeners, or had some in this turn. */
  readonly #open = new Map<string, Open>();

  constructor(options: StreamOptions = {}) {
    this.#options = options;
  }

  /** The stream that is asked for: one connection for all who ask for the same. Opens nothing. */
  view(request: StreamRequest): StreamView {
    const path = pathOf(request);
    const viewOf = <T>(of: (client: StreamClient) => Store<T>, before: Store<T>): Store<T> => ({
      get: () => {
        const open = this.#open.get(path);
        return (open === undefined ? before : of(open.client)).get();
      },
      subscribe: (listener) => {
        const open = this.#enter(path, request);
        const off = of(open.client).subscribe(listener);
        let isOff = false;
        return () => {
          if (isOff) return;
          isOff = true;
          off();
          this.#leave(path, open);
        };
      },
    });
    return {
      status: viewOf(({ status }) => status, NOT_YET.status),
      stores: {
        orders: viewOf(({ stores }) => stores.orders, NOT_YET.stores.orders),
        portfolio: viewOf(({ stores }) => stores.portfolio, NOT_YET.stores.portfolio),
        trades: viewOf(({ stores }) => stores.trades, NOT_YET.stores.trades),
        prices: viewOf(({ stores }) => stores.prices, NOT_YET.stores.prices),
        alerts: viewOf(({ stores }) => stores.alerts, NOT_YET.stores.alerts),
        decisions: viewOf(({ stores }) => stores.decisions, NOT_YET.stores.decisions),
        strategy: viewOf(({ stores }) => stores.strategy, NOT_YET.stores.strategy),
        agents: viewOf(({ stores }) => stores.agents, NOT_YET.stores.agents),
      },
    };
  }

  #enter(path: string, request: StreamRequest): Open {
    const open = this.#open.get(path) ?? { client: new StreamClient({ ...this.#options, ...request }), listeners: 0 };
    this.#open.set(path, open);
    open.listeners += 1;
    return open;
  }

  /** Closed at the end of the turn: who leaves may come back in it, as React's components do. */
  #leave(path: string, open: Open): void {
    open.listeners -= 1;
    queueMicrotask(() => {
      if (open.listeners > 0 || this.#open.get(path) !== open) return;
      this.#open.delete(path);
      open.client.close();
    });
  }
}
