/** The demo's dealing desk, the way the page uses it: asked over HTTP, watched with a stock client on `/rfq`. */
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on" } });
});
afterAll(() => server.remove());
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

type Body = Record<string, unknown>;

interface Trader {
  readonly bearer: string;
  readonly told: [name: string, body: Body][];
  of(rfqId: string, name: string): Body[];
  ask(name: string, body?: unknown): Promise<Body>;
  post(path: string, body?: unknown): Promise<{ status: number; text: string; body: Body }>;
  request(order?: Body): Promise<string>;
}

async function signIn(user: string): Promise<Trader> {
  const answer = await fetch(`${server.url}/api/demo/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user }),
  });
  const { token: bearer } = (await answer.json()) as { token: string };
  const socket = io(`${server.url}/rfq`, { auth: { token: bearer }, forceNew: true, reconnection: false });
  sockets.push(socket);
  const told: Trader["told"] = [];
  socket.onAny((name: string, body: Body) => told.push([name, body]));
  await until(() => told.some(([name]) => name === "connected"));
  const trader: Trader = {
    bearer,
    told,
    of: (rfqId, name) => told.flatMap(([each, body]) => (each === name && body["rfqId"] === rfqId ? [body] : [])),
    ask: (name, body) => new Promise((resolve) => socket.emit(name, ...(body === undefined ? [] : [body]), resolve)),
    post: (path, body) => post(path, body, bearer),
    async request(order = {}) {
      // The desk deals as soon as the first prices are played.
      const created = await until(async () => {
        const taken = await trader.post("/api/demo/rfqs", { symbol: "EURUSD", side: "buy", quantity: "1000000", seconds: 60, ...order });
        return taken.status === 503 ? undefined : taken;
      });
      expect(created).toMatchObject({ status: 201 });
      return String(created.body["rfqId"]);
    },
  };
  return trader;
}

async function post(path: string, body?: unknown, bearer?: string) {
  const answer = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, text, body: JSON.parse(text) as Body };
}

it("quotes an RFQ that the page asks for, and deals at the best price", async () => {
  const ada = await signIn("ada");
  const rfqId = await ada.request();
  // The answer comes when the RFQ is in the log: nobody has to try twice.
  expect(await ada.ask("subscribe:rfq", { rfqId })).toMatchObject({ success: true, rfq: { rfq: { id: rfqId, side: "buy" } } });
  await until(() => ada.of(rfqId, "quotes:ranked").some(({ rankings }) => (rankings as unknown[]).length >= 2));
  const accepted = await until(async () => {
    const answer = await ada.post(`/api/demo/rfqs/${rfqId}/accept`, {});
    // A provider may have withdrawn at this very moment.
    return answer.status === 409 && answer.body["message"] === "no quote stands" ? undefined : answer;
  });
  expect(accepted).toMatchObject({ status: 200, body: { tradeId: expect.any(String), quantity: 1_000_000 } });
  const filled = await until(() => ada.of(rfqId, "rfq:filled")[0]);
  expect(filled).toMatchObject({ ...accepted.body, symbol: "EURUSD" });
  const quotes = ada.of(rfqId, "quote:received").map(({ askPrice }) => askPrice);
  expect(quotes).toContain(accepted.body["price"]);
  expect(await ada.post(`/api/demo/rfqs/${rfqId}/accept`, {})).toMatchObject({ status: 409, body: { message: "the RFQ is filled" } });
});

it("cancels one for its trader, and for nobody else", async () => {
  const [ada, ben] = [await signIn("ada"), await signIn("ben")];
  const rfqId = await ada.request({ side: "two-way", symbol: "NZDUSD" });
  await ada.ask("subscribe:rfq", { rfqId });
  expect(await ben.post(`/api/demo/rfqs/${rfqId}/cancel`)).toMatchObject({ status: 404, body: { error: "Not Found", statusCode: 404 } });
  expect(await ada.post(`/api/demo/rfqs/${rfqId}/cancel`)).toMatchObject({ status: 200 });
  const cancelled = await until(() => ada.of(rfqId, "rfq:cancelled")[0]);
  expect(cancelled).toMatchObject({ reason: "cancelled by the trader", symbol: "NZDUSD" });
});

it("lets one expire when its time is up", async () => {
  const ben = await signIn("ben");
  const rfqId = await ben.request({ seconds: 5 });
  expect(await ben.ask("subscribe:rfq", { rfqId })).toMatchObject({ success: true });
  await until(() => ben.of(rfqId, "rfq:expired")[0]);
  expect(ben.of(rfqId, "rfq:countdown").at(-1)).toMatchObject({ timeRemaining: 0 });
});

it("deals for any tenant's user who is signed in, in that tenant, and for nobody else", async () => {
  const order = { symbol: "EURUSD", side: "sell", quantity: 1000, seconds: 60 };
  expect(await post("/api/demo/rfqs", order)).toMatchObject({ status: 401 });
  const zoe = await token({ sub: "zoe", tenantId: "other" });
  const { rfqId } = (await post("/api/demo/rfqs", order, zoe)).body;
  const snapshot = await fetch(`${server.url}/api/v1/topics/rfq:${String(rfqId)}/snapshot`, {
    headers: { authorization: `Bearer ${zoe}` },
  });
  expect(await snapshot.json()).toMatchObject({ state: { rfq: { id: rfqId, side: "sell", quantity: 1000 } } });
  expect(await post("/api/demo/rfqs", { ...order, side: "both" }, zoe)).toMatchObject({ status: 400, body: { error: "Bad Request" } });
});

it.each(["SIGTERM", "SIGKILL"] as const)("leaves no RFQ open when the server ends with %s and begins anew", async (signal) => {
  const ada = await signIn("ada");
  const rfqId = await ada.request({ seconds: 300 });
  expect(await server.kill(signal)).toBe(signal === "SIGTERM" ? 0 : null);
  server = await server.restart();
  const again = await signIn("ada");
  const reason = signal === "SIGTERM" ? "the desk closed" : "the desk was started again";
  const history = await until(async () => {
    const answer = await fetch(`${server.url}/api/v1/topics/rfq:${rfqId}/events`, { headers: { authorization: `Bearer ${again.bearer}` } });
    const { events } = (await answer.json()) as { events: { event: string; data: Body }[] };
    return events.at(-1)?.event === "rfq.cancelled" ? events : undefined;
  });
  expect(history.at(-1)?.data["reason"]).toBe(reason);
  expect(await again.request()).not.toBe(rfqId);
});
