import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber, parseJson } from "../../json.ts";
import { MONITORED, type Monitor, foldMonitor, monitorAt, monitorSnapshotOf } from "./monitor.ts";
import { valuesOf } from "./shelf.ts";
import {
  ORDERS_KEPT,
  POSITIONS_KEPT,
  TRADES_KEPT,
  type Trading,
  type TradingEvent,
  foldOrders,
  foldPositions,
  foldTrading,
  isOrderOpen,
  openPositions,
  tradingSnapshotOf,
  withSnapshot,
} from "./state.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const time = "2026-11-21T12:00:00.000Z";

const order = (offset: number, id: string, status: string, over: object = {}, type = "updated"): TradingEvent => ({
  type: type === "updated" ? "trading.order.submitted" : `trading.order.${type}`,
  data: {
    userId: "ann",
    order: {
      id,
      symbol: "AAPL",
      side: "buy",
      type: "limit",
      quantity: "10",
      status,
      filledQuantity: "0",
      createdAt: time,
      shard: 7,
      ...over,
    },
  },
  offset,
});
const position = (offset: number, id: string, type: "opened" | "updated" | "closed", realizedPnL: unknown = "0"): TradingEvent => ({
  type: `trading.position.${type}`,
  data: {
    userId: "ann",
    position: {
      id,
      symbol: "AAPL",
      side: "long",
      quantity: "1",
      entryPrice: "1",
      currentPrice: "1",
      unrealizedPnL: "0",
      unrealizedPnLPercent: "0",
      realizedPnL,
      totalPnL: realizedPnL,
      status: type === "closed" ? "closed" : "open",
      openedAt: time,
    },
  },
  offset,
});
const trade = (offset: number, id: string): TradingEvent => ({
  type: "trading.trade.executed",
  data: {
    userId: "ann",
    trade: {
      id,
      orderId: "o",
      symbol: "AAPL",
      side: "buy",
      type: "entry",
      quantity: "1",
      price: "1",
      value: "1",
      fee: "0",
      executedAt: time,
    },
  },
  offset,
});
const balance = (offset: number, currency: string, total: unknown): TradingEvent => ({
  type: "trading.balance.updated",
  data: { userId: "ann", balance: { currency, total, available: total, locked: "0" } },
  offset,
});

const fold = (events: readonly TradingEvent[], from: Trading = {}) => events.reduce(foldTrading, from);
const shown = (events: readonly TradingEvent[]) => tradingSnapshotOf(fold(events));
const numbered = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

