/** Contract 60-native: bad input, identity, and the same protocol over SSE. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Told, nativeClients } from "./native-client.ts";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
const { welcomed, end } = nativeClients(() => server);
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_NATIVE_HEARTBEAT_MS: "200", BROADTAPE_LIMIT_AUTHENTICATE_MS: "2000" } });
});
afterEach(end);
afterAll(() => server.remove());

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
    for (let index = 0; index < 300; index++) client.say({ type: "unsubscribe", topics: ["symbol:X"] });
    expect(await client.first("error")).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    for (let index = 0; index < 2000; index++)
      if (client.socket.readyState === WebSocket.OPEN) client.say({ type: "unsubscribe", topics: ["symbol:X"] });
    await client.closed;
  });
});

describe("identity", () => {
  it("ends at expiry with TOKEN_EXPIRED and closing, unless a fresh token came", async () => {
    const short = await welcomed({ ttlMs: 3000 });
    const renewed = await welcomed({ ttlMs: 3000 });
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
