/** How trading reads on the SSE streams (contract 50-sse): the same events and states as in `messages.ts` and `state.ts`, in part 5's words. */
import { type Decimal, compareDecimals } from "../../money.ts";
import { type Order, type Position, type Trade, isoOf } from "./entities.ts";
import { type Told, isTradingType, tradingShownOf } from "./messages.ts";
import { isPositionOpen } from "./state.ts";
import { totalValueOf } from "./valuation.ts";

export interface TradingStreamMessage {
  readonly name: "order:update" | "order:fill" | "position:update" | "trade:new";
  readonly body: object;
}

/**
 * `positions` are all that the user has after the event, as they are valued now; looked at for events of positions alone.
 * Undefined for balances and for types of other products: no stream tells of them.
 */
export function tradingStreamMessageOf(
  type: string,
  data: unknown,
  told: Told,
  positions: readonly Position[],
): TradingStreamMessage | undefined {
  const shown = tradingShownOf(type, data);
  if (shown === undefined || !isTradingType(type)) return undefined;
  if ("order" in shown) {
    const { order, reason } = shown;
    if (type === "trading.order.filled") return { name: "order:fill", body: { ...fillOf(order), ...headOf(told) } };
    return { name: "order:update", body: { ...orderLineOf(order), ...(reason !== undefined && { reason }), ...headOf(told) } };
  }
  if ("position" in shown) {
    const { position } = shown;
    const changed = isPositionOpen(type, position) ? position : { ...position, quantity: zeroLike(position.quantity) };
    return positionUpdateOf([changed], positions, told);
  }
  if ("trade" in shown) return { name: "trade:new", body: { ...tradeLineOf(shown.trade), ...headOf(told) } };
  return undefined;
}

/** Positions that changed, with what all are worth; also when the change is one of price. */
export function positionUpdateOf(changed: readonly Position[], all: readonly Position[], told: Told): TradingStreamMessage {
  return { name: "position:update", body: { ...portfolioOf(changed, all), ...headOf(told) } };
}

export function orderSnapshotOf(orders: readonly Order[], told: Told): TradingStreamMessage {
  return { name: "order:update", body: { snapshot: true, orders: orders.map(orderLineOf), ...headOf(told) } };
}

/** Of open positions. */
export function positionSnapshotOf(positions: readonly Position[], told: Told): TradingStreamMessage {
  return { name: "position:update", body: { snapshot: true, ...portfolioOf(positions, positions), ...headOf(told) } };
}

function orderLineOf({ id, symbol, side, quantity, status, filledQuantity, averagePrice }: Order) {
  return {
    orderId: id,
    symbol,
    side,
    qty: quantity,
    status,
    filledQty: filledQuantity,
    ...(averagePrice !== null && { filledAvgPrice: averagePrice }),
  };
}

/** `status` says one of two words here, whatever the publisher calls it. */
function fillOf({ id, symbol, quantity, status, filledQuantity, averagePrice }: Order) {
  const isKnown = status === "filled" || status === "partially_filled";
  const reached = compareDecimals(filledQuantity, quantity) < 0 ? "partially_filled" : "filled";
  return { orderId: id, symbol, status: isKnown ? status : reached, filledQty: filledQuantity, filledAvgPrice: averagePrice };
}

function portfolioOf(shown: readonly Position[], all: readonly Position[]) {
  const positions = shown.map(({ symbol, quantity, entryPrice, currentPrice, unrealizedPnL, realizedPnL }) => ({
    symbol,
    quantity,
    entryPrice,
    currentPrice,
    unrealizedPnL,
    realizedPnL,
  }));
  return { positions, totalValue: totalValueOf(all) };
}

function tradeLineOf({ id, orderId, symbol, side, type, quantity, price, value, fee, executedAt }: Trade) {
  return { tradeId: id, orderId, symbol, side, type, quantity, price, value, fee, executedAt };
}

function zeroLike(published: Decimal): Decimal {
  return typeof published === "string" ? "0" : 0;
}

function headOf({ eventId, time }: Told) {
  return { timestamp: isoOf(time), eventId };
}
