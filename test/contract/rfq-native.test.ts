/** RFQs over the native protocol (contract 60-native): it comes with the product's declaration. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Told, nativeClients } from "./native-client.ts";
import { type TestServer, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
const { welcomed, end } = nativeClients(() => server);
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(end);
afterAll(() => server.remove());

const say = (type: string, rfqId: string, data: object = {}) => publish(server.url, { type, data: { rfqId, ...data } });
const create = (rfqId: string) =>
  say("rfq.created", rfqId, {
    traderId: "ann",
    symbol: "EUR/USD",
    side: "buy",
    quantity: "5.00",
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
  });
const get = async (path: string) => {
  const response = await fetch(server.url + path, { headers: { authorization: `Bearer ${await token({ sub: "ann" })}` } });
  return (await response.json()) as Record<string, unknown> & { events: Told[]; state: Record<string, unknown> };
};

it("follows an RFQ and its trader, each topic with its own events, the countdown without an id", async () => {
  await create("n1");
  const client = await welcomed({ sub: "ann" });
  client.say({ type: "subscribe", id: 1, topics: ["rfq:n1", "trader:me", "rfq:none"] });
  const answer = await client.first("subscribed");
  expect(answer).toMatchObject({
    results: [
      { topic: "rfq:n1", ok: true },
      { topic: "trader:me", ok: true },
      { topic: "rfq:none", ok: false, code: "FORBIDDEN" },
    ],
    snapshots: [
      { topic: "rfq:n1", state: { rfq: { id: "n1", status: "pending", quantity: "5.00" }, eventId: expect.any(String) } },
      { topic: expect.stringMatching(/^trader:/), state: { rfqs: [{ id: "n1", status: "pending" }] } },
    ],
  });
  await say("rfq.distributed", "n1", { lpCount: 3 });
  await say("quote.received", "n1", { quoteId: "q", lpId: "lp", askPrice: 1, status: "valid" });
  await say("rfq.filled", "n1", { tradeId: "t", price: 1.5, quantity: 5 });
  const events = () =>
    client.told.flatMap((told) => (told.type === "batch" ? (told["events"] as Told[]) : told.type === "event" ? [told] : []));
  await until(() => events().filter(({ event }) => event === "rfq.filled").length === 2);
  const of = (topic: RegExp) =>
    events()
      .filter((each) => topic.test(String(each["topic"])))
      .map(({ event }) => event);
  // The countdown goes on each second.
  expect([...new Set(of(/^rfq:/))]).toEqual(["rfq.distributed", "rfq.countdown", "quote.received", "rfq.filled"]);
  expect(of(/^trader:/)).toEqual(["rfq.distributed", "rfq.filled"]);
  const tick = events().find(({ event }) => event === "rfq.countdown");
  expect(tick).toMatchObject({ data: { rfqId: "n1", timeRemaining: expect.any(Number) }, key: expect.any(String) });
  expect(tick).not.toHaveProperty("eventId");
});

it("filters, reads history, and the state at a past cursor", async () => {
  const first = await create("n2");
  const client = await welcomed({ sub: "ann" });
  client.say({ type: "subscribe", id: 1, topics: ["rfq:n2"], filters: { lpId: "lp2" } });
  await client.first("subscribed");
  for (const lpId of ["lp1", "lp2"])
    await say("quote.received", "n2", { quoteId: `q-${lpId}`, lpId, askPrice: lpId === "lp1" ? 1 : 2, status: "valid" });
  const middle = (await say("rfq.quoted", "n2")).body.results[0]?.eventId ?? "";
  await say("rfq.cancelled", "n2", { reason: "x" });
  expect(await client.first("event")).toMatchObject({ event: "quote.received", data: { lpId: "lp2" } });
  const history = await get("/api/v1/topics/rfq:n2/events");
  expect(history.events.map(({ event }) => event)).toEqual([
    "rfq.created",
    "quote.received",
    "quote.received",
    "rfq.quoted",
    "rfq.cancelled",
  ]);
  expect((await get(`/api/v1/topics/rfq:n2/snapshot?at=${middle}`)).state).toMatchObject({
    rfq: { status: "quoted" },
    composite: { bestAsk: 1, quoteCount: 2 },
  });
  const start = first.body.results[0]?.eventId ?? "";
  expect((await get(`/api/v1/topics/rfq:n2/snapshot?at=${start}`)).state).toMatchObject({ rfq: { status: "pending" }, quotes: [] });
  expect((await get("/api/v1/topics/rfq:n2/snapshot")).state).toMatchObject({ rfq: { status: "cancelled" } });
});

it("tells nobody of another tenant", async () => {
  await create("n3");
  const client = await welcomed({ sub: "ann", tenantId: "other", permissions: ["rfq:read:tenant"] });
  client.say({ type: "subscribe", id: 1, topics: ["rfq:n3", "trader:ann"] });
  const { results, snapshots } = await client.first("subscribed");
  expect(results).toMatchObject([{ ok: false, code: "FORBIDDEN" }, { ok: true }]);
  expect(snapshots).toEqual([{ topic: "trader:ann", state: null }]);
});
