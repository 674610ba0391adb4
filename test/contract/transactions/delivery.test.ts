/** Contract 30-transactions "Delivery guarantee": pending until acknowledged, sent again, at most a window in flight. */
import { setTimeout as passed } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { type FeedClient, type Told, feedClients, payments, tell } from "./feed-client.ts";

/** Sent again after it, twice, four and eight times it. */
const REDELIVER_MS = 100;
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_REDELIVER_MS: String(REDELIVER_MS) } });
});
afterAll(() => server.remove());
const { plain, named, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

const events = (client: FeedClient, eventId: string) => client.all("transaction").filter((each) => each.eventId === eventId);
const attempts = (told: readonly Told[]) => told.map(({ attempt, redelivered }) => [attempt ?? 1, redelivered ?? false]);
/** Resolves when the server has heard all that the client has said: until then it may send again what was acknowledged. */
async function untilHeard(client: FeedClient): Promise<void> {
  client.say({ type: "unsubscribe", events: ["fraud"] });
  await client.first("unsubscribed");
}
async function connectionsOf(sub: string): Promise<readonly unknown[]> {
  const headers = { authorization: `Bearer ${await token({ sub })}` };
  const answer = (await (await fetch(`${server.url}/api/v1/connections`, { headers })).json()) as {
    readonly connections: readonly unknown[];
  };
  return answer.connections;
}
const FIVE = [
  [1, false],
  [2, true],
  [3, true],
  [4, true],
  [5, true],
];

const OPEN: readonly (readonly [string, (sub: string, query?: Record<string, string>) => Promise<FeedClient>])[] = [
  ["a plain WebSocket", (sub, query = {}) => plain({ sub }, `?${new URLSearchParams(query).toString()}`)],
  ["Socket.IO", (sub, query = {}) => named({ sub }, query)],
];

describe.each(OPEN)("over %s", (_surface, open) => {
  it("sends an event without its ack again, with the same id, five times in all; then again on the next connection", async () => {
    const sub = newUser();
    const client = await open(sub, { clientId: "device" });
    await client.subscribe();
    const [eventId = ""] = await tell(server, payments(sub, ["t"]));
    await until(
      () => events(client, eventId).length === 5,
      () => client.told,
    );
    expect(attempts(events(client, eventId))).toEqual(FIVE);
    const [first, ...again] = events(client, eventId);
    for (const each of again) expect(each).toEqual({ ...first, redelivered: true, attempt: each["attempt"] });
    // A sixth would have come after sixteen times it.
    await passed(REDELIVER_MS * 20);
    expect(events(client, eventId)).toHaveLength(5);
    client.close();
    const next = await open(sub, { clientId: "device" });
    await until(() => events(next, eventId)[0]);
    expect(events(next, eventId)[0]).toEqual({ ...first, redelivered: true, attempt: 6 });
    next.say({ type: "ack", eventId });
    await tell(server, payments(sub, ["end"]));
    await next.idsUpTo("end");
  });

  it.each([
    ["one by one", (ids: string[]) => ids.map((eventId) => ({ type: "ack", eventId }))],
    ["at once", (ids: string[]) => [{ type: "ack", eventIds: ids }]],
    ["up to the last", (ids: string[]) => [{ type: "ack", upTo: ids.at(-1) }]],
    ["out of order, and twice", (ids: string[]) => [...ids, ...ids].toReversed().map((eventId) => ({ type: "ack", eventId }))],
  ])("sends nothing again that was acknowledged %s, and answers nothing", async (_how, acks) => {
    const sub = newUser();
    const client = await open(sub, { clientId: "device" });
    await client.subscribe();
    const ids = await tell(server, payments(sub, ["a", "b", "c"]));
    await client.idsUpTo("c");
    for (const ack of acks(ids)) client.say(ack);
    await untilHeard(client);
    const told = client.ids();
    await passed(REDELIVER_MS * 8);
    expect(client.ids()).toEqual(told);
    expect(client.told.map(({ type }) => type).filter((type) => type !== "transaction")).toEqual([
      "connected",
      "subscribed",
      "unsubscribed",
    ]);
    client.close();
    const next = await open(sub, { clientId: "device" });
    await tell(server, payments(sub, ["end"]));
    expect(await next.idsUpTo("end")).toEqual(["end"]);
  });

  it("has heard what was acknowledged right before a goodbye", async () => {
    const sub = newUser();
    for (let round = 0; round < 5; round++) {
      const client = await open(sub, { clientId: "device" });
      if (round === 0) await client.subscribe({ events: ["transaction"] });
      const [eventId] = await tell(server, payments(sub, [`${round}`]));
      expect(new Set(await client.idsUpTo(`${round}`))).toEqual(new Set([`${round}`]));
      client.say({ type: "ack", eventId });
      client.close();
      await until(async () => (await connectionsOf(sub)).length === 0);
    }
  });

  it("waits for what was not acknowledged alone", async () => {
    const sub = newUser();
    const client = await open(sub);
    await client.subscribe();
    const [a, , c] = await tell(server, payments(sub, ["a", "b", "c"]));
    await client.idsUpTo("c");
    client.say({ type: "ack", eventIds: [c, a] });
    await untilHeard(client);
    const told = client.ids().length;
    const since = () => client.ids().slice(told);
    await until(() => since().length >= 2);
    expect(new Set(since())).toEqual(new Set(["b"]));
  });

  it("holds no more than the window in flight; the rest comes in order as acks make room, in the middle of a batch too", async () => {
    const sub = newUser();
    const client = await open(sub, { window: "3" });
    await client.subscribe();
    const ids = Array.from({ length: 20 }, (_, index) => `t${index}`);
    const eventIds = await tell(server, payments(sub, ids));
    const fresh = () => client.all("transaction").filter(({ redelivered }) => redelivered === undefined);
    for (let acked = 0; acked < ids.length; acked++) {
      await until(
        () => fresh().length === Math.min(acked + 3, ids.length),
        () => fresh(),
      );
      client.say({ type: "ack", eventId: eventIds[acked] });
    }
    expect(fresh().map(({ eventId }) => eventId)).toEqual(eventIds);
  });

  it("sends nothing beyond a full window", async () => {
    const sub = newUser();
    const client = await open(sub, { window: "2" });
    await client.subscribe();
    const [a = "", b = ""] = await tell(server, payments(sub, ["a", "b"]));
    await tell(server, payments(sub, ["c", "d"]));
    await until(() => events(client, b).length === 5);
    expect(new Set(client.ids())).toEqual(new Set(["a", "b"]));
    client.say({ type: "ack", upTo: a });
    await client.idsUpTo("c");
    expect(new Set(client.ids())).toEqual(new Set(["a", "b", "c"]));
  });

  it("waits for no acks where ?ack=none", async () => {
    const sub = newUser();
    const client = await open(sub, { ack: "none", window: "1", clientId: "device" });
    await client.subscribe();
    const ids = Array.from({ length: 300 }, (_, index) => `t${index}`);
    await tell(server, payments(sub, ids));
    await client.idsUpTo("t299");
    await passed(REDELIVER_MS * 3);
    expect(client.ids()).toEqual(ids);
    client.close();
    const next = await open(sub, { ack: "none", clientId: "device" });
    await tell(server, payments(sub, ["end"]));
    expect(await next.idsUpTo("end")).toEqual(["end"]);
  });
});

describe("an ack of what is not waited for", () => {
  it.each([
    ["nonsense", { eventId: "x" }],
    ["an empty id", { eventId: "" }],
    ["the other spelling", { eventId: "1735819800000-000000000" }],
    ["another life of the log", { eventId: "EV-ffffffffffff0001" }],
    ["a list of nothing", { eventIds: [] }],
    ["ids that are none", { eventIds: ["EV-", "EV-0000000000000000", "EV-zzzzzzzzzzzzzzzz"] }],
    ["an upTo that is none", { upTo: "EV-ffffffffffffffff" }],
  ])("%s changes nothing and is answered with nothing", async (_what, ack) => {
    const sub = newUser();
    const client = await plain({ sub });
    await client.subscribe();
    const [eventId = ""] = await tell(server, payments(sub, ["t"]));
    await client.idsUpTo("t");
    client.say({ type: "ack", ...ack });
    await until(() => events(client, eventId).length >= 3);
    expect(client.all("error")).toEqual([]);
  });

  it("is harmless for somebody else's event, for one to come, and for one that a filter kept back", async () => {
    const sub = newUser();
    const [client, other] = [await plain({ sub }), await plain({ sub: `${sub}x` })];
    await client.subscribe();
    await other.subscribe({ filters: { minAmount: 11 } });
    const [eventId = ""] = await tell(server, payments(sub, ["t"]));
    const [kept = ""] = await tell(server, payments(`${sub}x`, ["kept back"]));
    await client.idsUpTo("t");
    for (const each of [eventId, kept]) other.say({ type: "ack", eventId: each });
    const toCome = `EV-${(BigInt(`0x${eventId.slice(3)}`) + 3n).toString(16).padStart(16, "0")}`;
    client.say({ type: "ack", eventId: toCome });
    client.say({ type: "ack", upTo: `EV-${(BigInt(`0x${eventId.slice(3)}`) - 1n).toString(16).padStart(16, "0")}` });
    await until(() => events(client, eventId).length >= 2);
    const [, coming = ""] = await tell(server, [...payments(`${sub}y`, ["z"]), ...payments(sub, ["coming"])]);
    await until(() => events(client, coming).length >= 2);
    expect([client.all("error"), other.all("error")]).toEqual([[], []]);
  });

  it.each([{}, { eventId: 1 }, { eventIds: "x" }, { eventIds: [1] }, { upTo: null }, { eventId: "a", upTo: "b" }])(
    "is BAD_REQUEST where it is not well-formed: %o",
    async (ack) => {
      const client = await plain({ sub: newUser() });
      client.say({ type: "ack", ...ack });
      expect(await client.first("error")).toMatchObject({ code: "BAD_REQUEST", path: expect.any(String) });
    },
  );

  it.each(["window=0", "window=-1", "window=x", "window=1e9", "window=99999999999", "ack=all"])("?%s is refused", async (query) => {
    await expect(plain({ sub: newUser() }, `?${query}`)).rejects.toThrow("400");
  });
});
