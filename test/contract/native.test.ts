/** Contract 60-native over WebSocket with the stock `ws` client, and over SSE with commands posted beside it. */
import WebSocket from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_NATIVE_HEARTBEAT_MS: "200", BROADTAPE_LIMIT_AUTHENTICATE_MS: "500" } });
});
afterAll(() => server.remove());

type Told = Record<string, unknown> & { type: string };

interface Client {
  readonly socket: WebSocket;
  readonly told: Told[];
  readonly closed: Promise<number>;
  say(message: unknown): void;
  first(type: string, skip?: number): Promise<Told>;
}

const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

function open({
  bearer,
  query = "",
  protocols = ["broadtape.v1"],
}: { bearer?: string | undefined; query?: string; protocols?: string[] } = {}): Client {
  const socket = new WebSocket(
    `${server.url.replace("http", "ws")}/api/v1/ws${query}`,
    protocols,
    bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } },
  );
  sockets.push(socket);
  const told: Told[] = [];
  socket.on("message", (data: Buffer) => told.push(JSON.parse(data.toString()) as Told));
  socket.on("error", () => undefined);
  return {
    socket,
    told,
    closed: new Promise((resolve) => socket.on("close", resolve)),
    say: (message) => socket.send(typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message)),
    first: (type, skip = 0) =>
      until(
        () => told.filter((each) => each.type === type)[skip],
        () => told,
      ),
  };
}

async function welcomed(claims: Parameters<typeof token>[0] = {}, query = ""): Promise<Client> {
  const client = open({ bearer: await token(claims), query });
  await client.first("welcome");
  return client;
}

const CURSOR = /^\d+-[0-9a-z]{9,}$/;

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
        { topic: "rfq:1", ok: false, code: "BAD_REQUEST" },
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
    for (let bid = 1; bid <= 10; bid++) await publish(server.url, bestPrice("RATE", String(bid), "100"));
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

describe("bad input", () => {
  it.each([
    ["no JSON", "{"],
    ["a number", "5"],
    ["null", "null"],
    ["an array", "[]"],
    ["no type", "{}"],
    ["an unknown type", '{"type":"nope"}'],
    ["topics that are none", '{"type":"subscribe","topics":"symbol:A"}'],
    ["no topics", '{"type":"subscribe","topics":[]}'],
    ["a rate that is none", '{"type":"subscribe","topics":["symbol:A"],"maxUpdatesPerSecond":0}'],
    ["a filter on a field that is none", '{"type":"subscribe","topics":["symbol:A"],"filters":{"nope":1}}'],
    ["a second authenticate", '{"type":"authenticate","token":"x"}'],
    ["prototype keys", '{"type":"subscribe","topics":["symbol:A"],"__proto__":{"x":1},"after":5}'],
  ])("%s gets BAD_REQUEST and changes nothing", async (_what, text) => {
    const client = await welcomed();
    client.say(text);
    expect(await client.first("error")).toMatchObject({ code: "BAD_REQUEST", message: expect.any(String) });
    client.say({ type: "subscribe", id: 9, topics: ["symbol:OK"] });
    expect(await client.first("subscribed")).toMatchObject({ id: 9 });
  });

  it("carries the request's id in the error", async () => {
    const client = await welcomed();
    client.say({ type: "subscribe", id: "mine", topics: 5 });
    expect(await client.first("error")).toMatchObject({ id: "mine", code: "BAD_REQUEST", path: "topics" });
  });

  it("binary frames are answered like any bad message", async () => {
    const client = await welcomed();
    client.say(new Uint8Array([1, 2, 3]));
    expect(await client.first("error")).toMatchObject({ code: "BAD_REQUEST" });
  });

  it("an oversize frame closes the connection, and nobody else's", async () => {
    const other = await welcomed();
    const client = await welcomed();
    client.say("x".repeat(100_000));
    expect(await client.closed).toBe(1009);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
  });

  it("too many commands are refused with RATE_LIMITED, a flood closes the connection", async () => {
    const client = await welcomed();
    for (let index = 0; index < 130; index++) client.say({ type: "unsubscribe", topics: ["symbol:X"] });
    expect(await client.first("error")).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    for (let index = 0; index < 2000; index++)
      if (client.socket.readyState === WebSocket.OPEN) client.say({ type: "unsubscribe", topics: ["symbol:X"] });
    await client.closed;
  });
});

