/** Contract 10-market-data over Socket.IO with stock clients: the current one and 4.0, websocket, polling and the upgrade between them. */
import { io as ioNow, type Socket } from "socket.io-client";
import { io as io40 } from "socket.io-client-4-0";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_HEARTBEAT_MS: "300", BROADTAPE_LIMIT_MARKET_DATA_IDLE_MS: "60000" } });
  await publish(
    server.url,
    `[${["EUR/USD", "GBP/USD"].map((symbol) => bestPrice(symbol, "1.10", "1.12", { tenantid: "public" })).join(",")}]`,
  );
});
afterAll(() => server.remove());

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

interface Client {
  readonly socket: Socket;
  readonly told: [name: string, body: Record<string, unknown>][];
  ask(name: string, body?: unknown): Promise<Record<string, unknown>>;
  all(name: string): Record<string, unknown>[];
}

type Io = typeof ioNow;

function open(auth: object, { io = ioNow, transports }: { io?: Io; transports?: string[] } = {}): Client {
  const socket = io(`${server.url}/market-data`, { auth, forceNew: true, reconnection: false, ...(transports && { transports }) });
  sockets.push(socket);
  const told: Client["told"] = [];
  socket.onAny((name: string, body: Record<string, unknown>) => told.push([name, body]));
  return {
    socket,
    told,
    ask: (name, body) => new Promise((resolve) => (body === undefined ? socket.emit(name, resolve) : socket.emit(name, body, resolve))),
    all: (name) => told.filter(([each]) => each === name).map(([, body]) => body),
  };
}

async function connected(options: Parameters<typeof open>[1] = {}, claims: Parameters<typeof token>[0] = {}): Promise<Client> {
  const client = open({ token: await token(claims) }, options);
  await until(
    () => client.all("connected")[0],
    () => client.told,
  );
  return client;
}

describe.each([
  ["4.8 websocket", ioNow, ["websocket"]],
  ["4.8 polling", ioNow, ["polling"]],
  ["4.8 polling, then websocket", ioNow, undefined],
  ["4.0 websocket", io40, ["websocket"]],
  ["4.0 polling", io40, ["polling"]],
  ["4.0 polling, then websocket", io40, undefined],
])("socket.io-client %s", (_name, io, transports) => {
  it("is greeted, subscribes, gets a snapshot and then every update in order", async () => {
    const client = await connected({ io, ...(transports && { transports }) });
    expect(client.all("connected")[0]).toEqual({ clientId: expect.any(String), serverTime: expect.any(Number) });
    expect(await client.ask("subscribe", { symbols: ["EUR/USD", "NOPE"] })).toEqual({
      subscribed: ["EUR/USD"],
      errors: ["NOPE: invalid symbol"],
    });
    const snapshot = await until(() => client.all("snapshot")[0]);
    expect(snapshot["prices"]).toEqual([expect.objectContaining({ symbol: "EUR/USD", eventId: expect.any(String) })]);
    expect(snapshot["eventId"]).toEqual(expect.any(String));
    const bids = Array.from({ length: 20 }, (_, index) => 2 + index / 100);
    for (const bid of bids) await publish(server.url, bestPrice("EUR/USD", String(bid), "3", { tenantid: "public" }));
    await until(() => client.all("price").length === 20);
    expect(client.all("price").map((price) => (price["bestBid"] as { price: number }).price)).toEqual(bids);
    const ids = client.all("price").map((price) => String(price["eventId"]));
    expect([...ids].sort()).toEqual(ids);
  });
});

it("gives the whole batch of one publish in order", async () => {
  const client = await connected();
  await client.ask("subscribe", { symbols: ["EUR/USD"] });
  const bids = ["5.1", "5.2", "5.3"];
  await publish(server.url, `[${bids.map((bid) => bestPrice("EUR/USD", bid, "6", { tenantid: "public" })).join(",")}]`);
  await until(() => client.all("price").length === 3);
  expect(client.all("price").map((price) => (price["bestBid"] as { price: number }).price)).toEqual([5.1, 5.2, 5.3]);
});

