/** The SDK's client of part 5's streams in Node.js against the real server, over a line that is cut. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { StreamClient, type StreamClientOptions } from "@broadtape/client/streams";
import { Line } from "./line.ts";
import { type TestServer, bestPrice, publish, publisherToken, startTestServer, token, until } from "./server.ts";

let server: TestServer;
let line: Line;
const clients: StreamClient[] = [];
beforeAll(async () => {
  server = await startTestServer();
  line = await Line.open(() => server.url);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  line.close();
  await server.remove();
});

/** `retry:` makes every comeback wait for seconds, which is right, and no part of these tests. */
const environment = {
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms >= 30_000 ? ms : Math.min(ms, 50));
    return () => clearTimeout(timer);
  },
};

function open(sub: string, stream: StreamClientOptions["stream"], options: Partial<StreamClientOptions> = {}): StreamClient {
  const onError = (error: unknown) => {
    throw error;
  };
  const client = new StreamClient({ url: line.url, token: () => token({ sub }), stream, environment, onError, ...options });
  clients.push(client);
  return client;
}

const live = (client: StreamClient) => until(() => client.status.get().state === "live", client.status.get);
const closed = (client: StreamClient) => until(() => client.status.get().state === "closed", client.status.get);

const time = "2026-11-21T12:00:00.000Z";
const order = (userId: string, id: string, filledQuantity: string, status = "open", type = "submitted") => ({
  type: `trading.order.${type}`,
  data: {
    userId,
    order: { id, symbol: "AAPL", side: "buy", type: "limit", quantity: "100.00", price: "9.10", status, filledQuantity, createdAt: time },
  },
});
const position = (userId: string, id: string, symbol: string, type = "opened") => ({
  type: `trading.position.${type}`,
  data: {
    userId,
    position: {
      id,
      symbol,
      side: "long",
      quantity: "2",
      entryPrice: "100.00",
      currentPrice: "100.00",
      unrealizedPnL: "0",
      unrealizedPnLPercent: "0",
      realizedPnL: "0",
      totalPnL: "0",
      status: "open",
      openedAt: time,
    },
  },
});
const alert = (userId: string, alertId: string) => ({
  type: "alert.triggered",
  data: { userId, alertId, level: "info", message: alertId },
});

it("orders: what happens is told once each and folds to what the server shows, over cuts and a killed server", async () => {
  const client = open("ann", "orders");
  const told = new Map<string, number>();
  const count = ({ eventId }: { eventId: string }) => told.set(eventId, (told.get(eventId) ?? 0) + 1);
  client.on("order:update", (message) => {
    if ("orderId" in message) count(message);
  });
  client.on("order:fill", count);
  await live(client);
  let published = 0;
  for (let round = 0; round < 30; round++) {
    if (round % 4 === 1) line.cut();
    if (round === 15) {
      await server.kill();
      server = await server.restart();
    }
    const fill = order("ann", `o${round % 7}`, "100.00", "filled", "filled");
    const { status } = await publish(server.url, [order("ann", `o${round % 7}`, `${round}.00`), ...(round % 3 === 0 ? [fill] : [])]);
    expect(status).toBe(200);
    published += round % 3 === 0 ? 2 : 1;
  }
  await until(
    () => told.size === published,
    () => [told.size, published, client.status.get()],
  );
  expect([...told.values()].every((times) => times === 1)).toBe(true);
  const fresh = open("ann", "orders", { url: server.url });
  await until(() => fresh.stores.orders.get().length === 7);
  const plain = ({ stores }: StreamClient) =>
    stores.orders.get().map(({ orderId, symbol, side, qty, status, filledQty }) => ({ orderId, symbol, side, qty, status, filledQty }));
  expect(plain(client).toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1))).toEqual(plain(fresh));
});

