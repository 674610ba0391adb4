/** Whatever is said too often: RATE_LIMITED, then the end of that connection and of no other (contract 00-common "Errors on sockets"). */
import fc from "fast-check";
import { type Socket, io } from "socket.io-client";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Client, nativeClients } from "../native-client.ts";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { anyJson, expectUnhurt, newestOffset, run } from "./door.ts";
import { anyCommand } from "./native-input.ts";

let server: TestServer;
let before: number;
let neighbour: Client;
const { welcomed, end } = nativeClients(() => server);
const sockets: Socket[] = [];
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
  for (const socket of sockets.splice(0)) socket.disconnect();
  await expectUnhurt(server, before);
});
afterAll(() => server.remove());

const FLOOD = 3000;
const limited = { code: "RATE_LIMITED", message: expect.any(String), retryAfterMs: expect.any(Number) };

it("on the native WebSocket", async () => {
  // A sign of life costs nothing, however often.
  const costly = fc.array(
    anyCommand.filter((text) => !text.includes('"pong"')),
    { minLength: 1, maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(costly, async (messages) => {
      const client = await welcomed();
      for (let sent = 0; sent < FLOOD; sent++) client.say(messages[sent % messages.length]);
      await client.closed;
      expect(client.told.filter(({ code }) => code === "RATE_LIMITED")).toContainEqual(expect.objectContaining(limited));
    }),
    run(4),
  );
});

it("on the native WebSocket, before anybody knows who it is", async () => {
  const { open } = nativeClients(() => server);
  const client = open();
  await until(() => client.socket.readyState === WebSocket.OPEN);
  for (let sent = 0; sent < FLOOD; sent++) client.say('{"type":"authenticate","token":"x"}');
  await client.closed;
  expect(client.told).toEqual([{ type: "error", code: "AUTH_FAILED", message: expect.any(String) }]);
});

it.each([
  ["/market-data", FLOOD],
  // Of whoever may say more at once, more is a flood.
  ["/rfq", 3 * FLOOD],
] as const)("on Socket.IO's %s", async (namespace, flood) => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("subscribe", "subscribe:rfq", "nothing"), anyJson, async (command, body) => {
      const socket = io(server.url + namespace, {
        auth: { token: await token() },
        forceNew: true,
        reconnection: false,
        transports: ["websocket"],
      });
      sockets.push(socket);
      const errors: unknown[] = [];
      socket.on("error", (error: unknown) => errors.push(error));
      await new Promise((resolve) => socket.once("connected", resolve));
      for (let sent = 0; sent < flood; sent++) socket.emit(command, body);
      await until(
        () => socket.disconnected,
        () => errors.slice(-3),
      );
      expect(errors).toContainEqual(expect.objectContaining(limited));
    }),
    run(2),
  );
});
