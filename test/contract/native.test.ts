/** Contract 60-native over WebSocket with the stock `ws` client: connecting and following. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import WebSocket from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CURSOR, type Told, nativeClients } from "./native-client.ts";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
const { open, welcomed, end } = nativeClients(() => server);
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_NATIVE_HEARTBEAT_MS: "200", BROADTAPE_LIMIT_AUTHENTICATE_MS: "2000" } });
});
afterEach(end);
afterAll(() => server.remove());

describe("connecting", () => {
  it("is welcomed and gets the subprotocol", async () => {
    const client = await welcomed();
    expect(client.socket.protocol).toBe("broadtape.v1");
    expect(client.told[0]).toEqual({
      type: "welcome",
      connectionId: expect.any(String),
      serverTime: expect.any(Number),
      epoch: expect.any(String),
      head: expect.stringMatching(CURSOR),
      heartbeatMs: 200,
      limits: { topics: 1000, commandsBurst: 100, commandsPerSecond: 20 },
    });
  });

  it("needs no subprotocol, and takes the token from the query or as the first message", async () => {
    const byQuery = open({ query: `?token=${await token()}`, protocols: [] });
    await byQuery.first("welcome");
    const byMessage = open();
    await new Promise((resolve) => byMessage.socket.on("open", resolve));
    byMessage.say({ type: "authenticate", token: await token() });
    await byMessage.first("welcome");
  });

  it("answers the handshake with the correlation id that its client brought, or a new one", async () => {
    const answered = async (headers: Record<string, string>) => {
      const { socket } = open({ query: `?token=${await token()}`, headers });
      const [{ headers: answer }] = (await once(socket, "upgrade")) as [IncomingMessage];
      return answer["x-correlation-id"];
    };
    expect(await answered({ "x-correlation-id": "mine" })).toBe("mine");
    expect(await answered({})).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("refuses a bad token with 401 and the error body instead of the upgrade", async () => {
    const { socket } = open({ bearer: "nonsense" });
    const response = await new Promise<import("node:http").IncomingMessage>((resolve) =>
      socket.on("unexpected-response", (_request, answer) => resolve(answer)),
    );
    const text = await response.reduce((all: string, part: Buffer) => all + part.toString(), "");
    expect(response.statusCode).toBe(401);
    expect(response.headers["x-correlation-id"]).toBeTruthy();
    expect(JSON.parse(text)).toMatchObject({ error: "Unauthorized", statusCode: 401 });
  });

  it("closes who does not authenticate in time, or badly, or says something else first", async () => {
    const silent = open();
    expect(await silent.first("error")).toMatchObject({ code: "UNAUTHORIZED" });
    await silent.closed;
    for (const [message, code] of [
      [{ type: "authenticate", token: "nonsense" }, "AUTH_FAILED"],
      [{ type: "subscribe", topics: ["symbol:A"] }, "UNAUTHORIZED"],
      ["{", "BAD_REQUEST"],
    ] as const) {
      const client = open();
      await new Promise((resolve) => client.socket.on("open", resolve));
      client.say(message);
      expect(await client.first("error")).toMatchObject({ code });
      await client.closed;
    }
  });

  it("refuses upgrades of other paths with 404", async () => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/nope`);
    const status = await new Promise((resolve) => socket.on("unexpected-response", (_request, answer) => resolve(answer.statusCode)));
    expect(status).toBe(404);
    socket.on("error", () => undefined);
  });
});

describe("following", () => {
  it("answers each topic, with all snapshots at one cut, and then every event after it", async () => {
    await publish(server.url, bestPrice("NAT", "1.50", "2"));
    const client = await welcomed();
    client.say({ type: "subscribe", id: "a", topics: ["symbol:NAT", "symbol:UNSEEN", "rfq:1", "symbol:B A D", "symbol:N*"] });
    const subscribed = await client.first("subscribed");
    expect(subscribed).toEqual({
      type: "subscribed",
      id: "a",
      results: [
        { topic: "symbol:NAT", ok: true },
        { topic: "symbol:UNSEEN", ok: true },
        { topic: "rfq:1", ok: false, code: "FORBIDDEN" },
        { topic: "symbol:B A D", ok: false, code: "BAD_REQUEST" },
        { topic: "symbol:N*", ok: false, code: "BAD_REQUEST" },
      ],
      cut: expect.stringMatching(CURSOR),
      snapshots: [
        { topic: "symbol:NAT", state: expect.objectContaining({ symbol: "NAT", eventId: expect.stringMatching(CURSOR) }) },
        { topic: "symbol:UNSEEN", state: null },
      ],
    });
    const { body } = await publish(server.url, bestPrice("NAT", "1.60", "2"), { headers: { "X-Correlation-ID": "nat" } });
    expect(await client.first("event")).toEqual({
      type: "event",
      topic: "symbol:NAT",
      event: "market-data.best-price",
      eventId: body.results[0]?.eventId,
      time: expect.stringMatching(/Z$/),
      data: expect.objectContaining({ symbol: "NAT", bestBid: { price: 1.6, size: 1000000.5, source: "A" } }),
      key: "NAT",
      correlationId: "nat",
    });
  });

  it("gives events of one publish batch as a batch", async () => {
    const client = await welcomed();
    client.say({ type: "subscribe", id: 1, topics: ["symbol:BA", "symbol:BB"] });
    await client.first("subscribed");
    await publish(server.url, `[${bestPrice("BA", "1", "2")},${bestPrice("OTHER", "1", "2")},${bestPrice("BB", "1", "2")}]`);
    const batch = await client.first("batch");
    expect((batch["events"] as Told[]).map(({ topic }) => topic)).toEqual(["symbol:BA", "symbol:BB"]);
  });

  it("resumes with the newest value where that is newer, then the state as of now, and tells when it cannot resume", async () => {
    const first = (await publish(server.url, bestPrice("RES", "1", "2"))).body.results[0]?.eventId;
    const client = await welcomed();
    client.say({ type: "subscribe", id: 1, topics: ["symbol:RES"], after: first });
    expect(await client.first("subscribed")).toMatchObject({ snapshots: [{ topic: "symbol:RES", state: { eventId: first } }] });
    expect(client.told.filter(({ type }) => type === "event")).toEqual([]);
    const second = (await publish(server.url, bestPrice("RES", "3", "4"))).body.results[0]?.eventId;
    const other = await welcomed();
    other.say({ type: "subscribe", id: 1, topics: ["symbol:RES"], after: first });
    expect(await other.first("event")).toMatchObject({ eventId: second, topic: "symbol:RES" });
    expect(await other.first("subscribed")).toMatchObject({ snapshots: [{ topic: "symbol:RES", state: { eventId: second } }] });
    const third = await welcomed();
    third.say({ type: "subscribe", id: 1, topics: ["symbol:RES"], after: first, snapshot: false });
    expect(await third.first("event")).toMatchObject({ eventId: second });
    expect((await third.first("subscribed"))["snapshots"]).toEqual([]);
    for (const after of ["nonsense", "", "1735819800000-zzzzzzzzzzzzzz", "EV-ffffffffffffffff", "x".repeat(5000), "1-0000zzzzzzzzzz"]) {
      const lost = await welcomed();
      lost.say({ type: "subscribe", id: 1, topics: ["symbol:RES"], after });
      expect(await lost.first("resync")).toMatchObject({ topics: ["symbol:RES"], reason: "unknown", head: expect.stringMatching(CURSOR) });
      expect(await lost.first("subscribed")).toMatchObject({ snapshots: [{ topic: "symbol:RES", state: { symbol: "RES" } }] });
      expect(lost.told.findIndex(({ type }) => type === "resync")).toBeLessThan(lost.told.findIndex(({ type }) => type === "subscribed"));
    }
  });

  it("leaves snapshots out where asked to", async () => {
    const client = await welcomed();
    client.say({ type: "subscribe", id: 1, topics: ["symbol:NAT"], snapshot: false });
    expect(await client.first("subscribed")).toMatchObject({ snapshots: [] });
  });

  it("keeps to a rate, changes it, and says how many values were replaced", async () => {
    const client = await welcomed();
    client.say({ type: "subscribe", id: 1, topics: ["symbol:RATE"], maxUpdatesPerSecond: 2 });
    await client.first("subscribed");
    await publish(server.url, bestPrice("RATE", "1", "100"));
    const more = Array.from({ length: 9 }, (_, index) => bestPrice("RATE", String(index + 2), "100"));
    await publish(server.url, `[${more.join(",")}]`);
    const last = await until(() =>
      client.told.find(({ type, data }) => type === "event" && (data as { bestBid: { price: number } }).bestBid.price === 10),
    );
    expect(last["conflated"]).toBe(8);
    expect(client.told.filter(({ type }) => type === "event").length).toBe(2);
    client.say({ type: "update", id: 2, topics: ["symbol:RATE", "symbol:NOT"], maxUpdatesPerSecond: 1000 });
    expect(await client.first("updated")).toMatchObject({
      id: 2,
      results: [
        { topic: "symbol:RATE", ok: true },
        { topic: "symbol:NOT", ok: false },
      ],
    });
  });

  it("stops telling what is unfollowed", async () => {
    const client = await welcomed();
    client.say({ type: "subscribe", id: 1, topics: ["symbol:U1", "symbol:U2"] });
    await client.first("subscribed");
    client.say({ type: "unsubscribe", id: 2, topics: ["symbol:U1", "symbol:NOT"] });
    expect(await client.first("unsubscribed")).toEqual({ type: "unsubscribed", id: 2, topics: ["symbol:U1"] });
    await publish(server.url, `[${bestPrice("U1", "1", "2")},${bestPrice("U2", "1", "2")}]`);
    expect(await client.first("event")).toMatchObject({ topic: "symbol:U2" });
  });

  it("follows at most 1000 topics", async () => {
    const client = await welcomed();
    client.say({ type: "subscribe", id: 1, topics: Array.from({ length: 1000 }, (_, index) => `symbol:L${index}`) });
    await client.first("subscribed");
    client.say({ type: "subscribe", id: 2, topics: ["symbol:ONE"] });
    expect(await client.first("subscribed", 1)).toMatchObject({ results: [{ topic: "symbol:ONE", ok: false, code: "LIMIT_REACHED" }] });
  });

  it("tells of each topic of one command, of those above the limit too", async () => {
    const client = await welcomed();
    client.say({ type: "subscribe", id: 1, topics: Array.from({ length: 1002 }, (_, index) => `symbol:M${index}`) });
    const { results } = await client.first("subscribed");
    expect((results as { ok: boolean; code?: string }[]).filter(({ ok }) => !ok).map(({ code }) => code)).toEqual([
      "LIMIT_REACHED",
      "LIMIT_REACHED",
    ]);
  });

  it("pings with the id of the newest event that was passed", async () => {
    const client = await welcomed();
    const { body } = await publish(server.url, bestPrice("NOBODY", "1", "2"));
    await until(() => client.told.some(({ type, lastEventId }) => type === "ping" && lastEventId === body.results[0]?.eventId));
    client.say({ type: "pong" });
    expect(client.told.find(({ type }) => type === "ping")).toEqual({
      type: "ping",
      serverTime: expect.any(Number),
      lastEventId: expect.stringMatching(CURSOR),
    });
  });
});
