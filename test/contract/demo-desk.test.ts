/** The demo's dealing desk, the way the page uses it: asked over HTTP, watched with a stock client on `/rfq`. */
import { io, type Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Answered, type Body, demoClient } from "./demo-client.ts";
import { type TestServer, startTestServer, token, until } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on" } });
});
const { post, get, signIn, requestQuotes, acceptBest } = demoClient(() => server);
const sockets: Socket[] = [];
afterAll(async () => {
  for (const socket of sockets) socket.close();
  await server.remove();
});

interface Trader {
  readonly bearer: string;
  readonly told: [name: string, body: Body][];
  of(rfqId: string, name: string): Body[];
  ask(name: string, body?: unknown): Promise<Body>;
  post(path: string, body?: unknown): Promise<Answered>;
  request(order?: Body): Promise<string>;
}

async function watch(user: string): Promise<Trader> {
  const bearer = await signIn(user);
  const socket = io(`${server.url}/rfq`, { auth: { token: bearer }, forceNew: true, reconnection: false });
  sockets.push(socket);
  const told: Trader["told"] = [];
  socket.onAny((name: string, body: Body) => told.push([name, body]));
  await until(() => told.some(([name]) => name === "connected"));
  return {
    bearer,
    told,
    of: (rfqId, name) => told.flatMap(([each, body]) => (each === name && body["rfqId"] === rfqId ? [body] : [])),
    ask: (name, body) => new Promise((resolve) => socket.emit(name, ...(body === undefined ? [] : [body]), resolve)),
    post: (path, body) => post(path, body, bearer),
    request: (order) => requestQuotes(bearer, order),
  };
}

it.concurrent("quotes an RFQ that the page asks for, and deals at the best price", async () => {
  const ada = await watch("ada");
  const rfqId = await ada.request();
  // The answer comes when the RFQ is in the log: nobody has to try twice.
  expect(await ada.ask("subscribe:rfq", { rfqId })).toMatchObject({ success: true, rfq: { rfq: { id: rfqId, side: "buy" } } });
  await until(() => ada.of(rfqId, "quotes:ranked").some(({ rankings }) => (rankings as unknown[]).length >= 2));
  const accepted = await acceptBest(ada.bearer, rfqId);
  expect(accepted).toMatchObject({ tradeId: expect.any(String), quantity: 1_000_000 });
  const filled = await until(() => ada.of(rfqId, "rfq:filled")[0]);
  expect(filled).toMatchObject({ ...accepted, symbol: "EURUSD" });
  const quotes = ada.of(rfqId, "quote:received").map(({ askPrice }) => askPrice);
  expect(quotes).toContain(accepted["price"]);
  expect(await ada.post(`/api/demo/rfqs/${rfqId}/accept`, {})).toMatchObject({ status: 409, body: { message: "the RFQ is filled" } });
});

it.concurrent("cancels one for its trader, and for nobody else", async () => {
  const [ada, ben] = [await watch("ada"), await watch("ben")];
  const rfqId = await ada.request({ side: "two-way", symbol: "XAUUSD", quantity: "100" });
  await ada.ask("subscribe:rfq", { rfqId });
  expect(await ben.post(`/api/demo/rfqs/${rfqId}/cancel`)).toMatchObject({ status: 404, body: { error: "Not Found", statusCode: 404 } });
  expect(await ada.post(`/api/demo/rfqs/${rfqId}/cancel`)).toMatchObject({ status: 200 });
  const cancelled = await until(() => ada.of(rfqId, "rfq:cancelled")[0]);
  expect(cancelled).toMatchObject({ reason: "cancelled by the trader", symbol: "XAUUSD" });
});

it.concurrent("lets one expire when its time is up", async () => {
  const ben = await watch("ben");
  const rfqId = await ben.request({ seconds: 5 });
  expect(await ben.ask("subscribe:rfq", { rfqId })).toMatchObject({ success: true });
  await until(() => ben.of(rfqId, "rfq:expired")[0]);
  const seconds = ben.of(rfqId, "rfq:countdown").map(({ timeRemaining }) => Number(timeRemaining));
  expect(seconds).toEqual(seconds.toSorted((left, right) => right - left));
});

it.concurrent("deals for any tenant's user who is signed in, in that tenant, and for nobody else", async () => {
  const order = { symbol: "EURUSD", side: "sell", quantity: 1000, seconds: 60 };
  expect(await post("/api/demo/rfqs", order)).toMatchObject({ status: 401 });
  const zoe = await token({ sub: "zoe", tenantId: "other" });
  const rfqId = await requestQuotes(zoe, order);
  const snapshot = await get(`/api/v1/topics/rfq:${rfqId}/snapshot`, zoe);
  expect(snapshot.body).toMatchObject({ state: { rfq: { id: rfqId, side: "sell", quantity: 1000 } } });
  expect(await post("/api/demo/rfqs", { ...order, side: "both" }, zoe)).toMatchObject({ status: 400, body: { error: "Bad Request" } });
});