it("positions: valued as prices move, and so they are after a cut", async () => {
  await publish(server.url, [position("pat", "p1", "VALS"), position("pat", "p2", "CASH")]);
  const client = open("pat", "positions");
  const valueOf = () => client.stores.portfolio.get().totalValue;
  await until(() => valueOf() === "400", valueOf);
  await publish(server.url, bestPrice("VALS", "110.00", "112.00"));
  await until(() => Number(valueOf()) === 422, valueOf);
  expect(client.stores.portfolio.get().positions).toMatchObject([{ symbol: "VALS", unrealizedPnL: "22" }, { symbol: "CASH" }]);
  line.cut();
  await until(() => client.status.get().state !== "live", client.status.get);
  await publish(server.url, [bestPrice("VALS", "120.00", "122.00")].join(""));
  await until(() => Number(valueOf()) === 442, valueOf);
  await publish(server.url, [position("pat", "p2", "CASH", "closed")]);
  await until(() => client.stores.portfolio.get().positions.length === 1, client.stores.portfolio.get);
  expect(Number(valueOf())).toBe(242);
});

it("prices: for anybody, the newest of each symbol", async () => {
  const bearer = await publisherToken("public");
  await publish(server.url, bestPrice("PUB", "1.10", "1.30"), { bearer });
  const client = new StreamClient({ url: line.url, stream: "prices", symbols: ["PUB", "NEVER"], environment });
  clients.push(client);
  const priceOf = (symbol: string) => client.stores.prices.get().get(symbol);
  await until(() => priceOf("PUB") !== undefined && priceOf("NEVER") !== undefined);
  expect([Number(priceOf("PUB")?.price), priceOf("NEVER")?.price, priceOf("PUB")?.initializing]).toEqual([1.2, undefined, true]);
  await publish(server.url, bestPrice("PUB", "2.10", "2.30"), { bearer });
  await until(
    () => Number(priceOf("PUB")?.price) === 2.2,
    () => priceOf("PUB"),
  );
});

it("alerts: a page that is loaded again shows those of before, and is told of those that came meanwhile", async () => {
  const kept = new Map<string, string>();
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
  const persist = { key: "page", storage };
  const idsOf = ({ stores }: StreamClient) => stores.alerts.get().map(({ alertId }) => alertId);
  const first = open("al", "alerts", { persist });
  await live(first);
  await publish(server.url, [alert("al", "a1"), alert("al", "a2")]);
  await until(() => idsOf(first).length === 2);
  first.close();
  await publish(server.url, [alert("al", "a3")]);
  const second = open("al", "alerts", { persist });
  const told: string[] = [];
  second.on("alert:new", ({ alertId }) => told.push(alertId));
  await until(
    () => idsOf(second).length === 3,
    () => idsOf(second),
  );
  expect([idsOf(second), told]).toEqual([["a1", "a2", "a3"], ["a3"]]);
});

it("the eleventh connection of a user closes the oldest, which stays closed until it is opened", async () => {
  const all = [];
  for (let index = 0; index < 10; index++) {
    const client = open("lim", "alerts");
    await live(client);
    all.push(client);
  }
  const [oldest] = all;
  const eleventh = open("lim", "orders");
  await live(eleventh);
  await closed(oldest!);
  expect(oldest?.status.get().reason).toBe("LIMIT_REACHED");
  expect(all.slice(1).every(({ status }) => status.get().state === "live")).toBe(true);
  eleventh.close();
  oldest?.connect();
  await live(oldest!);
});

it("ends with the answer that refuses it: no session, another user's trading, an unknown strategy", async () => {
  const refused = [
    open("eve", "orders", { token: "no token" }),
    open("eve", "trading", { userId: "ann" }),
    open("eve", "strategies", { strategyId: "nobody-made-this" }),
  ];
  for (const client of refused) await closed(client);
  expect(refused.map(({ status }) => status.get().httpStatus)).toEqual([401, 403, 404]);
  expect(refused[0]?.status.get().reason).toBe("No valid session found");
});