it("answers unsubscribe, ping and nonsense", async () => {
  const client = await connected();
  await client.ask("subscribe", { symbols: ["EUR/USD", "GBP/USD"] });
  expect(await client.ask("unsubscribe", { symbols: ["EUR/USD", "NOPE"] })).toEqual({ unsubscribed: ["EUR/USD"] });
  await publish(
    server.url,
    `[${bestPrice("EUR/USD", "1", "2", { tenantid: "public" })},${bestPrice("GBP/USD", "1", "2", { tenantid: "public" })}]`,
  );
  await until(() => client.all("price").length > 0);
  expect(client.all("price").map(({ symbol }) => symbol)).toEqual(["GBP/USD"]);
  expect(await client.ask("ping")).toEqual({ pong: expect.any(Number) });
  for (const body of [
    null,
    5,
    "x",
    [],
    {},
    { symbols: "EUR/USD" },
    { symbols: [5] },
    { symbols: [], maxUpdatesPerSecond: -1 },
    { symbols: [], maxUpdatesPerSecond: "fast" },
  ]) {
    expect(await client.ask("subscribe", body)).toMatchObject({ error: "Bad request" });
  }
  client.socket.emit("no such command", {});
  expect(await until(() => client.all("error")[0])).toMatchObject({ code: "BAD_REQUEST" });
  expect(client.socket.connected).toBe(true);
});

it("refuses without a token and with a bad one, then closes", async () => {
  for (const [auth, code] of [
    [{}, "UNAUTHORIZED"],
    [{ token: "nonsense" }, "AUTH_FAILED"],
    [{ token: await token({ ttlMs: -1000 }) }, "AUTH_FAILED"],
    [{ token: await token({ secret: "another secret of more than thirty-two bytes" }) }, "AUTH_FAILED"],
    [{ token: 5 }, "AUTH_FAILED"],
  ] as const) {
    const client = open(auth);
    expect(await until(() => client.all("error")[0])).toMatchObject({ code, message: expect.any(String) });
    await until(() => !client.socket.connected);
    expect(client.all("connected")).toEqual([]);
  }
});

it("takes the token from the Authorization header and from the query", async () => {
  const bearer = await token();
  for (const options of [{ extraHeaders: { authorization: `Bearer ${bearer}` } }, { query: { token: bearer } }]) {
    const socket = ioNow(`${server.url}/market-data`, { ...options, forceNew: true, reconnection: false });
    sockets.push(socket);
    await new Promise((resolve) => socket.once("connected", resolve));
  }
});

it("lets a client follow 100 symbols and no more", async () => {
  const symbols = Array.from({ length: 101 }, (_, index) => `S${index}`);
  await publish(server.url, `[${symbols.map((symbol) => bestPrice(symbol, "1", "2")).join(",")}]`);
  const client = await connected();
  const answer = await client.ask("subscribe", { symbols });
  expect((answer["subscribed"] as string[]).length).toBe(100);
  expect(answer["errors"]).toEqual(["S100: max subscriptions reached"]);
});

it("limits the rate of commands", async () => {
  const client = await connected();
  const answers = await Promise.all(Array.from({ length: 150 }, () => client.ask("subscribe", { symbols: [] })));
  const refused = answers.filter((answer) => answer["error"] === "Rate limit exceeded");
  expect(refused.length).toBeGreaterThanOrEqual(45);
  expect(refused.length).toBeLessThanOrEqual(50);
  expect(client.socket.connected).toBe(true);
});

it("shows a tenant the public prices and its own, never another's", async () => {
  await publish(server.url, `[${bestPrice("TEN", "1", "2", { tenantid: "one" })},${bestPrice("TEN2", "1", "2", { tenantid: "two" })}]`);
  const client = await connected({}, { tenantId: "one" });
  expect(await client.ask("subscribe", { symbols: ["TEN", "TEN2", "EUR/USD"] })).toEqual({
    subscribed: ["TEN", "EUR/USD"],
    errors: ["TEN2: invalid symbol"],
  });
  await publish(
    server.url,
    `[${bestPrice("TEN", "7", "8", { tenantid: "two" })},${bestPrice("TEN", "9", "10", { tenantid: "one" })},${bestPrice("TEN", "11", "12", { tenantid: "public" })}]`,
  );
  await until(() => client.all("price").length >= 2);
  expect(client.all("price").map((price) => (price["bestBid"] as { price: number }).price)).toEqual([9, 11]);
});

