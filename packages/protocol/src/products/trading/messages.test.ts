import { describe, expect, it } from "vitest";
import { type EventTypeName, catalogue } from "../../catalogue.ts";
import { parseJson } from "../../json.ts";
import { tradingMessageOf } from "./messages.ts";
import { orderSnapshotOf, positionSnapshotOf, positionUpdateOf, tradingStreamMessageOf } from "./stream.ts";
import { orderOf, positionOf } from "./entities.ts";

const told = { eventId: "1735819800000-000700000000a1", time: "2026-11-21T13:00:00+01:00" };
const head = { timestamp: "2026-11-21T12:00:00.000Z", eventId: told.eventId };

const order = {
  id: "o1",
  symbol: "AAPL",
  side: "buy" as const,
  type: "limit",
  quantity: "10.00",
  price: "187.50",
  status: "open",
  filledQuantity: "0",
  averagePrice: null,
  createdAt: "2026-11-21T12:00:00.000Z",
};
const position = {
  id: "p1",
  symbol: "AAPL",
  side: "long" as const,
  quantity: "10",
  entryPrice: "187.50",
  currentPrice: "188.00",
  unrealizedPnL: "5.00",
  unrealizedPnLPercent: "0.2667",
  realizedPnL: "1.50",
  totalPnL: "6.50",
  status: "open",
  openedAt: "2026-11-21T12:00:00.000Z",
};
const trade = {
  id: "t1",
  orderId: "o1",
  symbol: "AAPL",
  side: "buy",
  type: "entry" as const,
  quantity: "10",
  price: "187.50",
  value: "1875.00",
  fee: "1.00",
  executedAt: "2026-11-21T12:00:00.000Z",
};
const balance = { currency: "USD", total: "10000.00", available: "9000.00", locked: "1000.00" };

const samples: Readonly<Record<string, object>> = {
  "trading.order.created": { order },
  "trading.order.submitted": { order },
  "trading.order.filled": { order },
  "trading.order.cancelled": { order, reason: "changed my mind" },
  "trading.order.rejected": { order, reason: "no funds" },
  "trading.position.opened": { position },
  "trading.position.updated": { position },
  "trading.position.closed": { position },
  "trading.trade.executed": { trade },
  "trading.balance.updated": { balance },
};

/** The data as it passes its schema. */
const dataOf = (type: string, about: object) => catalogue[type as EventTypeName].schema.parse({ userId: "ann", ...about });

/** With more in it, at every level, than the contract names. */
const withMore = (about: object): object => ({
  ...Object.fromEntries(
    Object.entries(about).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === "object" && value !== null ? { ...value, strategy: "hidden", apiKey: "hidden", meta: { desk: "hidden" } } : value,
    ]),
  ),
  internal: "hidden",
  password: "hidden",
});

const messageOf = (type: string, about: object) => tradingMessageOf(type, dataOf(type, about), told);
const streamed = (type: string, about: object, positions = [positionOf(position)]) =>
  tradingStreamMessageOf(type, dataOf(type, about), told, positions);

describe("a trading message", () => {
  it.each(Object.entries(samples))("says %s with the fields of the contract", (type, about) => {
    const name = type.split(".").slice(1).join(":");
    expect(messageOf(type, about)).toEqual({ name, body: { ...about, ...head } });
  });

  it.each(Object.entries(samples))("shows nothing else of %s, whatever a publisher adds", (type, about) => {
    expect(messageOf(type, withMore(about))).toEqual(messageOf(type, about));
    expect(streamed(type, withMore(about))).toEqual(streamed(type, about));
  });

  it("shows when an order was filled and a position closed, in UTC with milliseconds", () => {
    const at = Date.parse(head.timestamp);
    expect(messageOf("trading.order.filled", { order: { ...order, createdAt: at, filledAt: "2026-11-21T12:00:01Z" } })?.body).toMatchObject(
      {
        order: { createdAt: head.timestamp, filledAt: "2026-11-21T12:00:01.000Z" },
      },
    );
    expect(messageOf("trading.position.closed", { position: { ...position, closedAt: at } })?.body).toMatchObject({
      position: { closedAt: head.timestamp },
    });
    const { body } = messageOf("trading.order.created", { order: { ...order, filledAt: null } }) ?? {};
    expect(JSON.stringify(body)).not.toContain("filledAt");
  });

  it("says null where an order has no price, also where its publisher said nothing", () => {
    const { price: _price, averagePrice: _averagePrice, ...market } = order;
    expect(messageOf("trading.order.created", { order: market })?.body).toMatchObject({ order: { price: null, averagePrice: null } });
  });

  it("keeps every digit, of numbers and of text", () => {
    const about = parseJson('{"balance":{"currency":"USD","total":10000.00,"available":"9000.000","locked":1e3}}') as object;
    expect(JSON.stringify(messageOf("trading.balance.updated", about)?.body)).toContain(
      '"total":10000.00,"available":"9000.000","locked":1e3',
    );
  });

  it("is none of an event of another product", () => {
    expect(tradingMessageOf("rfq.created", {}, told)).toBeUndefined();
    expect(tradingMessageOf("toString", {}, told)).toBeUndefined();
    expect(tradingStreamMessageOf("rfq.created", {}, told, [])).toBeUndefined();
  });

  it("needs a reason where an order is rejected", () => {
    expect(catalogue["trading.order.rejected"].schema.safeParse({ userId: "ann", order }).success).toBe(false);
    expect(messageOf("trading.order.cancelled", { order, reason: null })?.body).toEqual({ order, ...head });
  });
});

