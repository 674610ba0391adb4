/** Contract 00-common "Malformed input of any kind gets an error and leaves the connection and the server working". */
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, until } from "../server.ts";
import { type PlainClient, feedClients, payments, tell } from "./feed-client.ts";

let server: TestServer;
let neighbour: PlainClient;
const { plain, named, end } = feedClients(() => server);
const far = feedClients(() => server);
let told = 0;
beforeAll(async () => {
  server = await startTestServer();
  neighbour = await far.plain({ sub: "neighbour" });
  await neighbour.subscribe();
});
afterEach(async () => {
  end();
  const id = `t${++told}`;
  const [eventId] = await tell(server, payments("neighbour", [id]));
  await neighbour.idsUpTo(id);
  neighbour.say({ type: "ack", eventId });
});
afterAll(async () => {
  far.end();
  await server.remove();
});
let last = 0;
const newUser = () => `user-${++last}`;

const MALFORMED: readonly [what: string, text: string | Uint8Array][] = [
  ["no JSON", "{"],
  ["nothing", ""],
  ["null", "null"],
  ["a number", "1e999"],
  ["a text", '"subscribe"'],
  ["a list", '[{"type":"subscribe"}]'],
  ["no type", "{}"],
  ["an unknown type", '{"type":"publish"}'],
  ["a type of another kind", '{"type":["subscribe"]}'],
  ["a name of every object", '{"type":"constructor"}'],
  ["a prototype", '{"__proto__":{"type":"subscribe"}}'],
  ["filters with a prototype", '{"type":"subscribe","filters":{"__proto__":{"minAmount":1}}}'],
  ["filters that every object has", '{"type":"subscribe","filters":{"toString":1}}'],
  ["a cursor of another kind", '{"type":"subscribe","after":{}}'],
  ["unsubscribe of nothing", '{"type":"unsubscribe"}'],
  ["unsubscribe of the unknown", '{"type":"unsubscribe","events":["all"]}'],
  ["deep nesting", "[".repeat(9000) + "]".repeat(9000)],
  ["deep filters", `{"type":"subscribe","filters":{"status":${"[".repeat(5000)}${"]".repeat(5000)}}}`],
  ["a text cut in half", '{"type":"subscribe","events":["trans'],
  ["a lone surrogate", '{"type":"\\ud800"}'],
  ["a huge amount", `{"type":"subscribe","filters":{"minAmount":1e400}}`],
  ["an amount of 60,000 digits", `{"type":"subscribe","filters":{"minAmount":${"9".repeat(60_000)}}}`],
  ["too many acks", JSON.stringify({ type: "ack", eventIds: Array.from({ length: 10_001 }, () => "x") })],
  ["bytes", Uint8Array.of(0, 1, 2, 255)],
  ["bytes that would be JSON", new TextEncoder().encode('{"type":"subscribe"}')],
];

describe("a plain WebSocket", () => {
  it.each(MALFORMED)("answers %s with BAD_REQUEST, and goes on", async (_what, text) => {
    const sub = newUser();
    const client = await plain({ sub });
    client.say(text);
    expect(await client.first("error")).toMatchObject({ code: "BAD_REQUEST", message: expect.any(String), path: expect.any(String) });
    await client.subscribe({ events: ["transaction"] });
    await tell(server, payments(sub, ["t"]));
    expect(await client.idsUpTo("t")).toEqual(["t"]);
    expect(client.all("error")).toHaveLength(1);
  });

  it("takes a message in fragments, between which a ping is answered", async () => {
    const client = await plain({ sub: newUser() });
    const pong = new Promise((resolve) => client.socket.once("pong", resolve));
    const parts = ['{"type":"sub', 'scribe","ev', 'ents":["fraud"]}'];
    for (const [index, part] of parts.entries()) {
      client.socket.send(part, { fin: index === parts.length - 1 });
      client.socket.ping();
    }
    await pong;
    expect(await client.first("subscribed")).toMatchObject({ events: ["fraud"] });
  });

  it.each([
    ["a frame beyond the limit", 1009, (client: PlainClient) => client.say("x".repeat(70_000))],
    [
      "fragments beyond the limit",
      1009,
      (client: PlainClient) => {
        for (let part = 0; part < 20; part++) client.socket.send(" ".repeat(5000), { fin: false });
      },
    ],
    ["invalid UTF-8", 1007, (client: PlainClient) => client.socket.send(Uint8Array.of(0x22, 0xc3, 0x28, 0x22), { binary: false })],
  ])("is closed for %s (%i)", async (_what, code, offend) => {
    const client = await plain({ sub: newUser() });
    offend(client);
    expect(await client.closed).toMatch(new RegExp(`^${code} `));
  });

  it("that vanishes without a word leaves its events pending", async () => {
    const sub = newUser();
    const client = await plain({ sub }, "?clientId=device");
    await client.subscribe();
    await tell(server, payments(sub, ["a"]));
    await client.idsUpTo("a");
    client.socket.terminate();
    await tell(server, payments(sub, ["b"]));
    const next = await plain({ sub }, "?clientId=device");
    expect(await next.idsUpTo("b")).toEqual(["a", "b"]);
  });
});

describe("Socket.IO", () => {
  it.each([
    ["publish", {}],
    ["connected", {}],
    ["subscribe", "text"],
    ["subscribe", [1]],
    ["subscribe", 7],
    ["subscribe", { events: ["nope"] }],
    ["subscribe", { filters: { nope: 1 } }],
    ["unsubscribe", undefined],
    ["ack", {}],
    ["ack", Buffer.from("x")],
  ] as [string, unknown][])("answers %s with %o by an error, in the callback or as an event, and goes on", async (command, body) => {
    const sub = newUser();
    const { socket, ...client } = await named({ sub });
    const answer: unknown = await socket.timeout(10_000).emitWithAck(command, body);
    expect(answer).toMatchObject({ success: false, error: "BAD_REQUEST", message: expect.any(String) });
    socket.emit(command, body);
    expect(await client.first("error")).toMatchObject({ code: "BAD_REQUEST" });
    expect(await socket.timeout(10_000).emitWithAck("subscribe", {})).toMatchObject({ success: true });
    await tell(server, payments(sub, ["t"]));
    expect(await client.idsUpTo("t")).toEqual(["t"]);
  });

  it("takes a type in the body for none of its business", async () => {
    const { socket, ...client } = await named({ sub: newUser() });
    expect(await socket.timeout(10_000).emitWithAck("subscribe", { type: "unsubscribe", events: ["fraud"] })).toMatchObject({
      success: true,
    });
    expect(await client.first("subscribed")).toMatchObject({ events: ["fraud"] });
  });
});

describe("a peer that sends half a handshake, or half a frame", () => {
  it.each(["GET /api/v1/ws/transactions HTTP/1.1\r\nUpgrade: webso", "\x81", "\x00".repeat(50)])("%j hurts nobody", async (text) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(text);
    await until(() => socket.bytesWritten > 0);
    socket.destroy();
  });
});
