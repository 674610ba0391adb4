/** `POST /api/demo/cut` on every transport: it looks like a broken line, hits its own user alone, and stock clients come back. */
import { once } from "node:events";
import { type Socket, io } from "socket.io-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { demoClient } from "./demo-client.ts";
import { type TestServer, startTestServer, until } from "./server.ts";

let server: TestServer;
let ada: string;
let ben: string;
const { post, signIn } = demoClient(() => server);
const ends: (() => void)[] = [];
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on" } });
  [ada, ben] = await Promise.all([signIn("ada"), signIn("ben")]);
});
afterAll(async () => {
  for (const end of ends) end();
  await server.remove();
});

const cut = async () => (await post("/api/demo/cut", undefined, ada)).body;

async function openWebSocket(bearer: string): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/ws`, "broadtape.v1", {
    headers: { authorization: `Bearer ${bearer}` },
  });
  ends.push(() => socket.terminate());
  // The welcome: the session is open.
  await once(socket, "message");
  return socket;
}

async function openSocketIo(transports: readonly ("websocket" | "polling")[]): Promise<Socket> {
  const socket = io(`${server.url}/market-data`, {
    auth: { token: ada },
    transports: [...transports],
    forceNew: true,
    reconnectionDelay: 10,
  });
  ends.push(() => socket.close());
  await until(() => socket.connected);
  return socket;
}

it("breaks WebSockets without a close frame, and nobody else's", async () => {
  const [own, others] = [await openWebSocket(ada), await openWebSocket(ben)];
  const closed = once(own, "close");
  expect(await cut()).toEqual({ connections: 1 });
  // RFC 6455 7.1.5: 1006 is no close frame.
  expect((await closed)[0]).toBe(1006);
  others.ping();
  await once(others, "pong");
});

it("breaks event streams before their end", async () => {
  const stream = await fetch(`${server.url}/api/v1/stream`, { headers: { authorization: `Bearer ${ada}` } });
  // Heard of from now on: it may break before its end is asked for.
  const broken = expect(stream.text()).rejects.toThrow("terminated");
  expect(await cut()).toEqual({ connections: 1 });
  await broken;
});

it.each([["websocket"], ["polling"]] as const)("breaks Socket.IO over %s, and its stock client comes back", async (transport) => {
  const socket = await openSocketIo([transport]);
  const why = new Promise((resolve) => socket.once("disconnect", resolve));
  expect(await cut()).toEqual({ connections: 1 });
  expect(["transport close", "transport error"]).toContain(await why);
  await until(() => socket.connected);
  socket.close();
});