describe("a trading stream", () => {
  const line = { orderId: "o1", symbol: "AAPL", side: "buy", qty: "10.00", status: "open", filledQty: "0" };

  it("says what an order is like, and why", () => {
    expect(streamed("trading.order.created", { order })).toEqual({ name: "order:update", body: { ...line, ...head } });
    expect(streamed("trading.order.rejected", { order: { ...order, averagePrice: "1.10" }, reason: "no funds" })).toEqual({
      name: "order:update",
      body: { ...line, filledAvgPrice: "1.10", reason: "no funds", ...head },
    });
  });

  it("says a fill, whole or in part, in one of two words", () => {
    const fill = (over: object) => streamed("trading.order.filled", { order: { ...order, averagePrice: "187.40", ...over } });
    expect(fill({ filledQuantity: "10", status: "filled" })).toEqual({
      name: "order:fill",
      body: { orderId: "o1", symbol: "AAPL", status: "filled", filledQty: "10", filledAvgPrice: "187.40", ...head },
    });
    expect(fill({ filledQuantity: "10.000", status: "DONE" })?.body).toMatchObject({ status: "filled" });
    expect(fill({ filledQuantity: "9.99", status: "PARTIAL" })?.body).toMatchObject({ status: "partially_filled" });
    expect(fill({ filledQuantity: "10", status: "partially_filled" })?.body).toMatchObject({ status: "partially_filled" });
  });

  it("says which positions changed, and what all are worth", () => {
    const { symbol, quantity, entryPrice, currentPrice, unrealizedPnL, realizedPnL } = position;
    const shown = { symbol, quantity, entryPrice, currentPrice, unrealizedPnL, realizedPnL };
    const short = positionOf({ ...position, id: "p2", symbol: "TSLA", side: "short", quantity: 1, currentPrice: "100.50" });
    const all = [positionOf(position), short];
    const update = { name: "position:update", body: { positions: [shown], totalValue: "1779.5", ...head } };
    expect(streamed("trading.position.updated", { position }, all)).toEqual(update);
    expect(positionUpdateOf([positionOf(position)], all, told)).toEqual(update);
  });

  it("says a closed position with quantity 0 and its realized P&L", () => {
    const closed = (over: object) => streamed("trading.position.closed", { position: { ...position, ...over } }, [])?.body;
    expect(closed({})).toMatchObject({ positions: [{ symbol: "AAPL", quantity: "0", realizedPnL: "1.50" }], totalValue: "0" });
    expect(closed({ quantity: 10 })).toMatchObject({ positions: [{ quantity: 0 }] });
  });

  it("says a trade, and no balance", () => {
    const { id, ...rest } = trade;
    expect(streamed("trading.trade.executed", { trade })).toEqual({ name: "trade:new", body: { tradeId: id, ...rest, ...head } });
    expect(streamed("trading.balance.updated", { balance })).toBeUndefined();
  });

  it("begins with all that stands", () => {
    expect(orderSnapshotOf([orderOf(order)], told)).toEqual({ name: "order:update", body: { snapshot: true, orders: [line], ...head } });
    expect(positionSnapshotOf([positionOf(position)], told)).toMatchObject({
      name: "position:update",
      body: { snapshot: true, positions: [{ symbol: "AAPL", quantity: "10" }], totalValue: "1880", ...head },
    });
    expect(positionSnapshotOf([], told).body).toEqual({ snapshot: true, positions: [], totalValue: "0", ...head });
  });
});
