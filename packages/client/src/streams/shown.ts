/** What a screen shows of a stream: a list is the same one until something in it changes. */
import type { Decimal } from "@broadtape/protocol/money";
import { type Shelf, valuesOf } from "@broadtape/protocol/products/trading/shelf";
import type { Store } from "../store.ts";
import type {
  AgentStatus,
  AiDecision,
  StrategyUpdate,
  StreamAlert,
  StreamOrder,
  StreamPosition,
  StreamPrice,
  StreamTrade,
} from "./messages.ts";
import type { StreamState } from "./stream-state.ts";

export interface Portfolio {
  /** Open ones, one a symbol. */
  readonly positions: readonly StreamPosition[];
  /** Undefined before the snapshot. */
  readonly totalValue: Decimal | undefined;
}

/** Each of the stream that has it; empty on the others, and until known. */
export interface StreamShown {
  /** In the order in which they came. */
  readonly orders: readonly StreamOrder[];
  readonly portfolio: Portfolio;
  readonly trades: readonly StreamTrade[];
  readonly prices: ReadonlyMap<string, StreamPrice>;
  /** The newest last, each id once, at most 1000. */
  readonly alerts: readonly StreamAlert[];
  readonly decisions: readonly AiDecision[];
  readonly strategy: readonly StrategyUpdate[];
  /** Who was heard of last is last. */
  readonly agents: readonly AgentStatus[];
}

/** {@link StreamShown} as external stores. */
export type StreamStores = { readonly [Name in keyof StreamShown]: Store<StreamShown[Name]> };

const SHOWN: { readonly [Name in keyof StreamShown]: (state: StreamState) => StreamShown[Name] } = {
  orders: ({ orders }) => listOf(orders),
  portfolio: ({ positions, totalValue }) => portfolioOf(positions, totalValue),
  trades: ({ trades }) => listOf(trades),
  prices: ({ prices }) => prices,
  alerts: ({ alerts }) => alerts,
  decisions: ({ decisions }) => decisions,
  strategy: ({ strategy }) => strategy,
  agents: ({ agents }) => agents,
};

export function storesOf({ get, subscribe }: Store<StreamState>): StreamStores {
  const storeOf = <Name extends keyof StreamShown>(name: Name): Store<StreamShown[Name]> => ({ get: () => SHOWN[name](get()), subscribe });
  return {
    orders: storeOf("orders"),
    portfolio: storeOf("portfolio"),
    trades: storeOf("trades"),
    prices: storeOf("prices"),
    alerts: storeOf("alerts"),
    decisions: storeOf("decisions"),
    strategy: storeOf("strategy"),
    agents: storeOf("agents"),
  };
}

const NONE: readonly never[] = [];
const lists = new WeakMap<Shelf<unknown>, readonly unknown[]>();
const portfolios = new WeakMap<Shelf<StreamPosition>, Portfolio>();
const NO_PORTFOLIO: Portfolio = { positions: NONE, totalValue: undefined };

function listOf<T>(shelf: Shelf<T> | undefined): readonly T[] {
  if (shelf === undefined) return NONE;
  // Under a shelf stand its own values.
  const known = lists.get(shelf) as readonly T[] | undefined;
  if (known !== undefined) return known;
  const list = valuesOf(shelf);
  lists.set(shelf, list);
  return list;
}

/** The total changes with the positions alone. */
function portfolioOf(shelf: Shelf<StreamPosition> | undefined, totalValue: Decimal | undefined): Portfolio {
  if (shelf === undefined) return NO_PORTFOLIO;
  const known = portfolios.get(shelf);
  if (known !== undefined) return known;
  const portfolio = { positions: shelf.kept.filter(({ isOpen }) => isOpen).map(({ value }) => value), totalValue };
  portfolios.set(shelf, portfolio);
  return portfolio;
}
