/** Event types of trading (contract 40-trading). Quantities, prices and amounts are decimal text or JSON numbers, and keep their digits. */
import { z } from "zod";
import { userId } from "../../ids.ts";
import { decimal } from "../../schema.ts";
import { SYMBOL } from "../market-data/schema.ts";
import { currency } from "../transactions/schema.ts";

const symbol = z.string().regex(SYMBOL, "must be a symbol: 1 to 64 letters, digits or / . _ : # @ = -");
const id = z.string().min(1).max(128);
const word = z.string().min(1).max(64);
const reason = z.string().min(1).max(1024);
/** ISO 8601 with a zone, or milliseconds since the epoch. */
const time = z.union([z.iso.datetime({ offset: true }), z.number().int().min(0).max(8.64e15)], {
  error: "must be an ISO 8601 time, or milliseconds",
});

const order = z.looseObject({
  id,
  symbol,
  side: z.enum(["buy", "sell"]),
  type: word,
  quantity: decimal,
  /** Null where the market makes it. */
  price: decimal.nullish(),
  /** As published: `cancelled` and `canceled` both pass (contract 70-details "order status"). */
  status: word,
  filledQuantity: decimal,
  averagePrice: decimal.nullish(),
  createdAt: time,
  filledAt: time.nullish(),
});

const position = z.looseObject({
  id,
  symbol,
  side: z.enum(["long", "short"]),
  quantity: decimal,
  entryPrice: decimal,
  currentPrice: decimal,
  unrealizedPnL: decimal,
  unrealizedPnLPercent: decimal,
  realizedPnL: decimal,
  totalPnL: decimal,
  status: word,
  openedAt: time,
  closedAt: time.nullish(),
});

const trade = z.looseObject({
  id,
  orderId: id,
  symbol,
  side: word,
  type: z.enum(["entry", "exit"]),
  quantity: decimal,
  price: decimal,
  value: decimal,
  fee: decimal,
  executedAt: time,
});

const balance = z.looseObject({ currency, total: decimal, available: decimal, locked: decimal });

/** `trading.order.created`, `trading.order.submitted`, `trading.order.filled`. */
export const orderData = z.looseObject({ userId, order });
/** `trading.order.cancelled` */
export const orderCancelledData = z.looseObject({ userId, order, reason: reason.nullish() });
/** `trading.order.rejected` */
export const orderRejectedData = z.looseObject({ userId, order, reason });
/** `trading.position.opened`, `trading.position.updated`, `trading.position.closed`. */
export const positionData = z.looseObject({ userId, position });
/** `trading.trade.executed` */
export const tradeData = z.looseObject({ userId, trade });
/** `trading.balance.updated` */
export const balanceData = z.looseObject({ userId, balance });

export type PublishedOrder = z.infer<typeof order>;
export type PublishedPosition = z.infer<typeof position>;
export type PublishedTrade = z.infer<typeof trade>;
export type PublishedBalance = z.infer<typeof balance>;
