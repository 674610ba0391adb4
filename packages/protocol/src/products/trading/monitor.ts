/** A tenant's trading as its monitor sees it (contract 40-trading `trading:monitor`): the newest of it, whose it is, and no balances. */
import type { Offset } from "../../event-id.ts";
import type { Order, Position, Trade } from "./entities.ts";
import { tradingShownOf } from "./messages.ts";
import { type Room, type Shelf, put, shelfAt, valuesOf } from "./shelf.ts";
import { type TradingEvent, isOrderOpen, isPositionOpen } from "./state.ts";

export type OfUser<T> = T & { readonly userId: string };

export interface Monitor {
  readonly orders?: Shelf<OfUser<{ readonly order: Order }>> | undefined;
  readonly positions?: Shelf<OfUser<{ readonly position: Position }>> | undefined;
  readonly trades?: Shelf<OfUser<{ readonly trade: Trade }>> | undefined;
}

/** Folded at the pace of the whole tenant, so no more than a screen shows: the newest; the rest is each user's. */
export const MONITORED: Room = { open: 200, closed: 100 };

/** Users' ids are their own: two may name an order alike. The same object where nothing changed. */
export function foldMonitor(state: Monitor | undefined, { type, data, offset }: TradingEvent): Monitor | undefined {
  const shown = tradingShownOf(type, data);
  if (shown === undefined || "balance" in shown) return state;
  const { userId } = data as { readonly userId: string };
  if ("order" in shown) {
    const { order } = shown;
    const next = { key: keyOf(userId, order.id), value: { userId, order }, offset, isOpen: isOrderOpen(type, order) };
    const orders = put(state?.orders, next, MONITORED);
    return orders === state?.orders ? state : { ...state, orders };
  }
  if ("position" in shown) {
    const { position } = shown;
    const next = { key: keyOf(userId, position.id), value: { userId, position }, offset, isOpen: isPositionOpen(type, position) };
    const positions = put(state?.positions, next, MONITORED);
    return positions === state?.positions ? state : { ...state, positions };
  }
  const { trade } = shown;
  const trades = put(state?.trades, { key: keyOf(userId, trade.id), value: { userId, trade }, offset, isOpen: false }, MONITORED);
  return trades === state?.trades ? state : { ...state, trades };
}

export interface MonitorSnapshot {
  readonly orders: readonly OfUser<{ readonly order: Order }>[];
  /** Open ones. */
  readonly positions: readonly OfUser<{ readonly position: Position }>[];
  readonly trades: readonly OfUser<{ readonly trade: Trade }>[];
}

export function monitorSnapshotOf({ orders, positions, trades }: Monitor): MonitorSnapshot {
  const open = (positions?.kept ?? []).filter(({ isOpen }) => isOpen).map(({ value }) => value);
  return { orders: valuesOf(orders), positions: open, trades: valuesOf(trades) };
}

/** What a snapshot was made of, to fold on from its cut. */
export function monitorAt({ orders, positions, trades }: MonitorSnapshot, cut: Offset): Monitor {
  return {
    orders: shelfAt(orders, cut, ({ userId, order }) => ({ key: keyOf(userId, order.id), isOpen: isOrderOpen("", order) })),
    positions: shelfAt(positions, cut, ({ userId, position }) => ({ key: keyOf(userId, position.id), isOpen: true })),
    trades: shelfAt(trades, cut, ({ userId, trade }) => ({ key: keyOf(userId, trade.id), isOpen: false })),
  };
}

/** Users' ids hold no control character. */
function keyOf(userId: string, id: string): string {
  return `${userId}\u0000${id}`;
}
