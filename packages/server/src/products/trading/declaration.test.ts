import { parseJson } from "@broadtape/protocol/json";
import { describe, expect, it } from "vitest";
import type { Position } from "@broadtape/protocol/products/trading/entities";
import { POSITION_REVALUED } from "@broadtape/protocol/products/trading/revaluation";
import { testSurface } from "../../../testing/connection.ts";
import { productRig } from "../../../testing/product-rig.ts";
import { Rig, identityOf } from "../../../testing/rig.ts";
import { marketData } from "../market-data/declaration.ts";
import { MONITOR, tradingProduct } from "./declaration.ts";

const order = (id: string, over: object = {}) => ({
  order: {
    id,
    symbol: "AAPL",
    side: "buy",
    type: "limit",
    quantity: "10.00",
    price: "187.50",
    status: "open",
    filledQuantity: "0",
    averagePrice: null,
    createdAt: "2026-11-21T12:00:00.000Z",
    ...over,
  },
});
const position = (id: string, over: object = {}) => ({
  position: {
    id,
    symbol: "AAPL",
    side: "long",
    quantity: "10",
    entryPrice: "187.50",
    currentPrice: "188.00",
    unrealizedPnL: "5.00",
    unrealizedPnLPercent: "0.2667",
    realizedPnL: "0",
    totalPnL: "5.00",
    status: "open",
    openedAt: "2026-11-21T12:00:00.000Z",
    ...over,
  },
});
const trade = (id: string) => ({
  trade: {
    id,
    orderId: "o1",
    symbol: "AAPL",
    side: "buy",
    type: "entry",
    quantity: "10.00",
    price: "187.50",
    value: "1875.00",
    fee: "1.00",
    executedAt: "2026-11-21T12:00:00.000Z",
  },
});
const balance = { balance: { currency: "USD", total: "10000.00", available: "9000.00", locked: "1000.00" } };
const market = marketData({ symbols: undefined, staleSourceMs: 30_000 });
const products = [market, tradingProduct(market.prices)];
const OWN = ["orders:me", "positions:me", "trades:me", "balances:me"];

const surface = testSurface({ word: ({ topic, event, data }) => ({ name: "event", body: JSON.stringify({ topic, event, text: data }) }) });

async function setUp() {
  const { rig, publishAll, faultsOf } = await productRig(...products);
  return {
    rig,
    faultsOf,
    publishAll,
    publish: (...events: (readonly [type: string, userId: string, about: object])[]) =>
      publishAll(...events.map(([type, userId, about]) => ({ type: `trading.${type}`, data: { userId, ...about } }))),
    follow: (userId: string, topics: readonly string[], terms: Terms = {}) => follow(rig, userId, topics, terms),
  };
}

interface Terms {
  readonly tenant?: string;
  readonly team?: readonly string[];
  readonly permissions?: readonly string[];
  readonly after?: string;
  readonly filters?: Readonly<Record<string, string>>;
}

async function follow(
  rig: Rig,
  userId: string,
  topics: readonly string[],
  { tenant, team = [], permissions = [], after, filters }: Terms = {},
) {
  const identity = { ...identityOf(userId, permissions, tenant), team: new Set(team) };
  const { session, client } = rig.open(identity, surface);
  const followed = await rig.follow(session, { topics, after, filters });
  return {
    session,
    identity,
    cut: followed.cut,
    codes: followed.results.map((result) => (result.ok ? "ok" : result.code)),
    states: followed.snapshots.map(({ state }) => state.replace(/,"eventId":"[^"]*"}$/, "}")),
    told: () => client.bodies("event") as { topic: string; event: string; text: string }[],
  };
}

