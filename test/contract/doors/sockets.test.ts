/** Arbitrary JSON and bytes at every socket: the contract's error or the end of that one connection, nobody else affected. */
import fc from "fast-check";
import { type Socket, io } from "socket.io-client";
import WebSocket from "ws";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { anyBytes, anyJson, anyText, expectUnhurt, mutated, newestOffset, run } from "./door.ts";

let server: TestServer;
let reader: string;
let before: number;
beforeAll(async () => {
  const limits = { BROADTAPE_LIMIT_NATIVE_COMMANDS_BURST: "1000000", BROADTAPE_LIMIT_MARKET_DATA_COMMANDS_BURST: "1000000" };
  server = await startTestServer({ env: limits });
  reader = await token();
});
beforeEach(async () => {
  before = await newestOffset(server);
});
const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});
afterAll(() => server.remove());

/** A WebSocket that keeps what it is told, and knows when it is over. */
async function webSocket(path: string, headers: Readonly<Record<string, string>> = {}) {
  const socket = new WebSocket(server.url.replace("http", "ws") + path, { headers });
  const told: string[] = [];
  let code: number | undefined;
  socket.on("message", (data: Buffer) => told.push(data.toString()));
  socket.on("error", () => undefined);
  socket.on("close", (given) => (code = given));
  open.push({ close: () => socket.terminate() });
  await until(() => socket.readyState !== WebSocket.CONNECTING);
  return { socket, told, closeCode: () => code };
}

describe("native WebSocket", () => {
  const welcomed = async () => {
    const client = await webSocket("/api/v1/ws", { authorization: `Bearer ${reader}` });
    await until(() => client.told.length > 0);
    return client;
  };
  const commands = [
    { type: "subscribe", id: 1, topics: ["symbol:A"], after: "x", maxUpdatesPerSecond: 5, filters: {}, snapshot: false },
    { type: "unsubscribe", id: 1, topics: ["symbol:A"] },
    { type: "update", id: 1, topics: ["symbol:A"], maxUpdatesPerSecond: 5 },
    { type: "ack", upTo: "1735819800000-zzzzzzzzzzzzzz" },
    { type: "reauthenticate", token: "x" },
    { type: "pong" },
  ];
  const frame = fc.oneof(
    anyText.map((text) => text.toWellFormed()),
    anyJson.map((value) => JSON.stringify(value)),
    fc.oneof(...commands.map((command) => mutated(command))).map((value) => JSON.stringify(value)),
  );

  it("answers whatever text comes, and goes on", async () => {
    const client = await welcomed();
    await fc.assert(
      fc.asyncProperty(frame, fc.uuid(), async (text, id) => {
        client.socket.send(text);
        client.socket.send(JSON.stringify({ type: "unsubscribe", id, topics: ["symbol:A"] }));
        await until(
          () => client.told.some((each) => each.includes(id)),
          () => [text, client.told.slice(-3), client.closeCode()],
        );
        for (const each of client.told.splice(0)) {
          const message = JSON.parse(each) as Record<string, unknown>;
          if (message["type"] === "error") expect(message).toMatchObject({ code: expect.any(String), message: expect.any(String) });
        }
      }),
      run(300),
    );
    await expectUnhurt(server, before);
  });

  it("ends the connection of bytes that are no text, and of broken frames, and no other", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.boolean(), async (bytes, isRaw) => {
        const { socket, told, closeCode } = await welcomed();
        if (isRaw) (socket as unknown as { _socket: { write(data: Uint8Array): void } })._socket.write(bytes);
        else socket.send(Buffer.concat([bytes, Buffer.from([0xff, 0xfe])]), { binary: false });
        socket.ping();
        socket.send("{}");
        await until(
          () => closeCode() !== undefined || told.length > 1 || isRaw,
          () => [bytes, told],
        );
        socket.terminate();
      }),
      run(60),
    );
    await expectUnhurt(server, before);
  });

  it("takes nothing for a first message but a good token", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          frame,
          anyJson.map((value) => JSON.stringify({ type: "authenticate", token: value })),
        ),
        async (text) => {
          const { socket, told, closeCode } = await webSocket("/api/v1/ws");
          socket.send(text);
          await until(() => closeCode() !== undefined || told.length > 0);
          expect(JSON.parse(told[0] ?? "{}")).toMatchObject({
            type: "error",
            code: expect.stringMatching(/^(BAD_REQUEST|UNAUTHORIZED|AUTH_FAILED)$/),
          });
          socket.terminate();
        },
      ),
      run(60),
    );
    await expectUnhurt(server, before);
  });
});

