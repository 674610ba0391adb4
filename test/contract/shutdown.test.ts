/** How the server ends (contract 00-common "Running"): code 0 within 10 s, whoever hangs on it. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { io } from "socket.io-client";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "./server.ts";

let server: TestServer;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await server.remove();
});

async function sendBytes(bytes: string): Promise<void> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  closers.push(() => socket.destroy());
  await once(socket, "connect");
  if (bytes !== "") socket.write(bytes);
}

/** A publisher that goes on, on the connection that it has. */
async function publishForEver(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const authorization = `Bearer ${await token({ permissions: ["events:publish"] })}`;
  const answered: number[] = [];
  let isOver = false;
  const next = () => {
    if (isOver) return;
    const sent = request(`${server.url}/api/v1/events`, {
      agent,
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
    });
    sent.on("response", (response) => {
      answered.push(response.statusCode ?? 0);
      response.resume().on("end", next);
    });
    sent.on("error", () => setTimeout(next, 10));
    sent.end(JSON.stringify({ type: "market-data.price", data: { symbol: "A", source: "s", bidPrice: 1, askPrice: 2 } }));
  };
  next();
  closers.push(() => {
    isOver = true;
    agent.destroy();
  });
  await until(() => answered.length > 3);
}

async function openSockets(): Promise<void> {
  for (const transports of [["websocket"], ["polling"]]) {
    const socket = io(`${server.url}/market-data`, { auth: { token: await token() }, transports, forceNew: true });
    closers.push(() => socket.disconnect());
    await new Promise((resolve) => socket.once("connected", resolve));
  }
  const webSocket = new WebSocket(`${server.url}/api/v1/ws?token=${await token()}`);
  closers.push(() => webSocket.close());
  await new Promise((resolve) => {
    webSocket.onmessage = resolve;
  });
}

it.each([
  ["nobody", async () => undefined],
  ["a connection that says nothing", () => sendBytes("")],
  ["half a request line", () => sendBytes("GET /healt")],
  [
    "half a body",
    () => sendBytes("POST /api/v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"),
  ],
  ["a publisher that goes on", publishForEver],
  ["clients that stay", openSockets],
])("ends with 0 in time while there is %s", async (_who, arrive) => {
  await arrive();
  const startedAt = performance.now();
  expect(await server.kill("SIGTERM")).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

/** Of one process, where several stand for the server. */
const door = () => server.nodeUrls[0] ?? server.url;

it.each([
  ["an event stream", "/api/stream/prices", "Accept: text/event-stream\r\n"],
  [
    "a WebSocket",
    "/api/v1/ws/transactions",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
  ],
])(
  "drops who asks for %s meanwhile, without a status: EventSource would give up at it, a proxy pass it on",
  async (_what, path, headers) => {
    const open = await fetch(`${door()}/api/stream/prices`);
    const half = connect(Number(new URL(door()).port), "127.0.0.1");
    closers.push(() => half.destroy());
    let answer = "";
    half.on("data", (data: Buffer) => (answer += data.toString())).on("error", () => undefined);
    await once(half, "connect");
    half.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${await token()}\r\n${headers}`);
    const ended = once(half, "close");
    const killed = server.kill("SIGTERM");
    expect(await open.text()).toContain("SHUTTING_DOWN");
    half.write("\r\n");
    await ended;
    expect(answer).toBe("");
    expect(await killed).toBe(0);
  },
);

it("takes no connection any more once it tells its clients to go, so that a proxy asks another node", async () => {
  const open = await fetch(`${door()}/api/stream/prices`);
  const told = open.body?.pipeThrough(new TextDecoderStream()).getReader();
  const killed = server.kill("SIGTERM");
  for (let text = ""; !text.includes("SHUTTING_DOWN");) text += (await told?.read())?.value ?? "";
  const late = connect(Number(new URL(door()).port), "127.0.0.1");
  const [error] = (await once(late, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
  expect(await killed).toBe(0);
});
