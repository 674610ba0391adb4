/** What becomes of an account by what happens to its orders, and the events that tell it. Pure; ids follow from the order's. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import type { Balance, Order, Position, Trade } from "@broadtape/protocol/products/trading/entities";
import { type Account, balanceOf, feeOf, inCents, withOrder } from "./account.ts";
import type { TradingEvent } from "./events.ts";
import { type Leg, type Side, legsOf, positionOf } from "./holding.ts";

export interface Change {
  readonly account: Account;
  /** Stored together or not at all: one of them alone would not add up. */
  readonly events: readonly TradingEvent[];
}

export interface NewOrder {
  readonly id: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: "market" | "limit" | "rfq";
  readonly quantity: Big;
  /** Null where the market makes it. */
  readonly price: Big | null;
}

export interface Execution {
  readonly orderId: string;
  readonly quantity: Big;
  readonly price: Big;
  /** The market's, by which the position is valued. */
  readonly mark: Big;
}

/** By these the demo knows what is its own, of whatever start. */
export const ORDER_PREFIX = "demo-order-";
export const POSITION_PREFIX = "demo-position-";
const TRADE_PREFIX = "demo-trade-";

export function placed(account: Account, wanted: NewOrder, now: number): Change {
  const { userId } = account;
  const order = orderOf(wanted, now);
  const submitted = { ...order, status: "submitted" };
  return {
    account: withOrder(account, submitted, true),
    events: [
      { type: "trading.order.created", id: `${order.id}/created`, data: { userId, order } },
      { type: "trading.order.submitted", id: `${order.id}/submitted`, data: { userId, order: submitted } },
    ],
  };
}

/** It came as far as the check of its risk, and changes nothing. */
export function rejected(account: Account, wanted: NewOrder, reason: string, now: number): Change {
  const { userId } = account;
  const order = orderOf(wanted, now);
  return {
    account,
    events: [
      { type: "trading.order.created", id: `${order.id}/created`, data: { userId, order } },
      { type: "trading.order.rejected", id: `${order.id}/rejected`, data: { userId, order: { ...order, status: "rejected" }, reason } },
    ],
  };
}

/** Of an open order, what is not filled. */
export function cancelled(account: Account, order: Order, reason: string): Change {
  const { userId } = account;
  const after = withOrder(account, order, false);
  return {
    account: after,
    events: [
      { type: "trading.order.cancelled", id: `${order.id}/cancelled`, data: { userId, order: { ...order, status: "cancelled" }, reason } },
      balanceEvent(after, `${order.id}/unlocked`),
    ],
  };
}

/** Part of an open order, or what is left of it. */
export function filled(account: Account, { orderId, quantity, price, mark }: Execution, now: number): Change {
  const before = account.orders.get(orderId);
  if (before === undefined) throw new Error(`${orderId} is not open`);
  const { userId } = account;
  const at = new Date(now).toISOString();
  const order = afterFill(before, quantity, price, at);
  const isOpen = order.status !== "filled";
  // By how much was filled in all, so that the id of this fill is the same whoever counts.
  const fillId = `${orderId}/${order.filledQuantity.toString()}`;
  const fill = { symbol: order.symbol, side: order.side, quantity, price };
  const legs = legsOf(account.holdings.get(order.symbol), fill, { id: `${POSITION_PREFIX}${nameOf(fillId)}`, openedAt: at });
  const booked = legs.reduce((each, leg) => book(each, leg, price), withOrder(account, order, isOpen));
  return {
    account: booked,
    events: [
      { type: "trading.order.filled", id: fillId, data: { userId, order } },
      ...legs.flatMap((leg, index) => [
        tradeEvent(userId, order, leg, { price, at, fillId, number: index + 1 }),
        positionEvent(userId, leg, { mark, at, id: `${fillId}/position-${index + 1}` }),
      ]),
      balanceEvent(booked, `${fillId}/balance`),
    ],
  };
}

/** Cash is settled in cents; what is below a cent rounds half to even. */
function book(account: Account, { became, holding, gain, quantity }: Leg, price: Big): Account {
  const holdings = new Map(account.holdings);
  if (became === "closed") holdings.delete(holding.symbol);
  else holdings.set(holding.symbol, holding);
  return { ...account, holdings, cash: account.cash.plus(inCents(gain)).minus(feeOf(quantity.times(price))) };
}

export function balanceEvent(account: Account, id: string): TradingEvent {
  const balance: Balance = balanceOf(account);
  return { type: "trading.balance.updated", id, data: { userId: account.userId, balance } };
}

function tradeEvent(
  userId: string,
  order: Order,
  { trade: type, quantity }: Leg,
  { price, at, fillId, number }: { readonly price: Big; readonly at: string; readonly fillId: string; readonly number: number },
): TradingEvent {
  const value = quantity.times(price);
  const trade: Trade = {
    id: `${TRADE_PREFIX}${nameOf(fillId)}-${number}`,
    orderId: order.id,
    symbol: order.symbol,
    side: order.side,
    type,
    quantity: quantity.toFixed(),
    price: price.toFixed(),
    value: value.toFixed(),
    fee: feeOf(value).toFixed(2),
    executedAt: at,
  };
  return { type: "trading.trade.executed", id: `${fillId}/trade-${number}`, data: { userId, trade } };
}

function positionEvent(
  userId: string,
  { became, holding }: Leg,
  { mark, at, id }: { readonly mark: Big; readonly at: string; readonly id: string },
): TradingEvent {
  const position: Position = positionOf(holding, mark, became === "closed" ? at : undefined);
  return { type: `trading.position.${became}`, id, data: { userId, position } };
}

function orderOf({ id, symbol, side, type, quantity, price }: NewOrder, now: number): Order {
  return {
    id,
    symbol,
    side,
    type,
    quantity: quantity.toFixed(),
    price: price?.toFixed() ?? null,
    status: "pending",
    filledQuantity: "0",
    averagePrice: null,
    createdAt: new Date(now).toISOString(),
  };
}

function afterFill(order: Order, quantity: Big, price: Big, at: string): Order {
  const before = toBig(order.filledQuantity);
  const total = before.plus(quantity);
  const wanted = toBig(order.quantity);
  if (total.gt(wanted)) throw new Error(`${order.id} would be filled beyond its quantity`);
  const cost = toBig(order.averagePrice ?? "0")
    .times(before)
    .plus(price.times(quantity));
  return {
    ...order,
    status: total.eq(wanted) ? "filled" : "partially_filled",
    filledQuantity: total.toFixed(),
    averagePrice: cost.div(total).round(8, 2).toFixed(),
    filledAt: at,
  };
}

/** Unlike an event's id it is shown to people. */
function nameOf(fillId: string): string {
  return fillId.slice(ORDER_PREFIX.length).replace("/", "-");
}