describe("Socket.IO", () => {
  const connect = (auth: Record<string, unknown>): Socket => {
    const socket = io(`${server.url}/market-data`, { auth, forceNew: true, reconnection: false, transports: ["websocket"] });
    open.push(socket);
    return socket;
  };

  it("answers whatever its commands carry, and goes on", async () => {
    const socket = connect({ token: reader });
    await new Promise((resolve) => socket.once("connected", resolve));
    const name = fc.oneof(fc.constantFrom("subscribe", "unsubscribe", "ping", "reauthenticate"), fc.string({ maxLength: 20 }));
    const reserved = new Set(["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]);
    await fc.assert(
      fc.asyncProperty(
        name.filter((each) => !reserved.has(each)),
        fc.array(fc.oneof(anyJson, mutated({ symbols: ["A"], maxUpdatesPerSecond: 5 })), { maxLength: 3 }),
        async (command, values) => {
          socket.emit(command, ...values);
          const pong = await socket.timeout(5000).emitWithAck("ping");
          expect(pong).toMatchObject({ pong: expect.any(Number) });
        },
      ),
      run(300),
    );
    expect(socket.connected).toBe(true);
    await expectUnhurt(server, before);
  });

  it("refuses whatever handshake is no good token, with an error and an end", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          anyJson,
          anyJson.map((value) => ({ token: value })),
        ),
        async (auth) => {
          const socket = connect((typeof auth === "object" && auth !== null ? auth : { auth }) as Record<string, unknown>);
          const errors: unknown[] = [];
          socket.on("error", (error: unknown) => errors.push(error));
          socket.on("connect_error", (error) => errors.push(error));
          await until(() => errors.length > 0 && !socket.connected);
          expect(errors[0]).toMatchObject({ code: expect.stringMatching(/^(UNAUTHORIZED|AUTH_FAILED)$/) });
          socket.close();
        },
      ),
      run(60),
    );
    await expectUnhurt(server, before);
  });

  it("survives packets that are none, over WebSocket", async () => {
    const packet = fc.oneof(
      anyBytes,
      anyText.map((text) => text.toWellFormed()),
      fc
        .tuple(fc.constantFrom("0", "1", "2", "3", "40", "41", "42", "43", "44", "450-", "451-", "46", "5", "6"), anyText)
        .map(([head, rest]) => head + rest.toWellFormed()),
      fc
        .tuple(
          fc.constantFrom("40", "41", "42", "43", "44", "451-", "461-"),
          fc.constantFrom("", "/market-data,", "/market-data,7"),
          anyJson,
        )
        .map(([head, namespace, value]) => `${head}${namespace}${JSON.stringify(value)}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 4 }), fc.boolean(), async (packets, isKnown) => {
        const { socket, told, closeCode } = await webSocket("/socket.io/?EIO=4&transport=websocket");
        if (isKnown) {
          socket.send(`40/market-data,${JSON.stringify({ token: reader })}`);
          await until(() => told.some((text) => text.includes('"connected"')));
        }
        for (const each of packets) socket.send(each);
        socket.ping();
        await Promise.race([new Promise((resolve) => socket.once("pong", resolve)), until(() => closeCode() !== undefined)]);
        socket.terminate();
      }),
      run(200),
    );
    await expectUnhurt(server, before);
  });

  it("survives packets that are none, over polling", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          anyBytes,
          anyText.map((text) => Buffer.from(text)),
        ),
        async (body) => {
          const address = `${server.url}/socket.io/?EIO=4&transport=polling`;
          const opened = await (await fetch(address)).text();
          const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
          const { status } = await fetch(`${address}&sid=${sid}`, {
            method: "POST",
            body: Buffer.from(body),
            headers: { "content-type": "text/plain;charset=UTF-8" },
          });
          expect([200, 400]).toContain(status);
          const { status: other } = await fetch(`${address}&sid=${encodeURIComponent(Buffer.from(body).toString("latin1") || "none")}`);
          expect(other).toBe(400);
        },
      ),
      run(60),
    );
    await expectUnhurt(server, before);
  });
});
