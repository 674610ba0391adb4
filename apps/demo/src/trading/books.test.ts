import { describe, expect, it } from "vitest";
import { toBig } from "@broadtape/protocol/money";
import type { Deal } from "../desk/deal-book.ts";
import { FakeClock } from "../desk/fake-clock.ts";
import { MarketPrices } from "../desk/market-prices.ts";
import { seeded } from "../desk/random.ts";
import { Books } from "./books.ts";
import { RecordedServer } from "./recorded-server.ts";
import { readAccounts } from "./standing.ts";

const ada = { userId: "ada", tenant: "demo-bank" };
const deal = (tradeId: string, change: Partial<Deal> = {}): Deal => ({
  tradeId,
  symbol: "EURUSD",
  side: "buy",
  quantity: "1000000",
  price: "1.39360",
  quoteId: "q",
  lpId: "lp",
  ...change,
});

async function setUp(server = new RecordedServer(), clock = new FakeClock()) {
  const prices = new MarketPrices();
  prices.take({ symbol: "EURUSD", source: "A", bid: "1.39350", ask: "1.39360" });
  const faults: unknown[] = [];
  const books = new Books({
    accounts: await readAccounts({ url: "http://server", traders: [ada], fetch: server.fetch }),
    clock,
    random: seeded(1),
    prices,
    publish: server.publish,
    onFault: (error) => faults.push(error),
  });
  const settle = (each: Deal) =>
    books.settle(ada, each, async (alongside) => {
      await server.publish(alongside);
      return "stored";
    });
  return { books, server, clock, prices, faults, settle };
}

