/** The trading client of the SDK against the real server, over a line that is cut at random moments. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { TradingClient, type TradingClientOptions } from "@broadtape/client/trading";
import { Line } from "./line.ts";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
let line: Line;
beforeAll(async () => {
  server = await startTestServer();
  line = await Line.open(() => server.url);
});
afterAll(async () => {
  line.close();
  await server.remove();
});

/** Many cuts in a row make the back-off long, which is right, and no part of this test. */
const environment = {
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, Math.min(ms, 500));
    return () => clearTimeout(timer);
  },
};

const open = (sub: string, options: TradingClientOptions = {}) =>
  new TradingClient({ url: line.url, token: () => token({ sub }), reconnectionDelay: 10, environment, ...options });

/** A seeded generator (mulberry32), so that a failing run repeats. */
function chances(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const time = "2026-11-21T12:00:00.000Z";
const say = (type: string, userId: string, about: object) => ({ type: `trading.${type}`, data: { userId, ...about } });
const order = (id: string, filledQuantity: number, status = "open") => ({
  order: { id, symbol: "AAPL", side: "buy", type: "limit", quantity: "100.00", price: "9.10", status, filledQuantity, createdAt: time },
});
const position = (id: string, symbol: string, quantity: string, status = "open") => ({
  position: {
    id,
    symbol,
    side: "long",
    quantity,
    entryPrice: "100.00",
    currentPrice: "100.00",
    unrealizedPnL: "0",
    unrealizedPnLPercent: "0",
    realizedPnL: "0",
    totalPnL: "0",
    status,
    openedAt: time,
  },
});
const trade = (id: string) => ({
  trade: {
    id,
    orderId: "o",
    symbol: "AAPL",
    side: "buy",
    type: "entry",
    quantity: "1",
    price: "9",
    value: "9",
    fee: "0",
    executedAt: time,
  },
});
const balance = (total: string) => ({ balance: { currency: "USD", total, available: total, locked: "0" } });

async function stateOf(sub: string, kind: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${await token({ sub })}` };
  const response = await fetch(`${server.url}/api/v1/topics/${kind}:${sub}/snapshot`, { headers });
  return ((await response.json()) as { state: Record<string, unknown> }).state;
}

it("folds what happens to the server's state, wherever the connection is cut, and tells each event once", async () => {
  const chance = chances(Number(process.env["BROADTAPE_TEST_SEED"] ?? 1));
  const client = open("ann");
  const told = new Map<string, number>();
  const count = ({ eventId }: { eventId: string }) => told.set(eventId, (told.get(eventId) ?? 0) + 1);
  const names = [
    "order:created",
    "order:filled",
    "order:cancelled",
    "position:updated",
    "position:closed",
    "trade:executed",
    "balance:updated",
  ];
  for (const name of names) client.on(name as "order:created", count);
  expect(await client.subscribe()).toMatchObject({ orders: [], positions: [], trades: [], balances: [] });
  let published = 0;
  for (let round = 0; round < 40; round++) {
    if (chance(3) === 0) line.cut();
    const id = `o${chance(8)}`;
    const events = [
      say("order.created", "ann", order(id, 0)),
      say("order.filled", "ann", order(id, chance(100))),
      ...(chance(2) === 0 ? [say("order.cancelled", "ann", { ...order(id, 1, "cancelled"), reason: "late" })] : []),
      say(chance(4) === 0 ? "position.closed" : "position.updated", "ann", position(`p${chance(5)}`, "AAPL", `${chance(9)}.50`)),
      say("trade.executed", "ann", trade(`t${round}`)),
      say("balance.updated", "ann", balance(`${chance(1000)}.10`)),
    ];
    published += events.length;
    expect((await publish(server.url, events)).status).toBe(200);
  }
  await until(
    () => told.size === published,
    () => [told.size, published, client.status.get()],
  );
  for (const kind of ["orders", "positions", "trades", "balances"] as const)
    expect(client.stores[kind].get()).toEqual((await stateOf("ann", kind))[kind]);
  expect([...told.values()].every((times) => times === 1)).toBe(true);
  client.disconnect();
});

it("values positions as prices move, and so they are after a cut", async () => {
  const client = open("val");
  const off = client.stores.positions.subscribe(() => undefined);
  await publish(server.url, [say("position.opened", "val", position("p1", "VAL", "2")), say("order.created", "val", order("o1", 0))]);
  const { orders, eventId } = await client.subscribe();
  expect([orders.map(({ id }) => id), eventId.length > 20]).toEqual([["o1"], true]);
  const priceOf = () => client.stores.positions.get()[0]?.currentPrice;
  await publish(server.url, bestPrice("VAL", "110.00", "112.00"));
  await until(() => Number(priceOf()) === 111, priceOf);
  expect(client.stores.positions.get()).toMatchObject([{ unrealizedPnL: "22", unrealizedPnLPercent: "11", totalPnL: "22" }]);
  line.cut();
  await publish(server.url, [say("order.filled", "val", order("o1", 100, "filled"))]);
  await until(() => client.stores.orders.get()[0]?.status === "filled");
  await publish(server.url, bestPrice("VAL", "120.00", "122.00"));
  await until(() => Number(priceOf()) === 121, priceOf);
  off();
  client.disconnect();
});

it("refuses another user's trading", async () => {
  const client = open("eve", { userId: "ann" });
  await expect(client.subscribe()).rejects.toThrow("FORBIDDEN");
  client.disconnect();
});
