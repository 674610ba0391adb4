/** How trading events read on their own surface and natively (contract 40-trading): nothing but what is listed leaves the server. */
import { type Balance, type Order, type Position, type Trade, balanceOf, isoOf, orderOf, positionOf, tradeOf } from "./entities.ts";
import type { PublishedBalance, PublishedOrder, PublishedPosition, PublishedTrade } from "./schema.ts";

/** What an event is about, as clients are shown it. */
export type TradingShown =
  | { readonly order: Order; readonly reason?: string }
  | { readonly position: Position }
  | { readonly trade: Trade }
  | { readonly balance: Balance };

/** An event's place and time, as its message says them. */
export interface Told {
  readonly eventId: string;
  /** When it happened: RFC 3339, in any zone. */
  readonly time: string;
}

/** The message's name in the default namespace, by event type. */
const NAME_OF = {
  "trading.order.created": "order:created",
  "trading.order.submitted": "order:submitted",
  "trading.order.filled": "order:filled",
  "trading.order.cancelled": "order:cancelled",
  "trading.order.rejected": "order:rejected",
  "trading.position.opened": "position:opened",
  "trading.position.updated": "position:updated",
  "trading.position.closed": "position:closed",
  "trading.trade.executed": "trade:executed",
  "trading.balance.updated": "balance:updated",
} as const;

export type TradingType = keyof typeof NAME_OF;

export interface TradingMessage {
  readonly name: (typeof NAME_OF)[TradingType];
  readonly body: TradingShown & { readonly timestamp: string; readonly eventId: string };
}

export function isTradingType(type: string): type is TradingType {
  return Object.hasOwn(NAME_OF, type);
}

/** Undefined for types of other products. `data` is checked against the type's schema. */
export function tradingMessageOf(type: string, data: unknown, { eventId, time }: Told): TradingMessage | undefined {
  const shown = tradingShownOf(type, data);
  if (shown === undefined || !isTradingType(type)) return undefined;
  return { name: NAME_OF[type], body: { ...shown, timestamp: isoOf(time), eventId } };
}

/** The allow-list. Whose it is does not stand in it. Undefined for types of other products. */
export function tradingShownOf(type: string, data: unknown): TradingShown | undefined {
  if (!isTradingType(type)) return undefined;
  switch (type) {
    case "trading.order.created":
    case "trading.order.submitted":
    case "trading.order.filled":
      return { order: orderOf((data as { readonly order: PublishedOrder }).order) };
    case "trading.order.cancelled":
    case "trading.order.rejected": {
      const { order, reason } = data as { readonly order: PublishedOrder; readonly reason?: string | null };
      return { order: orderOf(order), ...(reason != null && { reason }) };
    }
    case "trading.position.opened":
    case "trading.position.updated":
    case "trading.position.closed":
      return { position: positionOf((data as { readonly position: PublishedPosition }).position) };
    case "trading.trade.executed":
      return { trade: tradeOf((data as { readonly trade: PublishedTrade }).trade) };
    case "trading.balance.updated":
      return { balance: balanceOf((data as { readonly balance: PublishedBalance }).balance) };
  }
}
