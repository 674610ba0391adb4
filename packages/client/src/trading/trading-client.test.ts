import { expect, it } from "vitest";
import { FakeEnvironment, idOf, settled } from "../../testing/fake-environment.ts";
import { TIME, balance, order, position, trade } from "../../testing/trading-words.ts";
import { Broadtape } from "../broadtape.ts";
import { TRADING_FOLDS } from "./folds.ts";
import { TradingClient, type TradingClientOptions } from "./trading-client.ts";

const NOTHING = { "orders:me": null, "positions:me": null, "trades:me": null, "balances:me": null };

async function open(options: TradingClientOptions = {}) {
  const environment = new FakeEnvironment();
  const errors: unknown[] = [];
  const client = new TradingClient({ url: "http://test", environment, onError: (error) => errors.push(error), ...options });
  const welcome = async () => {
    await settled();
    environment.link.welcome();
    await settled();
  };
  const accept = async (states: object = {}, cut = idOf(0)) => {
    environment.link.accept({ ...NOTHING, ...states }, cut);
    await settled();
  };
  const say = async (event: string, offset: number, about: object, more: object = {}) => {
    const kind = `${event.split(".")[0] ?? ""}s`;
    const data = { userId: "ann", ...about };
    const message = { type: "event", topic: `${kind}:me`, event: `trading.${event}`, time: TIME, data } as const;
    environment.link.say({ ...message, eventId: idOf(offset), ...more });
    await settled();
  };
  await welcome();
  return { environment, client, errors, welcome, accept, say };
}

it("asks for all of it at once, and resolves with it as of one event", async () => {
  const { environment, client, accept } = await open();
  const snapshot = client.subscribe();
  expect(client.subscribe()).toBe(snapshot);
  await settled();
  expect(environment.link.said("subscribe").map(({ topics }) => topics)).toEqual([
    ["orders:me", "positions:me", "trades:me", "balances:me"],
  ]);
  const states = {
    "orders:me": { orders: [order("o1")], eventId: idOf(3) },
    "positions:me": { positions: [position("p1")], totalValue: "1880.00", eventId: idOf(4) },
    "balances:me": { balances: [balance("USD", "5.00")], eventId: idOf(5) },
  };
  await accept(states, idOf(7));
  expect(await snapshot).toEqual({
    orders: [order("o1")],
    positions: [position("p1")],
    trades: [],
    balances: [balance("USD", "5.00")],
    eventId: idOf(7),
  });
});

it("tells part 4's messages, each with its time and id, and keeps the stores up to date", async () => {
  const { client, accept, say } = await open();
  const told: unknown[] = [];
  for (const name of ["order:created", "order:filled", "order:rejected", "position:opened", "trade:executed", "balance:updated"] as const)
    client.on(name, (body) => told.push([name, body]));
  void client.subscribe();
  await settled();
  await accept();
  await say("order.created", 1, { order: order("o1") });
  await say("order.filled", 2, { order: order("o1", { status: "filled", filledQuantity: "10" }) });
  await say("order.rejected", 3, { order: order("o2", { status: "rejected" }), reason: "no funds" });
  await say("position.opened", 4, { position: position("p1") });
  await say("trade.executed", 5, { trade: trade("t1") });
  await say("balance.updated", 6, { balance: balance("USD", "9.10") });
  const at = (offset: number) => ({ timestamp: TIME, eventId: idOf(offset) });
  expect(told).toEqual([
    ["order:created", { order: order("o1"), ...at(1) }],
    ["order:filled", { order: order("o1", { status: "filled", filledQuantity: "10" }), ...at(2) }],
    ["order:rejected", { order: order("o2", { status: "rejected" }), reason: "no funds", ...at(3) }],
    ["position:opened", { position: position("p1"), ...at(4) }],
    ["trade:executed", { trade: trade("t1"), ...at(5) }],
    ["balance:updated", { balance: balance("USD", "9.10"), ...at(6) }],
  ]);
  const { orders, positions, trades, balances } = client.stores;
  expect(orders.get().map(({ id, status }) => [id, status])).toEqual([
    ["o1", "filled"],
    ["o2", "rejected"],
  ]);
  expect([positions.get(), trades.get(), balances.get()]).toEqual([[position("p1")], [trade("t1")], [balance("USD", "9.10")]]);
  expect(orders.get()).toBe(orders.get());
});

it("never goes back: an event of before the snapshot changes nothing, and a closed position stays closed", async () => {
  const { client, accept, say } = await open();
  void client.subscribe();
  await settled();
  const open1 = { positions: [position("p1")], totalValue: "1880", eventId: idOf(10) };
  await accept({ "orders:me": { orders: [order("o1", { status: "filled" })], eventId: idOf(10) }, "positions:me": open1 }, idOf(10));
  await say("order.submitted", 9, { order: order("o1", { status: "new" }) });
  await say("position.closed", 12, { position: position("p1", { status: "closed" }) });
  await say("position.updated", 11, { position: position("p1") });
  expect(client.stores.orders.get().map(({ status }) => status)).toEqual(["filled"]);
  expect(client.stores.positions.get()).toEqual([]);
});