describe("trading", () => {
  it("is told to its user and to those who have the user in their team, and to nobody else", async () => {
    const { publish, follow } = await setUp();
    const ann = await follow("ann", OWN);
    const lead = await follow("lead", ["orders:ann", "balances:ann", "orders:ben"], { team: ["ann"] });
    expect(lead.codes).toEqual(["ok", "ok", "FORBIDDEN"]);
    const ben = await follow("ben", [...OWN, "orders:ann", "orders:*", "orders", "trading:other"]);
    expect(ben.codes.slice(4)).toEqual(["FORBIDDEN", "BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST"]);
    const namesake = await follow("ann", OWN, { tenant: "other" });
    await publish(
      ["order.created", "ann", order("o1")],
      ["position.opened", "ann", position("p1")],
      ["trade.executed", "ann", trade("t1")],
      ["balance.updated", "ann", balance],
    );
    expect(ann.told().map(({ topic, event }) => [topic, event])).toEqual([
      ["orders:ann", "trading.order.created"],
      ["positions:ann", "trading.position.opened"],
      ["trades:ann", "trading.trade.executed"],
      ["balances:ann", "trading.balance.updated"],
    ]);
    expect(lead.told().map(({ topic }) => topic)).toEqual(["orders:ann", "balances:ann"]);
    expect([...ben.told(), ...namesake.told()]).toEqual([]);
  });

  it("ends for who loses a team", async () => {
    const { rig, publish, follow } = await setUp();
    const { session, identity, told } = await follow("lead", ["orders:ann"], { team: ["ann"] });
    rig.engine.reauthenticate(session, { ...identity, team: new Set() });
    await publish(["order.created", "ann", order("o1")]);
    expect(told()).toEqual([]);
  });

  it("is shown to monitors of the tenant, without balances", async () => {
    const { publish, follow } = await setUp();
    expect((await follow("ann", [MONITOR])).codes).toEqual(["FORBIDDEN"]);
    const monitor = await follow("eve", [MONITOR], { permissions: [MONITOR] });
    const foreign = await follow("eve", [MONITOR], { permissions: [MONITOR], tenant: "other" });
    await publish(
      ["order.created", "ann", order("o1")],
      ["balance.updated", "ann", balance],
      ["order.created", "ben", order("o1")],
      ["position.opened", "ann", position("p1")],
      ["trade.executed", "ann", trade("t1")],
    );
    expect(monitor.told().map(({ text }) => parseJson(text))).toEqual([
      { userId: "ann", ...order("o1") },
      { userId: "ben", ...order("o1") },
      { userId: "ann", ...position("p1") },
      { userId: "ann", ...trade("t1") },
    ]);
    expect(foreign.told()).toEqual([]);
    const [state = ""] = (await follow("eve", [MONITOR], { permissions: [MONITOR] })).states;
    expect(JSON.parse(state)).toEqual({
      orders: [
        { userId: "ann", ...order("o1") },
        { userId: "ben", ...order("o1") },
      ],
      positions: [{ userId: "ann", ...position("p1") }],
      trades: [{ userId: "ann", ...trade("t1") }],
    });
  });

  it("tells nothing that a publisher adds by accident, and every digit that it means", async () => {
    const { rig, publish, follow } = await setUp();
    const ann = await follow("ann", OWN);
    const added = parseJson('{"order":{"quantity":10.00,"apiKey":"k","meta":{"desk":1}},"internal":true}') as { order: object };
    await publish(["order.rejected", "ann", { ...added, ...order("o1", added.order), reason: "no funds" }]);
    const [{ text } = { text: "" }] = ann.told();
    expect(text).toBe(
      '{"userId":"ann","order":{"id":"o1","symbol":"AAPL","side":"buy","type":"limit","quantity":10.00,"price":"187.50","status":"open",' +
        '"filledQuantity":"0","averagePrice":null,"createdAt":"2026-11-21T12:00:00.000Z"},"reason":"no funds"}',
    );
    expect(rig.disk.events[0]?.event.data).toContain("apiKey");
    const [snapshot = ""] = (await follow("ann", ["orders:me"])).states;
    expect(snapshot).toContain('"quantity":10.00');
    expect(snapshot).not.toContain("apiKey");
  });

  it("begins with what stands: orders, open positions and their value, trades, balances", async () => {
    const { publish, follow } = await setUp();
    await publish(
      ["order.created", "ann", order("o1")],
      ["order.filled", "ann", order("o1", { status: "filled", filledQuantity: "10.00" })],
      ["position.opened", "ann", position("p1")],
      ["position.opened", "ann", position("p2", { side: "short", quantity: 1, symbol: "TSLA" })],
      ["position.opened", "ann", position("p3")],
      ["position.closed", "ann", position("p3", { status: "closed" })],
      ["trade.executed", "ann", trade("t1")],
      ["balance.updated", "ann", balance],
    );
    const { states } = await follow("ann", OWN);
    expect(states.map((state) => JSON.parse(state) as unknown)).toEqual([
      { orders: [order("o1", { status: "filled", filledQuantity: "10.00" }).order] },
      {
        positions: [position("p1").position, position("p2", { side: "short", quantity: 1, symbol: "TSLA" }).position],
        totalValue: "1692",
      },
      { trades: [trade("t1").trade] },
      { balances: [balance.balance] },
    ]);
    expect((await follow("ben", ["orders:me"])).states).toEqual(["null"]);
  });

  it("is all told to who comes back, in order", async () => {
    const { publish, follow } = await setUp();
    const { cut } = await follow("ann", OWN);
    for (const status of ["new", "open", "filled"]) await publish(["order.submitted", "ann", order("o1", { status })]);
    await publish(["trade.executed", "ann", trade("t1")]);
    const back = await follow("ann", OWN, { after: cut });
    expect(back.told().map(({ text }) => /"status":"(\w+)"/.exec(text)?.[1])).toEqual(["new", "open", "filled", undefined]);
  });

  it("may be filtered by the fields that it declares", async () => {
    const { publish, follow } = await setUp();
    const { told } = await follow("ann", ["orders:me"], { filters: { "order.symbol": "TSLA" } });
    await publish(["order.created", "ann", order("o1")], ["order.created", "ann", order("o2", { symbol: "TSLA" })]);
    expect(told().map(({ text }) => /"id":"(\w+)"/.exec(text)?.[1])).toEqual(["o2"]);
  });

  it("stands after a restart as it stood before", async () => {
    const { rig, publish } = await setUp();
    await publish(["order.created", "ann", order("o1")], ["position.opened", "ann", position("p1")], ["balance.updated", "ann", balance]);
    await rig.engine.checkpoints.save(rig.engine.routedTo);
    const before = (await follow(rig, "ann", [...OWN, MONITOR], { permissions: [MONITOR] })).states;
    const again = await Rig.start({ products, disk: rig.disk, clock: rig.clock });
    expect((await follow(again, "ann", [...OWN, MONITOR], { permissions: [MONITOR] })).states).toEqual(before);
  });

  describe("positions at the price of now", () => {
    const price = (symbol: string, bid: number, ask: number) => ({
      type: "market-data.best-price",
      data: { symbol, bestBid: { price: bid, size: 1, source: "A" }, bestAsk: { price: ask, size: 1, source: "B" }, timestamp: 1 },
    });
    const linesOf = (told: readonly { event: string; text: string }[]) =>
      told
        .filter(({ event }) => event === POSITION_REVALUED)
        .map(({ text }) => JSON.parse(text) as { positions: Position[]; totalValue: string });

    it("are told when it moves, long and short, with what all are worth", async () => {
      const { rig, publish, publishAll, follow } = await setUp();
      await publish(
        ["position.opened", "ann", position("p1")],
        ["position.opened", "ann", position("p2", { side: "short", quantity: 4 })],
        ["position.opened", "ann", position("p3", { symbol: "TSLA" })],
      );
      const ann = await follow("ann", OWN);
      await publishAll(price("AAPL", 189.1, 189.3));
      rig.clock.advance(100);
      await rig.settle();
      const [line] = linesOf(ann.told());
      expect(line?.positions.map(({ id, currentPrice, unrealizedPnL, totalPnL }) => [id, currentPrice, unrealizedPnL, totalPnL])).toEqual([
        ["p1", "189.2", "17", "17"],
        ["p2", "189.2", "-6.8", "-6.8"],
      ]);
      // 10 × 189.2 − 4 × 189.2 + 10 × 188
      expect(line?.totalValue).toBe("3015.2");
      const [state = ""] = (await follow("ann", ["positions:me"])).states;
      expect(JSON.parse(state)).toMatchObject({
        positions: [{ currentPrice: "189.2" }, { currentPrice: "189.2" }, { currentPrice: "188.00" }],
        totalValue: "3015.2",
      });
    });

    it("are told the newest of a window, and nothing that nobody follows or that concerns no open position", async () => {
      const { rig, publish, publishAll, follow } = await setUp();
      await publish(["position.opened", "ann", position("p1")], ["position.opened", "ben", position("p1", { symbol: "TSLA" })]);
      const [ann, ben] = [await follow("ann", OWN), await follow("ben", OWN)];
      const namesake = await follow("ann", OWN, { tenant: "other" });
      for (const bid of [190, 191, 192, 193]) await publishAll(price("AAPL", bid, bid));
      expect(linesOf(ann.told()).map(({ positions: [only] }) => only?.currentPrice)).toEqual(["190"]);
      rig.clock.advance(104);
      await rig.settle();
      expect(linesOf(ann.told()).map(({ positions: [only] }) => only?.currentPrice)).toEqual(["190", "193"]);
      await publish(["position.closed", "ann", position("p1", { status: "closed" })]);
      await publishAll(price("AAPL", 194, 194));
      rig.clock.advance(104);
      await rig.settle();
      expect(linesOf(ann.told())).toHaveLength(2);
      expect([...linesOf(ben.told()), ...namesake.told()]).toEqual([]);
    });

    it("stand as published where that is newer than the price", async () => {
      const { rig, publish, publishAll, follow } = await setUp();
      await publishAll(price("AAPL", 200, 200));
      await publish(["position.opened", "ann", position("p1")]);
      const { states } = await follow("ann", ["positions:me"]);
      expect(JSON.parse(states[0] ?? "")).toMatchObject({ positions: [{ currentPrice: "188.00" }] });
      await publishAll({ ...price("AAPL", 201, 201), tenant: rig.engine.publicTenant });
      expect(JSON.parse((await follow("ann", ["positions:me"])).states[0] ?? "")).toMatchObject({ positions: [{ currentPrice: "201" }] });
    });

    it("cost nothing once nobody follows them", async () => {
      const { rig, publish, follow } = await setUp();
      await publish(["position.opened", "ann", position("p1")]);
      const { session } = await follow("ann", OWN);
      expect(rig.engine.derived.size).toBe(1);
      session.lost();
      expect(rig.engine.derived.size).toBe(0);
    });
  });

  it.each([
    ["trading.order.created", { order: { ...order("o1").order, side: "hold" } }, "data.order.side"],
    ["trading.order.created", { order: { ...order("o1").order, quantity: "ten" } }, "data.order.quantity"],
    ["trading.order.rejected", order("o1"), "data.reason"],
    ["trading.position.opened", { position: { ...position("p1").position, symbol: "*" } }, "data.position.symbol"],
    ["trading.trade.executed", { trade: { ...trade("t1").trade, fee: null } }, "data.trade.fee"],
    ["trading.balance.updated", { ...balance, userId: "a,b" }, "data.userId"],
  ])("refuses a %s that is none, with its place", async (type, about, path) => {
    const { faultsOf } = await setUp();
    expect(await faultsOf(type, { userId: "ann", ...about })).toMatchObject([{ path }]);
  });
});
