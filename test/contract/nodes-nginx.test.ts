/** Clients that send more than one request, through nginx: each of them reaches the node that holds its connection, without cookies. */
import { io as ioNow, type Socket } from "socket.io-client";
import { io as io40 } from "socket.io-client-4-0";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { clusterSite } from "../cluster-site.ts";
import { type Nginx, startNginx } from "../nginx.ts";
import { newDatabase } from "../postgres-database.ts";
import { bestPrice, publish, type TestServer, startTestServer, token, until } from "./server.ts";
import { openBytes } from "./sse-peers/byte-stream.ts";

const NAMES = ["a", "b-2"];

let nodes: TestServer[];
let nginx: Nginx;
beforeAll(async () => {
  const shared = { BROADTAPE_DATABASE_URL: await newDatabase(), BROADTAPE_TRUST_PROXY: "127.0.0.1" };
  nodes = [];
  for (const name of NAMES) nodes.push(await startTestServer({ env: { ...shared, BROADTAPE_NODE: name } }));
  nginx = await startNginx(clusterSite(nodes.map(({ url }, index) => ({ url, name: NAMES[index] ?? "" }))));
});
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});
afterAll(async () => {
  await nginx.stop();
  for (const node of nodes) await node.remove();
});

/** At which node a connection is, by its id. */
const nodeOf = (id: string | undefined) => NAMES.find((name) => id?.startsWith(`${name}_`));

async function connect(io: typeof ioNow, transports: string[]): Promise<Socket> {
  const socket = io(`${nginx.url}/market-data`, { auth: { token: await token() }, forceNew: true, reconnection: false, transports });
  closing.push(() => socket.close());
  await until(() => socket.connected);
  return socket;
}

function subscribe(socket: Socket): Promise<readonly string[]> {
  return new Promise((resolve) => {
    socket.emit("subscribe", { symbols: ["EUR/USD"] }, ({ subscribed }: { subscribed: readonly string[] }) => resolve(subscribed));
  });
}

it.each([
  ["4.8 by polling alone", ioNow, ["polling"]],
  ["4.8 by polling, then WebSocket", ioNow, ["polling", "websocket"]],
  ["4.8 by WebSocket alone", ioNow, ["websocket"]],
  ["4.0 by polling alone", io40, ["polling"]],
  ["4.0 by polling, then WebSocket", io40, ["polling", "websocket"]],
])("tells prices to socket.io-client %s, whichever node it is at", async (_, io, transports) => {
  const sockets = await Promise.all(Array.from({ length: 4 }, () => connect(io, transports)));
  expect(new Set(sockets.map(({ io: { engine } }) => nodeOf(engine.id)))).toEqual(new Set(NAMES));
  const last = transports.at(-1);
  for (const { io: manager } of sockets) await until(() => manager.engine.transport.name === last);
  const ended: string[] = [];
  const told = sockets.map((socket) => {
    const bids: number[] = [];
    socket.on("price", ({ bestBid }: { bestBid: { price: number } }) => bids.push(bestBid.price));
    socket.on("disconnect", (reason) => ended.push(reason));
    return bids;
  });
  await publish(nodes[0]?.url ?? "", bestPrice("EUR/USD", "1", "9", { tenantid: "public" }));
  // A node knows a symbol when it has heard of its first price.
  for (const socket of sockets) await until(async () => (await subscribe(socket)).length > 0);
  for (const bid of [2, 3, 4]) await publish(nginx.url, bestPrice("EUR/USD", String(bid), "9", { tenantid: "public" }));
  for (const bids of told)
    await until(
      () => bids.at(-1) === 4,
      () => bids,
    );
  expect(ended).toEqual([]);
});

it("brings the commands of a native event stream to its node", async () => {
  const authorization = `Bearer ${await token({ sub: "ann" })}`;
  const held: (string | undefined)[] = [];
  for (let count = 0; count < 6; count++) {
    const stream = await openBytes(`${nginx.url}/api/v1/stream`, { headers: { authorization } });
    closing.push(stream.close);
    await stream.has('"welcome"');
    const [, connectionId = ""] = /"connectionId":"([^"]+)"/.exec(stream.text()) ?? [];
    held.push(nodeOf(connectionId));
    const answer = await fetch(`${nginx.url}/api/v1/stream/${connectionId}/commands`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ type: "subscribe", id: 1, topics: ["orders:me"] }),
    });
    expect(answer.status).toBe(202);
    await stream.has('"subscribed"');
  }
  expect(new Set(held)).toEqual(new Set(NAMES));
});

it("leaves out a node that is gone: who comes lands on another, and what is published is taken", async () => {
  await nodes[0]?.kill();
  for (let count = 0; count < 4; count++) {
    const socket = await connect(ioNow, ["polling", "websocket"]);
    expect(nodeOf(socket.io.engine.id)).toBe(NAMES[1]);
    const { status } = await publish(nginx.url, bestPrice("EUR/USD", "5", "9", { tenantid: "public" }));
    expect(status).toBe(200);
  }
});

it("says where no node answers: as all refusals are said, but to event streams, which come back after a lost connection", async () => {
  await nodes[1]?.kill();
  const answer = await fetch(`${nginx.url}/api/v1/connections`, { headers: { "x-correlation-id": "mine" } });
  expect([answer.status, answer.headers.get("x-correlation-id")]).toEqual([502, "mine"]);
  expect(await answer.json()).toEqual({ error: "Bad Gateway", message: "no node answers", statusCode: 502 });
  await expect(fetch(`${nginx.url}/api/v1/stream`, { headers: { accept: "text/event-stream" } })).rejects.toThrow();
});

it("logs what was asked for without its query, where a token may stand, though no node answers", async () => {
  const answer = await fetch(`${nginx.url}/api/v1/connections?token=nobody-may-read-this`);
  expect(answer.status).toBe(502);
  await until(() => nginx.output().includes('"GET /api/v1/connections HTTP/1.1" 502'), nginx.output);
  expect(nginx.output()).not.toContain("nobody-may-read-this");
});