it("takes patterns with the permission alone", async () => {
  const without = await connected();
  expect(await without.ask("subscribe", { symbols: ["EUR*"] })).toEqual({ subscribed: [], errors: ["EUR*: invalid symbol"] });
  const client = await connected({}, { permissions: ["market-data:firehose"] });
  expect(await client.ask("subscribe", { symbols: ["EUR*"] })).toEqual({ subscribed: ["EUR*"] });
  expect((await until(() => client.all("snapshot")[0]))["prices"]).toEqual([expect.objectContaining({ symbol: "EUR/USD" })]);
  await publish(server.url, `[${bestPrice("EURNEW", "1", "2")},${bestPrice("GBP/USD", "1", "2", { tenantid: "public" })}]`);
  await until(() => client.all("price").length > 0);
  expect(client.all("price").map(({ symbol }) => symbol)).toEqual(["EURNEW"]);
});

it("sends at most maxUpdatesPerSecond, and the newest last", async () => {
  const client = await connected();
  await client.ask("subscribe", { symbols: ["GBP/USD"], maxUpdatesPerSecond: 5 });
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  for (let bid = 1; seconds() < 1; bid++) await publish(server.url, bestPrice("GBP/USD", String(bid), "1000000", { tenantid: "public" }));
  await publish(server.url, bestPrice("GBP/USD", "777", "1000000", { tenantid: "public" }));
  await until(() => client.all("price").some((price) => (price["bestBid"] as { price: number }).price === 777));
  expect(client.all("price").length).toBeLessThanOrEqual(3 + 5 * seconds());
  expect((client.all("price").at(-1)?.["bestBid"] as { price: number }).price).toBe(777);
});

it("beats, with the id of the newest event that was passed", async () => {
  const client = await connected();
  const { body } = await publish(server.url, bestPrice("GBP/USD", "1", "2"));
  await until(
    () => client.all("heartbeat").some(({ lastEventId }) => lastEventId === body.results[0]?.eventId),
    () => client.told,
  );
  expect(client.all("heartbeat")[0]).toEqual({ timestamp: expect.stringMatching(/^\d{4}-.*Z$/), lastEventId: expect.any(String) });
});

it("folds venue quotes into a best price, crossed and one-sided books as they are", async () => {
  const quote = (symbol: string, source: string, sides: object) => ({
    type: "market-data.quote",
    data: { symbol, source, timestamp: 5, ...sides },
  });
  await publish(server.url, quote("FOLD", "A", { bid: 1.1, bidSize: 5, ask: 1.3 }));
  const client = await connected();
  await client.ask("subscribe", { symbols: ["FOLD"] });
  await publish(server.url, quote("FOLD", "B", { bid: 1.2, ask: 1.4 }));
  await publish(server.url, quote("FOLD", "C", { ask: 1.15 }));
  await publish(server.url, [quote("FOLD", "A", {}), quote("FOLD", "B", {})]);
  const prices = await until(() => client.all("price").length === 4 && client.all("price"));
  expect(prices[0]).toMatchObject({
    bestBid: { price: 1.2, source: "B" },
    bestAsk: { price: 1.3, source: "A" },
    midPrice: 1.25,
    spread: 0.1,
    spreadBps: 800,
    timestamp: 5,
  });
  expect(prices[1]).toMatchObject({ bestBid: { price: 1.2 }, bestAsk: { price: 1.15, source: "C" }, spread: -0.05 });
  expect(prices[3]).not.toHaveProperty("bestBid");
  expect(prices[3]).toMatchObject({ bestAsk: { price: 1.15 } });
  expect(prices[3]).not.toHaveProperty("spread");
});

it("ends a connection when its token does, and lets a fresh one go on", async () => {
  const short = open({ token: await token({ ttlMs: 3000 }) });
  const renewed = open({ token: await token({ ttlMs: 3000 }) });
  await until(() => renewed.all("connected")[0]);
  expect(await renewed.ask("reauthenticate", { token: await token({ sub: "somebody else" }) })).toMatchObject({ success: false });
  expect(await renewed.ask("reauthenticate", { token: await token() })).toMatchObject({ success: true });
  expect(await until(() => short.all("error")[0])).toMatchObject({ code: "TOKEN_EXPIRED" });
  await until(() => !short.socket.connected);
  expect(renewed.socket.connected).toBe(true);
});
