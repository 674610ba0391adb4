/** A user's trading, folded from its events (contract 40-trading): the code that the server's views, the SDK and the hooks share. */
import type { Offset } from "../../event-id.ts";
import { compareDecimals } from "../../money.ts";
import type { Balance, Order, Position, Trade } from "./entities.ts";
import { tradingShownOf } from "./messages.ts";
import { type Room, type Shelf, put, shelfAt, valuesOf } from "./shelf.ts";

export interface TradingEvent {
  readonly type: string;
  /** Checked against the type's schema, or as it was shown. */
  readonly data: unknown;
  readonly offset: Offset;
}

export type Orders = Shelf<Order>;
/** Closed positions stay on the shelf, so that none comes back; they are not among {@link openPositions}. */
export type Positions = Shelf<Position>;
export type Trades = Shelf<Trade>;
export type Balances = Shelf<Balance>;

/** A publisher's endless new ids grow nothing; what goes is still found in history. */
export const ORDERS_KEPT: Room = { open: 1000, closed: 200 };
export const POSITIONS_KEPT: Room = { open: 1000, closed: 200 };
export const TRADES_KEPT: Room = { open: 0, closed: 200 };
export const BALANCES_KEPT: Room = { open: 1000, closed: 0 };

/** The orders after an event of their user. The same object for events of other types and those that are not newer. */
export function foldOrders(state: Orders | undefined, { type, data, offset }: TradingEvent): Orders | undefined {
  const shown = tradingShownOf(type, data);
  if (shown === undefined || !("order" in shown)) return state;
  const { order } = shown;
  return put(state, { key: order.id, value: order, offset, isOpen: isOrderOpen(type, order) }, ORDERS_KEPT);
}

export function foldPositions(state: Positions | undefined, { type, data, offset }: TradingEvent): Positions | undefined {
  const shown = tradingShownOf(type, data);
  if (shown === undefined || !("position" in shown)) return state;
  const { position } = shown;
  return put(state, { key: position.id, value: position, offset, isOpen: isPositionOpen(type, position) }, POSITIONS_KEPT);
}

export function foldTrades(state: Trades | undefined, { type, data, offset }: TradingEvent): Trades | undefined {
  const shown = tradingShownOf(type, data);
  if (shown === undefined || !("trade" in shown)) return state;
  return put(state, { key: shown.trade.id, value: shown.trade, offset, isOpen: false }, TRADES_KEPT);
}

export function foldBalances(state: Balances | undefined, { type, data, offset }: TradingEvent): Balances | undefined {
  const shown = tradingShownOf(type, data);
  if (shown === undefined || !("balance" in shown)) return state;
  return put(state, { key: shown.balance.currency, value: shown.balance, offset, isOpen: true }, BALANCES_KEPT);
}

/** All of a user's trading; what nothing was said of is missing. */
export interface Trading {
  readonly orders?: Orders | undefined;
  readonly positions?: Positions | undefined;
  readonly trades?: Trades | undefined;
  readonly balances?: Balances | undefined;
}

/** The same object where nothing changed. */
export function foldTrading(state: Trading, event: TradingEvent): Trading {
  const orders = foldOrders(state.orders, event);
  const positions = foldPositions(state.positions, event);
  const trades = foldTrades(state.trades, event);
  const balances = foldBalances(state.balances, event);
  const isSame = orders === state.orders && positions === state.positions && trades === state.trades && balances === state.balances;
  return isSame ? state : { orders, positions, trades, balances };
}

/** As clients are shown it. */
export interface TradingSnapshot {
  readonly orders: readonly Order[];
  readonly positions: readonly Position[];
  readonly trades: readonly Trade[];
  readonly balances: readonly Balance[];
}

export function tradingSnapshotOf({ orders, positions, trades, balances }: Trading): TradingSnapshot {
  return {
    orders: valuesOf(orders),
    positions: openPositions(positions),
    trades: valuesOf(trades),
    balances: valuesOf(balances),
  };
}

/** The state with what a snapshot holds in place of what it was, to fold on from the snapshot's cut. What it does not hold stays. */
export function withSnapshot(state: Trading, { orders, positions, trades, balances }: Partial<TradingSnapshot>, cut: Offset): Trading {
  return {
    ...state,
    ...(orders && { orders: shelfAt(orders, cut, (order) => ({ key: order.id, isOpen: isOrderOpen("", order) })) }),
    ...(positions && { positions: shelfAt(positions, cut, ({ id }) => ({ key: id, isOpen: true })) }),
    ...(trades && { trades: shelfAt(trades, cut, ({ id }) => ({ key: id, isOpen: false })) }),
    ...(balances && { balances: shelfAt(balances, cut, ({ currency }) => ({ key: currency, isOpen: true })) }),
  };
}

export function openPositions(state: Positions | undefined): readonly Position[] {
  return (state?.kept ?? []).filter(({ isOpen }) => isOpen).map(({ value }) => value);
}

/** The words that publishers have for an order's end, in lower case. */
const FINAL: ReadonlySet<string> = new Set(["filled", "cancelled", "canceled", "rejected", "expired", "replaced", "closed"]);

export function isOrderOpen(
  type: string,
  { status, filledQuantity, quantity }: Pick<Order, "status" | "filledQuantity" | "quantity">,
): boolean {
  if (type === "trading.order.cancelled" || type === "trading.order.rejected" || FINAL.has(status.toLowerCase())) return false;
  return compareDecimals(filledQuantity, quantity) < 0;
}

export function isPositionOpen(type: string, { status }: Position): boolean {
  return type !== "trading.position.closed" && status.toLowerCase() !== "closed";
}
