/** Contract 40-trading over Socket.IO's default namespace with stock clients, recovered over restarts. */
import { io as ioNow, type Socket } from "socket.io-client";
import { io as io40 } from "socket.io-client-4-0";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, publish, startTestServer, token, until } from "../server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

type Body = Record<string, unknown>;

interface Claims {
  readonly sub?: string;
  readonly tenantId?: string;
  readonly permissions?: readonly string[];
}

async function connect(
  claims: Claims = {},
  { io = ioNow, reconnection = false, auth = {} }: { io?: typeof ioNow; reconnection?: boolean; auth?: object } = {},
) {
  const bearer = await token({ sub: "ann", ...claims });
  const socket = io(server.url, {
    auth: { token: bearer, ...auth },
    forceNew: true,
    reconnection,
    reconnectionDelay: 50,
    reconnectionDelayMax: 100,
  });
  sockets.push(socket);
  const told: [name: string, body: Body][] = [];
  socket.onAny((name: string, body: Body) => told.push([name, body]));
  const all = (name: string) => told.filter(([each]) => each === name).map(([, body]) => body);
  await until(() => all("connected")[0]);
  const ask = (name: string, body?: unknown) => new Promise<Body>((resolve) => socket.emit(name, body, resolve));
  return { socket, told, all, ask };
}

let last = 0;
const order = (over: Body = {}) => ({
  id: `o-${++last}`,
  symbol: "EURUSD",
  side: "buy",
  type: "limit",
  quantity: "1000000.00",
  price: "1.0850",
  status: "new",
  filledQuantity: "0",
  averagePrice: null,
  createdAt: "2026-11-21T09:30:00.000Z",
  ...over,
});
const say = async (type: string, data: Body, more: Body = {}) => {
  const { status, text } = await publish(server.url, { type: `trading.${type}`, data: { userId: "ann", ...data }, ...more });
  expect({ status, text }).toMatchObject({ status: 200 });
  return (JSON.parse(text) as { results: { eventId: string }[] }).results[0]?.eventId ?? "";
};

describe.each([
  ["4.8", ioNow],
  ["4.0", io40],
])("socket.io-client %s", (_version, io) => {
  it("is given the state and then every event of its own, with the fields that are listed and no others", async () => {
    const known = order();
    await say("order.created", { order: known });
    const client = await connect({}, { io });
    const answer = await client.ask("subscribe", { channel: "trading" });
    expect(answer).toMatchObject({ success: true, channel: "trading", eventId: expect.any(String) });
    const [subscribed] = client.all("subscribed");
    expect(subscribed).toMatchObject({
      channel: "trading",
      snapshot: { orders: expect.any(Array), positions: [], balances: expect.any(Array) },
    });
    expect((subscribed?.["snapshot"] as { orders: Body[] }).orders).toContainEqual(known);
    const next = order();
    const eventId = await say("order.created", { order: { ...next, internalDesk: "secret" }, adminNote: "secret" });
    await until(() => client.all("order:created")[0]);
    expect(client.all("order:created")).toEqual([{ order: next, timestamp: expect.stringMatching(/Z$/), eventId }]);
    await say("order.cancelled", { order: { ...next, status: "cancelled" }, reason: "no need" });
    await until(() => client.all("order:cancelled")[0]);
    expect(client.all("order:cancelled")[0]).toMatchObject({ order: { id: next.id, status: "cancelled" }, reason: "no need" });
  });
});

