/** Arbitrary handshakes and messages in the Socket.IO namespaces (contract 10-market-data, 20-rfq): an error, and it goes on. */
import fc from "fast-check";
import { type Socket, io } from "socket.io-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { anyBytes, anyJson, anyText, everybodyGone, expectUnhurt, mutated, newestOffset, run } from "./door.ts";

let server: TestServer;
let reader: string;
let before: number;
const sockets: Socket[] = [];
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_MARKET_DATA_COMMANDS_BURST: "1000000" } });
  reader = await token();
});
beforeEach(async () => {
  before = await newestOffset(server);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await everybodyGone(server);
  await expectUnhurt(server, before);
});
afterAll(() => server.remove());

function connect(namespace: string, auth: Record<string, unknown>, query: Record<string, string> = {}): Socket {
  const socket = io(server.url + namespace, { auth, query, forceNew: true, reconnection: false, transports: ["websocket"] });
  sockets.push(socket);
  return socket;
}

const COMMANDS: Readonly<Record<string, readonly [name: string, body: object][]>> = {
  "/market-data": [
    ["subscribe", { symbols: ["NEWEST"], maxUpdatesPerSecond: 5 }],
    ["unsubscribe", { symbols: ["NEWEST"] }],
    ["ping", { a: 1 }],
    ["reauthenticate", { token: "x" }],
  ],
  "/": [
    ["subscribe", { channel: "trading", after: "x" }],
    ["subscribe", { channel: "trading:monitor", after: "x" }],
    ["unsubscribe", { channel: "trading" }],
    ["reauthenticate", { token: "x" }],
  ],
  "/rfq": [
    ["subscribe:rfq", { rfqId: "r", after: "x" }],
    ["unsubscribe:rfq", { rfqId: "r" }],
    ["subscribe:trader", { traderId: "me", after: "x" }],
    ["reauthenticate", { token: "x" }],
  ],
};
/** The stock client sends no events of these names. */
const RESERVED = new Set(["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]);
const CODES = ["BAD_REQUEST", "AUTH_FAILED", "FORBIDDEN"];

describe.each(Object.entries(COMMANDS))("%s", (namespace, commands) => {
  const anyArgument = fc.oneof(
    anyJson,
    anyBytes,
    anyText.map((text) => ({ symbols: [text], rfqId: text, traderId: text, after: text })),
  );
  const anyCommand: fc.Arbitrary<readonly [string, readonly unknown[]]> = fc.oneof(
    fc.constantFrom(...commands).chain(([name, body]) => mutated(body).map((value): [string, unknown[]] => [name, [value]])),
    fc.tuple(fc.constantFrom(...commands.map(([name]) => name)), fc.array(anyArgument, { maxLength: 3 })),
    fc.tuple(
      anyText.filter((name) => !RESERVED.has(name)),
      fc.array(anyArgument, { maxLength: 3 }),
    ),
  );

  it("answers whatever is said, and goes on", async () => {
    const socket = connect(namespace, { token: reader });
    const errors: unknown[] = [];
    socket.on("error", (error: unknown) => errors.push(error));
    await new Promise((resolve) => socket.once("connected", resolve));
    await fc.assert(
      fc.asyncProperty(anyCommand, async ([name, values]) => {
        socket.emit(name, ...values);
        expect(await socket.timeout(60_000).emitWithAck("ping")).toEqual({ pong: expect.any(Number) });
        for (const error of errors.splice(0)) {
          expect(error).toMatchObject({ code: expect.toSatisfy((code: string) => CODES.includes(code)), message: expect.any(String) });
        }
      }),
      run(250),
    );
    expect(socket.connected).toBe(true);
  });

  it("acknowledges whatever is asked with an answer of its own", async () => {
    const socket = connect(namespace, { token: reader });
    await new Promise((resolve) => socket.once("connected", resolve));
    await fc.assert(
      fc.asyncProperty(anyCommand, async ([name, values]) => {
        const answer: unknown = await socket.timeout(60_000).emitWithAck(name, ...values);
        expect(answer).toEqual(expect.toSatisfy((each: unknown) => typeof each === "object" && each !== null && !Array.isArray(each)));
      }),
      run(250),
    );
    expect(socket.connected).toBe(true);
  });

  it("refuses whatever handshake is no good token, with an error and an end", async () => {
    const auth = fc.oneof(
      anyJson.map((value): Record<string, unknown> => ({ value })),
      anyJson.map((value): Record<string, unknown> => ({ token: value })),
      fc.dictionary(anyText, anyJson, { maxKeys: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(auth, anyText, async (each, text) => {
        const socket = connect(namespace, each, { token: text.toWellFormed(), clientId: text.toWellFormed() });
        const errors: unknown[] = [];
        const ended = new Promise((resolve) => socket.once("disconnect", resolve));
        socket.on("error", (error: unknown) => errors.push(error));
        await ended;
        expect(errors).toEqual([{ code: expect.stringMatching(/^(UNAUTHORIZED|AUTH_FAILED)$/), message: expect.any(String) }]);
        socket.close();
      }),
      run(60),
    );
  });
});

it("begins anew after whatever is no cursor of this log, of any length", async () => {
  const socket = connect("/rfq", { token: reader });
  const resyncs: unknown[] = [];
  socket.on("resync", (resync: unknown) => resyncs.push(resync));
  const cursor = fc.oneof(
    anyText.filter((text) => text !== "").map((text) => text.toWellFormed()),
    fc.integer({ min: 1, max: 50_000 }).map((length) => "9".repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(cursor, async (after) => {
      const answer: unknown = await socket.timeout(60_000).emitWithAck("subscribe:trader", { after });
      expect(answer).toMatchObject({ success: true });
      await until(() => resyncs.splice(0).length === 1);
    }),
    run(60),
  );
});

it("refuses namespaces that nobody serves", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("/none", "/market-data/x", "/__proto__", "/constructor"), anyJson, async (namespace, value) => {
      const socket = connect(namespace, { token: reader, value });
      const refused = await new Promise((resolve) => {
        socket.on("connect_error", resolve);
        socket.on("error", resolve);
      });
      expect(refused).toMatchObject({ message: expect.any(String) });
    }),
    run(20),
  );
});