describe("the books", () => {
  it("make a deal of the desk an order with its whole life, a trade, a position and a balance, all in one", async () => {
    const { books, server, settle } = await setUp();
    const batches: number[] = [];
    await books.settle(ada, deal("t1"), async (alongside) => {
      batches.push(alongside.length);
      await server.publish(alongside);
      return "stored";
    });
    expect(batches).toEqual([6]);
    expect(server.storyOf("demo-order-t1")).toEqual([
      "order.created",
      "order.submitted",
      "order.filled",
      "trade.executed",
      "position.opened",
      "balance.updated",
    ]);
    const { orders, positions, trades, balances } = server.snapshotOf("ada");
    expect(orders).toMatchObject([
      { type: "rfq", status: "filled", quantity: "1000000", filledQuantity: "1000000", averagePrice: "1.3936" },
    ]);
    expect(positions).toMatchObject([{ side: "long", entryPrice: "1.3936", currentPrice: "1.39355", unrealizedPnL: "-50" }]);
    expect(trades).toMatchObject([{ orderId: "demo-order-t1", type: "entry", value: "1393600", fee: "27.87" }]);
    expect(balances).toEqual([{ currency: "USD", total: "4999972.13", available: "4972100.13", locked: "27872.00" }]);
    await settle(deal("t2", { side: "sell", quantity: "1500000", price: "1.39400" }));
    expect(server.storyOf("demo-order-t2").slice(2)).toEqual([
      "order.filled",
      "trade.executed",
      "position.closed",
      "trade.executed",
      "position.opened",
      "balance.updated",
    ]);
    expect(server.snapshotOf("ada").positions).toMatchObject([{ side: "short", quantity: "500000", entryPrice: "1.394" }]);
    expect(server.snapshotOf("ada").trades.map(({ type, quantity }) => [type, quantity])).toEqual([
      ["entry", "1000000"],
      ["exit", "1000000"],
      ["entry", "500000"],
    ]);
    // 400 gained, less three fees.
    expect(server.snapshotOf("ada").balances).toMatchObject([{ total: "5000330.31" }]);
  });

  it("fill a large deal in two parts, of which the second is not lost and not doubled by a restart in between", async () => {
    const first = await setUp();
    await first.settle(deal("t1", { quantity: "5000000" }));
    const parts = () => first.server.snapshotOf("ada").orders.map(({ status, filledQuantity }) => [status, filledQuantity]);
    expect(parts()).toEqual([["partially_filled", "3000000"]]);

    const second = await setUp(first.server, first.clock);
    await second.books.endOpenOrders("started again");
    expect(parts()).toEqual([["filled", "5000000"]]);
    const stored = first.server.lines.length;
    // The first one was not killed after all: its second part is the same event.
    await first.clock.pass(2000);
    expect([first.server.lines.length, first.server.repeated]).toEqual([stored, 4]);
    expect(first.server.snapshotOf("ada").positions).toMatchObject([{ quantity: "5000000", entryPrice: "1.3936" }]);
    expect([first.faults, second.faults]).toEqual([[], []]);
  });

  it("change one after the other, and by nothing that the log does not hold", async () => {
    const { books, server, settle } = await setUp();
    const refused = books.settle(ada, deal("t1"), async () => "refused");
    const stored = settle(deal("t2", { quantity: "1000" }));
    expect(await Promise.all([refused, stored])).toEqual(["refused", "stored"]);
    expect(server.snapshotOf("ada")).toMatchObject({ orders: [{ id: "demo-order-t2" }], positions: [{ quantity: "1000" }] });
    expect(books.exposureOf(ada, "EURUSD")).toBeCloseTo(0.0001);
  });

  it("object to what the account cannot bear, as a rejected order, but never to less of a position", async () => {
    const { books, server, settle } = await setUp();
    for (const id of ["t1", "t2", "t3"]) await settle(deal(id, { quantity: "50000000" }));
    expect(books.objectionTo(ada, deal("t4", { quantity: "50000000" }))).toBe("not enough available balance");
    expect(books.objectionTo(ada, deal("t5", { quantity: "50000000", side: "sell" }))).toBeUndefined();
    await books.idle();
    expect(server.storyOf("demo-order-t4")).toEqual(["order.created", "order.rejected"]);
    expect(server.lines.at(-1)?.data).toMatchObject({ order: { status: "rejected" }, reason: "not enough available balance" });
  });

  it("are kept for the demo's users alone: a stranger deals and has no account", async () => {
    const { books, server } = await setUp();
    const zoe = { userId: "ada", tenant: "other" };
    expect(books.objectionTo(zoe, deal("t1", { quantity: "50000000" }))).toBeUndefined();
    expect(await books.settle(zoe, deal("t1"), async (alongside) => (alongside.length === 0 ? "stored" : "refused"))).toBe("stored");
    expect(server.lines).toEqual([]);
  });

  it("lock what a resting order would need, and free it when it is cancelled", async () => {
    const { books, server } = await setUp();
    const order = {
      id: "demo-order-1",
      symbol: "EURUSD",
      side: "buy",
      type: "limit",
      quantity: toBig(1000),
      price: toBig("1.39"),
    } as const;
    await books.place(ada, order);
    expect(server.snapshotOf("ada").balances).toMatchObject([{ total: "5000000.00", locked: "27.80" }]);
    await books.cancel(ada, order.id, "changed my mind");
    await books.cancel(ada, order.id, "changed my mind");
    await books.fill(ada, order.id, toBig("1.39"));
    expect(server.storyOf(order.id)).toEqual(["order.created", "order.submitted", "balance.updated", "order.cancelled", "balance.updated"]);
    expect(server.snapshotOf("ada").balances).toMatchObject([{ available: "5000000.00", locked: "0.00" }]);
  });

  it("reject a limit that is far from the market", async () => {
    const { books, server } = await setUp();
    await books.place(ada, { id: "demo-order-1", symbol: "EURUSD", side: "buy", type: "limit", quantity: toBig(1), price: toBig("1.5") });
    expect(server.lines.at(-1)?.data).toMatchObject({ reason: "the price is more than 1 % away from the market" });
  });

  it("stop at a fault, which is told once", async () => {
    const { books, server, faults } = await setUp();
    const fault = new Error("refused");
    const refused = books.settle(ada, deal("t1"), async () => Promise.reject(fault));
    const after = books.cancel(ada, "demo-order-t1", "no");
    expect(await refused).toBe("refused");
    await after;
    expect([faults, server.lines]).toEqual([[fault], []]);
  });
});
