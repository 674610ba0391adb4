/** Frames that RFC 6455 forbids, or that are too large: the connection ends with the code for it, and no other connection does. */
import type { Duplex } from "node:stream";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Client, nativeClients } from "../native-client.ts";
import { type TestServer, startTestServer } from "../server.ts";
import { everybodyGone, expectUnhurt, newestOffset, run } from "./door.ts";

let server: TestServer;
let before: number;
let neighbour: Client;
const { welcomed, end } = nativeClients(() => server);
beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  before = await newestOffset(server);
  neighbour = await welcomed({ sub: "neighbour" });
});
afterEach(async () => {
  expect(neighbour.socket.readyState).toBe(WebSocket.OPEN);
  end();
  await everybodyGone(server);
  await expectUnhurt(server, before);
});
afterAll(() => server.remove());

/** The TCP connection under a stock client, which sends no such frames itself. */
function wireOf({ socket }: Client): Duplex {
  if (!("_socket" in socket)) throw new Error("ws has changed");
  return socket._socket as Duplex;
}

/** A frame as a client masks it (RFC 6455 5.3), or not. */
function frame(firstByte: number, payload: Uint8Array, isMasked = true): Buffer {
  const head = Buffer.from([firstByte, (isMasked ? 0x80 : 0) | Math.min(payload.length, 125)]);
  return Buffer.concat(isMasked ? [head, Buffer.alloc(4), payload.subarray(0, 125)] : [head, payload.subarray(0, 125)]);
}

const anyPayload = fc.uint8Array({ maxLength: 125 });

it("1007: text that is no UTF-8", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }), async (head, tail) => {
      const client = await welcomed();
      client.socket.send(Buffer.concat([head, Buffer.from([0xff]), tail]), { binary: false });
      expect(await client.closed).toBe(1007);
    }),
    run(40),
  );
});

it("1002: frames that are not masked", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(0x81, 0x82, 0x01, 0x88, 0x89, 0x8a), anyPayload, async (firstByte, payload) => {
      const client = await welcomed();
      wireOf(client).write(frame(firstByte, payload, false));
      expect(await client.closed).toBe(1002);
    }),
    run(40),
  );
});

it("1002: reserved bits and opcodes, control frames in parts, parts of nothing", async () => {
  const first = fc.oneof(
    fc.integer({ min: 0x90, max: 0xff }),
    fc.constantFrom(0x83, 0x84, 0x87, 0x8b, 0x8f, 0x03, 0x0f),
    fc.constantFrom(0x08, 0x09, 0x0a),
    fc.constantFrom(0x80, 0x00),
  );
  await fc.assert(
    fc.asyncProperty(first, anyPayload, async (firstByte, payload) => {
      const client = await welcomed();
      wireOf(client).write(frame(firstByte, payload));
      expect(await client.closed).toBe(1002);
    }),
    run(60),
  );
});

it("any bytes at all end it or are waited on, and are forgotten with it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      const client = await welcomed();
      wireOf(client).end(bytes);
      await client.closed;
    }),
    run(60),
  );
});

it("1009: messages above the limit, in one frame or in parts, text or bytes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 65_537, max: 300_000 }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      async (length, parts, binary) => {
        const client = await welcomed();
        const message = Buffer.alloc(length, " ");
        const size = Math.ceil(length / parts);
        for (let at = 0; at < length; at += size) client.socket.send(message.subarray(at, at + size), { binary, fin: at + size >= length });
        expect(await client.closed).toBe(1009);
      },
    ),
    run(20),
  );
});