describe("identity", () => {
  it("ends at expiry with TOKEN_EXPIRED and closing, unless a fresh token came", async () => {
    const short = await welcomed({ ttlMs: 700 });
    const renewed = await welcomed({ ttlMs: 700 });
    renewed.say({ type: "reauthenticate", token: await token({ sub: "other" }) });
    expect(await renewed.first("error")).toMatchObject({ code: "FORBIDDEN" });
    renewed.say({ type: "reauthenticate", token: "nonsense" });
    expect(await renewed.first("error", 1)).toMatchObject({ code: "AUTH_FAILED" });
    renewed.say({ type: "reauthenticate", token: await token() });
    await renewed.first("reauthenticated");
    expect(await short.first("error")).toMatchObject({ code: "TOKEN_EXPIRED" });
    expect(await short.first("closing")).toMatchObject({ code: "TOKEN_EXPIRED", reconnect: true });
    await short.closed;
    expect(renewed.socket.readyState).toBe(WebSocket.OPEN);
  });

  it("revokes what a fresh token no longer allows", async () => {
    const client = await welcomed({ permissions: ["market-data:firehose"] });
    client.say({ type: "subscribe", topics: ["symbol:REV*", "symbol:KEEP"] });
    await client.first("subscribed");
    client.say({ type: "reauthenticate", token: await token() });
    expect(await client.first("revoked")).toEqual({ type: "revoked", topics: ["symbol:REV*"] });
    await publish(server.url, `[${bestPrice("REVX", "1", "2")},${bestPrice("KEEP", "1", "2")}]`);
    expect(await client.first("event")).toMatchObject({ topic: "symbol:KEEP" });
  });

  it("lets a second connection of a clientId take over", async () => {
    const first = await welcomed({}, "?clientId=tab-1");
    const second = await welcomed({}, "?clientId=tab-1");
    expect(await first.first("closing")).toMatchObject({ code: "REPLACED", reconnect: false });
    await first.closed;
    second.say({ type: "ack", upTo: "nonsense" });
    second.say({ type: "ack", upTo: String(second.told[0]?.["head"]) });
    second.say({ type: "subscribe", id: 1, topics: ["symbol:NAT"] });
    expect(await second.first("subscribed")).toMatchObject({ results: [{ ok: true }] });
    expect(second.told.filter(({ type }) => type === "error")).toEqual([]);
  });
});

describe("over SSE", () => {
  interface Stream {
    readonly told: Told[];
    readonly headers: Headers;
    close(): void;
  }

  async function stream(query: string, bearer: string): Promise<Stream> {
    const abort = new AbortController();
    const response = await fetch(`${server.url}/api/v1/stream${query}`, {
      headers: { authorization: `Bearer ${bearer}` },
      signal: abort.signal,
    });
    expect(response.status).toBe(200);
    const told: Told[] = [];
    let rest = "";
    const read = async () => {
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
        rest += part;
        for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
          const data = /^data: (.*)$/m.exec(rest.slice(0, end))?.[1];
          if (data !== undefined) told.push(JSON.parse(data) as Told);
          rest = rest.slice(end + 2);
        }
      }
    };
    read().catch(() => undefined);
    return { told, headers: response.headers, close: () => abort.abort() };
  }

  it("says the same messages, and takes commands beside the stream", async () => {
    const bearer = await token();
    const own = await stream("?topics=symbol:SSE1", bearer);
    const welcome = await until(() => own.told.find(({ type }) => type === "welcome"));
    await until(() => own.told.find(({ type }) => type === "subscribed"));
    const command = async (body: string, as = bearer) =>
      fetch(`${server.url}/api/v1/stream/${String(welcome["connectionId"])}/commands`, {
        method: "POST",
        headers: { authorization: `Bearer ${as}`, "content-type": "application/json" },
        body,
      });
    expect((await command(JSON.stringify({ type: "subscribe", id: 7, topics: ["symbol:SSE2"] }))).status).toBe(202);
    await until(() => own.told.find(({ id }) => id === 7));
    await publish(server.url, `[${bestPrice("SSE1", "1", "2")},${bestPrice("SSE2", "1", "2")}]`);
    expect(await until(() => own.told.find(({ type }) => type === "batch"))).toMatchObject({
      events: [{ topic: "symbol:SSE1" }, { topic: "symbol:SSE2" }],
    });
    expect((await command("{")).status).toBe(202);
    expect(await until(() => own.told.find(({ type }) => type === "error"))).toMatchObject({ code: "BAD_REQUEST" });
    expect((await command("{}", await token({ sub: "somebody else" }))).status).toBe(404);
    expect((await command("{}", "nonsense")).status).toBe(401);
    own.close();
  });
});
