/** Contract 20-rfq on the native topics: entitlement that ends, states at a moment, filters by digits. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Told, nativeClients } from "../native-client.ts";
import { type TestServer, startTestServer, until } from "../server.ts";
import { bearer, cancel, create, distribute, quote, say, tell } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { open, welcomed, end } = nativeClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `t-${++last}`;

const eventsIn = (told: readonly Told[]) =>
  told.flatMap((each) => (each.type === "batch" ? (each["events"] as Told[]) : each.type === "event" ? [each] : []));

it("a fresh token without the team's permission ends the team's topics, says so, and leaves one's own", async () => {
  const [rfqId, own] = [newId(), newId()];
  await tell(server, [create(rfqId), create(own, { traderId: "lead" }), distribute(rfqId)]);
  const client = open({ bearer: await bearer({ sub: "lead", permissions: ["rfq:read:team"], team: ["ann"] }) });
  await client.first("welcome");
  client.say({ type: "subscribe", id: 1, topics: [`rfq:${rfqId}`, "trader:ann", `rfq:${own}`, "trader:me"] });
  await client.first("subscribed");
  client.say({ type: "reauthenticate", token: await bearer({ sub: "lead", team: ["ann"] }) });
  expect((await client.first("revoked"))["topics"]).toEqual(expect.arrayContaining([`rfq:${rfqId}`, "trader:ann"]));
  expect((await client.first("revoked"))["topics"]).toHaveLength(2);
  const from = client.told.length;
  await tell(server, [quote(rfqId, "q"), create(newId()), cancel(rfqId), cancel(own)]);
  const events = () => eventsIn(client.told.slice(from));
  await until(() => events().length >= 2);
  expect(events().map(({ topic, event }) => [String(topic).replace("trader:lead", "trader:me"), event])).toEqual([
    [`rfq:${own}`, "rfq.cancelled"],
    ["trader:me", "rfq.cancelled"],
  ]);
});

it("a state may be asked for at a time: before the RFQ there is none, between two events that of the first", async () => {
  const rfqId = newId();
  const headers = { authorization: `Bearer ${await bearer()}` };
  const stateAt = async (time: string) => {
    const response = await fetch(`${server.url}/api/v1/topics/rfq:${rfqId}/snapshot?at=${encodeURIComponent(time)}`, { headers });
    return ((await response.json()) as { state: unknown }).state;
  };
  const msOf = (eventId = "") => Number(eventId.split("-")[0]);
  const [created] = await tell(server, [create(rfqId)]);
  await until(() => Date.now() > msOf(created) + 20);
  const [cancelled] = await tell(server, [cancel(rfqId)]);
  expect(await stateAt(new Date(msOf(created) + 5).toISOString())).toMatchObject({ rfq: { status: "pending" }, eventId: created });
  expect(await stateAt(new Date(msOf(cancelled) + 5).toISOString())).toMatchObject({ rfq: { status: "cancelled" }, eventId: cancelled });
  expect((await stateAt(new Date(msOf(created) - 60_000).toISOString())) ?? null).toBeNull();
});

it("a filter on a price compares what it is worth, not how it is written; the countdown passes", async () => {
  const rfqId = newId();
  await tell(server, [create(rfqId)]);
  const client = await welcomed({ sub: "ann" });
  client.say({ type: "subscribe", id: 1, topics: [`rfq:${rfqId}`], filters: { askPrice: { min: "1.0850", max: 1.1 } } });
  await client.first("subscribed");
  const asks = { below: "1.08499999999999999999", low: 1.085, text: "1.0850", high: "1.10", above: "1.10000000000000000001", none: null };
  await tell(server, [
    ...Object.entries(asks).map(([id, askPrice]) => quote(rfqId, id, { askPrice })),
    quote(rfqId, "end", { askPrice: 1.09 }),
  ]);
  const quotes = () => eventsIn(client.told).map(({ data }) => (data as { quoteId?: string }).quoteId);
  await until(() => quotes().includes("end"));
  expect(quotes()).toEqual(["low", "text", "high", "end"]);
});

it("a trader's list has each RFQ as far as it got, of the newest 200", async () => {
  const ids = Array.from({ length: 203 }, newId);
  const traderId = "busy";
  await tell(
    server,
    ids.map((id) => create(id, { traderId, quantity: "1.50" })),
  );
  const [first = "", , , fourth = ""] = ids;
  await tell(server, [cancel(first), say("rfq.filled", fourth, { tradeId: "t", price: "1.10", quantity: 1 })]);
  const client = await welcomed({ sub: traderId });
  client.say({ type: "subscribe", id: 1, topics: ["trader:me"] });
  const { snapshots } = await client.first("subscribed");
  const rfqs = (snapshots as { state: { rfqs: Record<string, unknown>[] } }[])[0]?.state.rfqs ?? [];
  expect(rfqs.map(({ id }) => id)).toEqual(ids.slice(3));
  expect(rfqs[0]).toMatchObject({ id: fourth, status: "filled", price: "1.10", quantity: "1.50" });
});
