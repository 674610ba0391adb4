/** What a stream has said so far, folded: nothing in it goes back, and everything is bounded. */
import { parseEventId } from "@broadtape/protocol/event-id";
import { parseJson } from "@broadtape/protocol/json";
import { type Decimal, compareDecimals } from "@broadtape/protocol/money";
import { type Shelf, put, shelfAt } from "@broadtape/protocol/products/trading/shelf";
import { ORDERS_KEPT, POSITIONS_KEPT, TRADES_KEPT, isOrderOpen } from "@broadtape/protocol/products/trading/state";
import { isNewer } from "../position.ts";
import type {
  AgentStatus,
  AiDecision,
  OrderFill,
  OrderSnapshot,
  PositionUpdate,
  StrategyUpdate,
  StreamAlert,
  StreamMessages,
  StreamOrder,
  StreamPosition,
  StreamPrice,
  StreamTrade,
} from "./messages.ts";

/** Orders and positions are undefined before their snapshot. */
export interface StreamState {
  readonly orders?: Shelf<StreamOrder> | undefined;
  /** With the closed ones, so that none comes back. */
  readonly positions?: Shelf<StreamPosition> | undefined;
  readonly totalValue?: Decimal | undefined;
  readonly trades?: Shelf<StreamTrade> | undefined;
  readonly prices: ReadonlyMap<string, StreamPrice>;
  /** The newest last, each id once; the others as well. */
  readonly alerts: readonly StreamAlert[];
  readonly decisions: readonly AiDecision[];
  readonly strategy: readonly StrategyUpdate[];
  readonly agents: readonly AgentStatus[];
}

export const EMPTY: StreamState = { prices: new Map(), alerts: [], decisions: [], strategy: [], agents: [] };

export const MAX_ALERTS = 1000;
const MAX_PRICES = 10_000;
const MAX_NEWEST = 500;

/** The state after a message that has the shape of its name. The same object where nothing changed. */
export function foldStream(state: StreamState, name: string, data: unknown): StreamState {
  switch (name) {
    case "order:update": {
      const update = data as StreamMessages["order:update"];
      return "snapshot" in update ? { ...state, orders: orderShelf(update) } : withOrder(state, update);
    }
    case "order:fill":
      return withOrder(state, data as OrderFill);
    case "position:update":
      return withPositions(state, data as PositionUpdate);
    case "trade:new": {
      const trade = data as StreamTrade;
      const trades = put(state.trades, { key: trade.tradeId, value: trade, offset: offsetOf(trade), isOpen: false }, TRADES_KEPT);
      return trades === state.trades ? state : { ...state, trades };
    }
    case "price:update":
      return withPrice(state, data as StreamPrice);
    case "alert:new":
      return { ...state, alerts: newest(state.alerts, data as StreamAlert, ({ alertId }) => alertId, MAX_ALERTS) };
    case "ai:decision":
      return { ...state, decisions: newest(state.decisions, data as AiDecision, ({ eventId }) => eventId, MAX_NEWEST) };
    case "strategy:update":
      return { ...state, strategy: newest(state.strategy, data as StrategyUpdate, ({ eventId }) => eventId, MAX_NEWEST) };
    case "agent:status":
      return { ...state, agents: newest(state.agents, data as AgentStatus, ({ agentId }) => agentId, MAX_NEWEST) };
    default:
      return state;
  }
}

function orderShelf(snapshot: OrderSnapshot): Shelf<StreamOrder> {
  const { eventId, timestamp } = snapshot;
  const orders = snapshot.orders.map((order) => ({ ...order, eventId, timestamp }));
  return shelfAt(orders, offsetOf(snapshot), (order) => ({ key: order.orderId, isOpen: isOpenOrder(order) }));
}

/** Before the snapshot there is nothing to fold onto: a part is not shown as the whole. A fill says less than an order: the rest stays. */
function withOrder(state: StreamState, update: StreamOrder | OrderFill): StreamState {
  if (state.orders === undefined) return state;
  const known = state.orders.kept.find(({ key }) => key === update.orderId)?.value;
  const order: StreamOrder = { ...known, ...update };
  const orders = put(state.orders, { key: order.orderId, value: order, offset: offsetOf(update), isOpen: isOpenOrder(order) }, ORDERS_KEPT);
  return orders === state.orders ? state : { ...state, orders };
}

function isOpenOrder({ status, qty, filledQty }: Pick<StreamOrder, "status" | "qty" | "filledQty">): boolean {
  return isOrderOpen("", { status, quantity: qty ?? 1, filledQuantity: qty === undefined ? 0 : (filledQty ?? 0) });
}

/** One line a symbol, where positions have no other name. */
function withPositions(state: StreamState, update: PositionUpdate): StreamState {
  const { positions, totalValue, snapshot } = update;
  const offset = offsetOf(update);
  if (snapshot === true)
    return { ...state, positions: shelfAt(positions, offset, (value) => ({ key: keyOf(value), isOpen: true })), totalValue };
  if (state.positions === undefined) return state;
  const shelf = positions.reduce<Shelf<StreamPosition>>(
    (before, value) => put(before, { key: keyOf(value), value, offset, isOpen: compareDecimals(value.quantity, 0) !== 0 }, POSITIONS_KEPT),
    state.positions,
  );
  return shelf === state.positions ? state : { ...state, positions: shelf, totalValue };
}

function keyOf({ positionId, symbol }: StreamPosition): string {
  return positionId ?? symbol;
}

function withPrice(state: StreamState, price: StreamPrice): StreamState {
  const known = state.prices.get(price.symbol);
  if (known !== undefined && !isNewer(price.eventId, known.eventId)) return state;
  const prices = new Map(state.prices).set(price.symbol, price);
  const [oldest] = prices.keys();
  if (prices.size > MAX_PRICES && oldest !== undefined) prices.delete(oldest);
  return { ...state, prices };
}

function newest<T>(items: readonly T[], item: T, keyOf: (item: T) => string, max: number): readonly T[] {
  const key = keyOf(item);
  return [...items.filter((each) => keyOf(each) !== key), item].slice(-max);
}

/** The shape was looked at: there is an id. One in no spelling that is known stands before all others. */
function offsetOf({ eventId }: { readonly eventId: string }): number {
  return parseEventId(eventId)?.offset ?? 0;
}

/** Every digit stays. For {@link readState}, in another tab or after a reload. */
export function writeState({ prices, ...state }: StreamState): string {
  return JSON.stringify({ ...state, prices: [...prices] });
}

/** Of a text that {@link writeState} wrote; undefined for any other. */
export function readState(text: string): StreamState | undefined {
  try {
    const { prices, ...state } = parseJson(text) as Omit<StreamState, "prices"> & { prices: [string, StreamPrice][] };
    const isWhole = [state.alerts, state.decisions, state.strategy, state.agents].every(Array.isArray);
    return isWhole ? { ...state, prices: new Map(prices) } : undefined;
  } catch {
    return undefined;
  }
}
