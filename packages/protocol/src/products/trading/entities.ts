/** What clients are shown of an order, a position, a trade and a balance (contract 40-trading): these fields alone leave the server. */
import type { Decimal } from "../../money.ts";
import type { PublishedBalance, PublishedOrder, PublishedPosition, PublishedTrade } from "./schema.ts";

/** Times are ISO 8601 in UTC with milliseconds. */
export interface Order {
  readonly id: string;
  readonly symbol: string;
  readonly side: "buy" | "sell";
  readonly type: string;
  readonly quantity: Decimal;
  readonly price: Decimal | null;
  readonly status: string;
  readonly filledQuantity: Decimal;
  readonly averagePrice: Decimal | null;
  readonly createdAt: string;
  readonly filledAt?: string;
}

export interface Position {
  readonly id: string;
  readonly symbol: string;
  readonly side: "long" | "short";
  readonly quantity: Decimal;
  readonly entryPrice: Decimal;
  readonly currentPrice: Decimal;
  readonly unrealizedPnL: Decimal;
  readonly unrealizedPnLPercent: Decimal;
  readonly realizedPnL: Decimal;
  readonly totalPnL: Decimal;
  readonly status: string;
  readonly openedAt: string;
  readonly closedAt?: string;
}

export interface Trade {
  readonly id: string;
  readonly orderId: string;
  readonly symbol: string;
  readonly side: string;
  readonly type: "entry" | "exit";
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly value: Decimal;
  readonly fee: Decimal;
  readonly executedAt: string;
}

export interface Balance {
  readonly currency: string;
  readonly total: Decimal;
  readonly available: Decimal;
  readonly locked: Decimal;
}

/** Also of what was shown before: it stays as it is. So do the others. */
export function orderOf(published: PublishedOrder | Order): Order {
  const { id, symbol, side, type, quantity, price, status, filledQuantity, averagePrice, createdAt, filledAt } = published;
  return {
    id,
    symbol,
    side,
    type,
    quantity,
    price: price ?? null,
    status,
    filledQuantity,
    averagePrice: averagePrice ?? null,
    createdAt: isoOf(createdAt),
    ...(filledAt != null && { filledAt: isoOf(filledAt) }),
  };
}

export function positionOf(published: PublishedPosition | Position): Position {
  const { id, symbol, side, quantity, entryPrice, currentPrice, unrealizedPnL, unrealizedPnLPercent } = published;
  const { realizedPnL, totalPnL, status, openedAt, closedAt } = published;
  return {
    id,
    symbol,
    side,
    quantity,
    entryPrice,
    currentPrice,
    unrealizedPnL,
    unrealizedPnLPercent,
    realizedPnL,
    totalPnL,
    status,
    openedAt: isoOf(openedAt),
    ...(closedAt != null && { closedAt: isoOf(closedAt) }),
  };
}

export function tradeOf(published: PublishedTrade | Trade): Trade {
  const { id, orderId, symbol, side, type, quantity, price, value, fee, executedAt } = published;
  return { id, orderId, symbol, side, type, quantity, price, value, fee, executedAt: isoOf(executedAt) };
}

export function balanceOf({ currency, total, available, locked }: PublishedBalance | Balance): Balance {
  return { currency, total, available, locked };
}

/** Times in messages are ISO 8601 in UTC with milliseconds (contract 70-details "times"). */
export function isoOf(time: string | number): string {
  return new Date(time).toISOString();
}