it("values positions anew at each price, sums them up, and takes no value of before a position changed", async () => {
  const { client, accept, say } = await open();
  void client.subscribe();
  await settled();
  const positions = [position("p1"), position("p2", { symbol: "TSLA", side: "short", quantity: "1", currentPrice: "200" })];
  await accept({ "positions:me": { positions, totalValue: "1680", eventId: idOf(1) } }, idOf(1));
  const values = { currentPrice: "190.00", unrealizedPnL: "25", unrealizedPnLPercent: "1.3333", totalPnL: "25" };
  const revalue = (offset: number) =>
    say(
      "position.revalued",
      offset,
      { positions: [{ ...position("p1"), ...values, quantity: "77" }, position("gone")], totalValue: "1700" },
      { key: "AAPL" },
    );
  await revalue(4);
  expect(client.stores.positions.get()).toEqual([position("p1", values), positions[1]]);
  expect(client.tape.view("positions:me").get()).toMatchObject({ totalValue: "1700" });
  await say("position.updated", 9, { position: position("p1", { quantity: "20" }) });
  await revalue(8);
  expect(client.stores.positions.get()[0]).toEqual(position("p1", { quantity: "20" }));
  expect(client.tape.view("positions:me").get()).toMatchObject({ totalValue: "3560" });
});

it("goes on after a cut where it was, tells of the connection, and of a gap that it cannot fill", async () => {
  const { environment, client, accept, say, welcome } = await open();
  const told: unknown[] = [];
  for (const name of ["connected", "disconnected"] as const) client.on(name, ({ state }) => told.push([name, state]));
  client.on("resync", ({ reason }) => told.push(["resync", reason]));
  client.on("order:created", ({ order: { id } }) => told.push(id));
  void client.subscribe();
  await settled();
  await accept();
  await say("order.created", 5, { order: order("o1") });
  environment.link.end();
  await environment.pass(1000);
  await welcome();
  expect(environment.link.said("subscribe")[0]).toMatchObject({ after: idOf(5) });
  environment.link.say({ type: "resync", topics: Object.keys(NOTHING), reason: "expired", from: idOf(5), head: idOf(90) });
  await accept({ "orders:me": { orders: [order("o1"), order("o2")], eventId: idOf(80) } }, idOf(90));
  expect(client.stores.orders.get().map(({ id }) => id)).toEqual(["o1", "o2"]);
  client.disconnect();
  expect(told).toEqual(["o1", ["disconnected", "stale"], ["connected", "resuming"], ["resync", "expired"], ["disconnected", "closed"]]);
});

it("rejects what is refused, follows nothing of it then, and may be asked again", async () => {
  const { environment, client } = await open({ userId: "ben" });
  const refused = client.subscribe();
  await settled();
  const { id, topics } = environment.link.said("subscribe")[0]!;
  const results = topics.map((topic) => ({ topic, ok: false, code: "FORBIDDEN" }) as const);
  environment.link.say({ type: "subscribed", ...(id !== undefined && { id }), results, cut: idOf(0), snapshots: [] });
  await expect(refused).rejects.toThrow("ben cannot be followed: FORBIDDEN");
  expect(topics).toContain("balances:ben");
  const again = client.subscribe();
  expect(again).not.toBe(refused);
  client.unsubscribe();
  await expect(again).rejects.toThrow("no more");
});

it("lives on a connection that is there already, and leaves it open", async () => {
  const environment = new FakeEnvironment();
  const tape = new Broadtape({ url: "http://test", environment, folds: TRADING_FOLDS });
  const client = new TradingClient({ tape });
  const off = client.stores.orders.subscribe(() => undefined);
  await settled();
  environment.link.welcome();
  await settled();
  expect(environment.link.said("subscribe").map(({ topics }) => topics)).toEqual([["orders:me"]]);
  off();
  client.disconnect();
  await settled();
  expect(environment.link.said("unsubscribe").flatMap(({ topics }) => topics)).toEqual(["orders:me"]);
  expect(tape.status.get().state).not.toBe("closed");
  tape.close();
});

it("hands what a callback throws to onError, and tells the others", async () => {
  const { client, errors, accept, say } = await open();
  const ids: string[] = [];
  client.on("order:created", () => {
    throw new Error("mine");
  });
  const off = client.on("order:created", ({ order: { id } }) => ids.push(id));
  void client.subscribe();
  await settled();
  await accept();
  await say("order.created", 1, { order: order("o1") });
  off();
  await say("order.created", 2, { order: order("o2") });
  expect([ids, errors]).toEqual([["o1"], [new Error("mine"), new Error("mine")]]);
});