describe("a user's trading", () => {
  it("is each order, open position, trade and balance as its newest event said", () => {
    const snapshot = shown([
      order(1, "a", "new", {}, "created"),
      order(2, "a", "filled", { filledQuantity: "10", averagePrice: "1.10" }, "filled"),
      position(3, "p", "opened"),
      position(4, "p", "updated", "5"),
      trade(5, "t"),
      balance(6, "USD", "1.00"),
      balance(7, "USD", "2.00"),
    ]);
    expect(snapshot).toMatchObject({
      orders: [{ id: "a", status: "filled", averagePrice: "1.10", price: null }],
      positions: [{ id: "p", realizedPnL: "5" }],
      trades: [{ id: "t" }],
      balances: [{ currency: "USD", total: "2.00" }],
    });
    expect(snapshot.orders[0]).not.toHaveProperty("shard");
  });

  it("never goes back, and is the same object after an event that says nothing new", () => {
    const state = fold([order(5, "a", "filled", {}, "filled"), position(6, "p", "updated"), trade(7, "t"), balance(8, "USD", "1")]);
    for (const event of [
      order(5, "a", "new"),
      order(4, "a", "new"),
      position(6, "p", "opened"),
      trade(7, "t"),
      balance(1, "USD", "9"),
      { type: "rfq.created", data: {}, offset: 99 },
    ])
      expect(foldTrading(state, event)).toBe(state);
  });

  it("knows a closed position no more, also when an older event of it comes late", () => {
    const state = fold([position(1, "p", "opened"), position(3, "p", "closed", "5"), position(2, "p", "updated")]);
    expect(tradingSnapshotOf(state).positions).toEqual([]);
    expect(tradingSnapshotOf(fold([position(4, "p", "opened")], state)).positions).toHaveLength(1);
  });

  it("ends the same in whatever order and however often its events come", () => {
    const id = fc.constantFrom("a", "b", "constructor");
    const kind = fc.constantFrom("order", "position", "closed", "trade", "balance");
    const eventOf = ({ id, kind }: { id: string; kind: string }, index: number): TradingEvent => {
      const offset = index + 1;
      if (kind === "order") return order(offset, id, `S${index}`);
      if (kind === "trade") return trade(offset, id);
      if (kind === "balance") return balance(offset, id, index);
      return position(offset, id, kind === "closed" ? "closed" : "updated", index);
    };
    const sorted = (state: Trading) =>
      Object.values(tradingSnapshotOf(state)).map((all: readonly object[]) => all.map((each) => JSON.stringify(each)).sort());
    fc.assert(
      fc.property(
        fc.array(fc.record({ id, kind }), { maxLength: 12 }).chain((all) => {
          const events = all.map(eventOf);
          return fc.tuple(fc.constant(events), fc.shuffledSubarray([...events, ...events], { minLength: 2 * events.length }));
        }),
        ([events, shuffled]) => {
          expect(sorted(fold(shuffled))).toEqual(sorted(fold(events)));
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  it("goes on from a snapshot as if there had been none: what is older than its cut is known", () => {
    const before = [order(1, "a", "open"), order(2, "b", "filled"), position(3, "p", "opened"), trade(4, "t"), balance(5, "USD", "1")];
    const after = [order(6, "a", "filled", {}, "filled"), order(7, "c", "new"), position(8, "p", "closed"), balance(9, "EUR", "3")];
    const snapshot = JSON.parse(JSON.stringify(shown(before))) as ReturnType<typeof shown>;
    const resumed = fold([...before, ...after, ...before], withSnapshot({}, snapshot, 5));
    expect(tradingSnapshotOf(resumed)).toEqual(shown([...before, ...after]));
  });

  it("keeps what a snapshot does not hold", () => {
    const state = fold([trade(1, "t"), position(2, "p", "opened")]);
    const { trades, positions } = withSnapshot(state, { orders: [], positions: [], balances: [] }, 3);
    expect(trades).toBe(state.trades);
    expect(openPositions(positions)).toEqual([]);
  });

  it("goes through JSON as it is, digits and all", () => {
    const state = fold([balance(1, "USD", new ExactNumber("10.00")), order(2, "a", "open"), position(3, "p", "closed")]);
    expect(parseJson(JSON.stringify(state))).toEqual(
      JSON.parse(JSON.stringify(state), (key, value: unknown) =>
        key === "total" || key === "available" ? new ExactNumber("10.00") : value,
      ),
    );
    expect(foldTrading(parseJson(JSON.stringify(state)) as Trading, order(1, "a", "new"))).toMatchObject({
      orders: { kept: [{ offset: 2 }] },
    });
  });
});

describe("what is kept", () => {
  it("is every open order before closed ones, and of those the newest", () => {
    const closed = numbered(ORDERS_KEPT.closed + 3, (index) => order(index + 2, `c${index}`, "canceled"));
    const { orders } = fold([order(1, "open", "new"), ...closed]);
    const ids = valuesOf(orders).map(({ id }) => id);
    expect(ids).toHaveLength(ORDERS_KEPT.closed + 1);
    expect(ids.slice(0, 2)).toEqual(["open", "c3"]);
    expect(foldOrders(orders, order(2, "c0", "new"))).toBe(orders);
  });

  it("is bounded, whatever is published", () => {
    const { orders, positions, trades } = fold([
      ...numbered(ORDERS_KEPT.open + 2, (index) => order(index + 1, `o${index}`, "new")),
      ...numbered(POSITIONS_KEPT.open + 2, (index) => position(index + 1, `p${index}`, "opened")),
      ...numbered(POSITIONS_KEPT.closed + 2, (index) => position(index + 5000, `c${index}`, "closed")),
      ...numbered(TRADES_KEPT.closed + 2, (index) => trade(index + 1, `t${index}`)),
    ]);
    expect(orders?.kept).toHaveLength(ORDERS_KEPT.open);
    expect(orders?.kept[0]?.key).toBe("o2");
    expect(openPositions(positions)).toHaveLength(POSITIONS_KEPT.open);
    expect(positions?.kept).toHaveLength(POSITIONS_KEPT.open + POSITIONS_KEPT.closed);
    expect(valuesOf(trades).at(-1)?.id).toBe(`t${TRADES_KEPT.closed + 1}`);
    expect(trades?.kept).toHaveLength(TRADES_KEPT.closed);
  });

  it("does not come back once it has gone", () => {
    const { positions } = fold(numbered(POSITIONS_KEPT.closed + 1, (index) => position(2 * index + 2, `p${index}`, "closed")));
    expect(foldPositions(positions, position(1, "p0", "opened"))).toBe(positions);
  });
});

describe("an order", () => {
  const of = (status: string, filledQuantity = "0") => {
    const { orders } = fold([order(1, "a", status, { filledQuantity })]);
    return orders?.kept[0]?.isOpen;
  };

  it("is open until its status says its end, or all of it is filled", () => {
    expect([of("new"), of("partially_filled", "9.99"), of("pending_cancel")]).toEqual([true, true, true]);
    expect([of("filled"), of("CANCELED"), of("cancelled"), of("Rejected"), of("expired"), of("working", "10.00")].some(Boolean)).toBe(
      false,
    );
  });

  it("is closed by what happened to it, whatever its publisher calls that", () => {
    const [shownOrder] = shown([order(1, "a", "X1")]).orders;
    if (shownOrder === undefined) throw new Error("no order");
    expect(isOrderOpen("trading.order.cancelled", shownOrder)).toBe(false);
    expect(isOrderOpen("trading.order.rejected", shownOrder)).toBe(false);
    expect(isOrderOpen("trading.order.filled", shownOrder)).toBe(true);
  });
});

describe("a tenant's monitor", () => {
  const of = (userId: string, { type, data, offset }: TradingEvent): TradingEvent => ({
    type,
    data: { ...(data as object), userId },
    offset,
  });
  const watch = (events: readonly TradingEvent[], from?: Monitor) => events.reduce<Monitor | undefined>(foldMonitor, from);
  const events = [
    of("ann", order(1, "a", "new")),
    of("ben", order(2, "a", "new")),
    of("ann", position(3, "p", "opened")),
    of("ann", trade(4, "t")),
  ];

  it("shows everybody's orders, open positions and trades, each with its user, and tells equal ids apart", () => {
    const state = watch([...events, of("ann", order(5, "a", "filled")), of("ben", position(6, "q", "closed"))]);
    expect(state && monitorSnapshotOf(state)).toMatchObject({
      orders: [
        { userId: "ann", order: { id: "a", status: "filled" } },
        { userId: "ben", order: { id: "a", status: "new" } },
      ],
      positions: [{ userId: "ann", position: { id: "p" } }],
      trades: [{ userId: "ann", trade: { id: "t" } }],
    });
  });

  it("shows no balance, and is the same object after an event that says nothing new", () => {
    expect(watch([balance(1, "USD", "1")])).toBeUndefined();
    const state = watch(events);
    for (const event of [...events, balance(9, "USD", "1")]) expect(foldMonitor(state, event)).toBe(state);
  });

  it("goes on from a snapshot, and stays as large as it may be", () => {
    const state = watch(events);
    if (state === undefined) throw new Error("nothing was seen");
    const after = [of("ben", order(5, "a", "filled")), of("ann", position(6, "p", "closed"))];
    const resumed = watch([...events, ...after], monitorAt(monitorSnapshotOf(state), 4));
    const whole = watch(after, state);
    expect(resumed && monitorSnapshotOf(resumed)).toEqual(whole && monitorSnapshotOf(whole));
    const many = watch(numbered(MONITORED.open + 9, (index) => of(`u${index}`, order(index + 1, "a", "new"))));
    expect(many?.orders?.kept).toHaveLength(MONITORED.open);
  });
});