it("tells nobody of others, and the tenant's monitors everything but balances, once", async () => {
  const monitor = await connect({ sub: "boss", permissions: ["trading:monitor"] });
  await monitor.ask("subscribe", { channel: "trading:monitor" });
  await monitor.ask("subscribe", { channel: "trading" });
  const foreign = await connect({ sub: "boss", tenantId: "other", permissions: ["trading:monitor"] });
  await foreign.ask("subscribe", { channel: "trading:monitor" });
  const ben = await connect({ sub: "ben" });
  await ben.ask("subscribe", { channel: "trading" });
  expect(await ben.ask("subscribe", { channel: "trading:monitor" })).toMatchObject({ success: false, error: "FORBIDDEN" });
  expect(await ben.ask("subscribe", { channel: "nothing" })).toMatchObject({ success: false, error: "BAD_REQUEST" });
  ben.socket.emit("subscribe", { channel: "nothing" });
  await until(() => ben.all("error")[0]);
  expect(ben.all("error")[0]).toMatchObject({ code: "BAD_REQUEST", path: "channel" });
  await say("balance.updated", { balance: { currency: "USD", total: "10.50", available: "10.50", locked: "0" } });
  await say("order.created", { userId: "boss", order: order() });
  const ofAnn = order();
  await say("order.created", { order: ofAnn });
  await until(() => monitor.all("order:created").length === 2);
  expect(monitor.all("order:created")[1]).toMatchObject({ order: { id: ofAnn.id } });
  expect(monitor.all("balance:updated")).toEqual([]);
  expect([ben.all("order:created"), foreign.all("order:created")]).toEqual([[], []]);
});

it("resumes after an event: what was missed in order, then the state", async () => {
  const first = await connect();
  const { eventId } = await first.ask("subscribe", { channel: "trading" });
  first.socket.close();
  const orders = [order(), order(), order()];
  for (const each of orders) await say("order.submitted", { order: each });
  const second = await connect();
  await second.ask("subscribe", { channel: "trading", after: eventId });
  expect(second.all("order:submitted").map((body) => (body["order"] as Body)["id"])).toEqual(orders.map(({ id }) => id));
  expect(second.told.at(-1)?.[0]).toBe("subscribed");
  const third = await connect();
  await third.ask("subscribe", { channel: "trading", after: "no cursor" });
  expect(third.all("resync")[0]).toMatchObject({ reason: "unknown" });
  expect(third.all("order:submitted")).toEqual([]);
});

it("tells a named client what it missed while it was gone", async () => {
  const auth = { clientId: "desk-1" };
  const first = await connect({ sub: "cleo" }, { auth });
  await first.ask("subscribe", { channel: "trading" });
  first.socket.close();
  const missed = order();
  await say("order.created", { userId: "cleo", order: missed });
  const second = await connect({ sub: "cleo" }, { auth });
  await second.ask("subscribe", { channel: "trading" });
  expect(second.all("order:created").map((body) => (body["order"] as Body)["id"])).toEqual([missed.id]);
});

it("lets nobody in without a token", async () => {
  const socket = ioNow(server.url, { forceNew: true, reconnection: false });
  sockets.push(socket);
  const errors: unknown[] = [];
  socket.on("error", (error: unknown) => errors.push(error));
  await until(() => errors.length > 0 && socket.disconnected);
  expect(errors).toEqual([{ code: "UNAUTHORIZED", message: expect.any(String) }]);
});

it("unsubscribes", async () => {
  const client = await connect();
  await client.ask("subscribe", { channel: "trading" });
  await client.ask("unsubscribe", { channel: "trading" });
  expect(client.all("unsubscribed")).toEqual([{ channel: "trading" }]);
  await say("order.created", { order: order() });
  await client.ask("ping");
  expect(client.all("order:created")).toEqual([]);
});

it.each(["SIGTERM", "SIGKILL"] as const)("recovers a stock client by itself, over a restart after %s too", async (signal) => {
  const client = await connect({ sub: `recovers-${signal}` }, { reconnection: true });
  const userId = `recovers-${signal}`;
  await client.ask("subscribe", { channel: "trading" });
  const orders = [order(), order(), order(), order()];
  await say("order.created", { userId, order: orders[0] });
  await until(() => client.all("order:created").length === 1);
  // The line is cut; the server stays.
  client.socket.io.engine.close();
  await say("order.created", { userId, order: orders[1] });
  await until(() => client.all("order:created").length === 2);
  expect(client.socket.recovered).toBe(true);
  await server.kill(signal);
  server = await server.restart();
  await say("order.created", { userId, order: orders[2] });
  await until(() => client.all("order:created").length === 3);
  expect(client.socket.recovered).toBe(true);
  await say("order.created", { userId, order: orders[3] });
  await until(() => client.all("order:created").length === 4);
  expect(client.all("order:created").map((body) => (body["order"] as Body)["id"])).toEqual(orders.map(({ id }) => id));
});
