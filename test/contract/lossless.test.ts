/** The lossless class over real sockets, with a product of the test's own: what later products get by their declaration alone. */
import { mkdtempSync, rmSync } from "node:fs";
import { type Socket as NetSocket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import WebSocket from "ws";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningServer, readConfig, startServer } from "@broadtape/server";
import { testProduct } from "../simulation/product.ts";
import { SECRET, token, until } from "./server.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-lossless-"));
let server: RunningServer;

const start = () =>
  startServer(
    readConfig({
      PORT: "0",
      BROADTAPE_DATA_DIR: directory,
      BROADTAPE_JWT_SECRET: SECRET,
      BROADTAPE_LIMIT_RING_EVENTS: "50",
      BROADTAPE_LIMIT_SLOW_CONSUMER_MS: "4000",
      BROADTAPE_LIMIT_UNSENT_BYTES: "65536",
      BROADTAPE_LIMIT_BEHIND_BYTES: "16384",
      BROADTAPE_LIMIT_ACK_WINDOW: "3",
      BROADTAPE_LIMIT_REDELIVER_MS: "300",
    }),
    { logger: pino({ level: "silent" }), products: [testProduct] },
  );

beforeAll(async () => {
  server = await start();
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Told {
  readonly type: string;
  readonly id?: number;
  readonly topic?: string;
  readonly eventId?: string;
  readonly events?: readonly Told[];
  readonly data?: { readonly value: number };
  readonly cut?: string;
  readonly code?: string;
  readonly redelivered?: true;
  readonly attempt?: number;
}

function client(
  bearer: string,
  query = "",
): { socket: WebSocket; told: Told[]; say: (message: object) => void; values: () => number[]; first: (type: string) => Promise<Told> } {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/ws${query}`, { headers: { authorization: `Bearer ${bearer}` } });
  const told: Told[] = [];
  socket.on("message", (data: Buffer) => told.push(JSON.parse(data.toString()) as Told));
  socket.on("error", () => undefined);
  return {
    socket,
    told,
    say: (message) => socket.send(JSON.stringify(message)),
    values: () =>
      told
        .flatMap((each) => (each.type === "batch" ? (each.events ?? []) : [each]))
        .flatMap((each) => (each.data === undefined ? [] : [each.data.value])),
    first: (type) =>
      until(
        () => told.find((each) => each.type === type),
        () => told,
      ),
  };
}

const publisher = { userId: "p", tenant: "tenant", anyTenant: false, correlationId: "c" };
const feed = (name: string, value: number, pad = "") => ({ type: "test.feed", data: { name, value, pad } });
const may = (name: string) => token({ permissions: [`feed:${name}`] });

it("resumes from the log, past the ring and over a restart: every event once, in order, then live", async () => {
  const own = client(await may("resume"));
  await own.first("welcome");
  own.say({ type: "subscribe", id: 1, topics: ["feed:resume"] });
  const { cut } = await own.first("subscribed");
  own.socket.terminate();
  for (let value = 0; value < 300; value += 3)
    await server.publish(
      [0, 1, 2].map((step) => feed("resume", value + step)),
      publisher,
    );
  await server.close();
  server = await start();
  const again = client(await may("resume"));
  await again.first("welcome");
  again.say({ type: "subscribe", id: 2, topics: ["feed:resume"], after: cut });
  await again.first("subscribed");
  expect(again.values()).toEqual(Array.from({ length: 300 }, (_, index) => index));
  // A publish batch is never split.
  expect(again.told.filter(({ type }) => type === "batch").every(({ events }) => events?.length === 3)).toBe(true);
  await server.publish([feed("resume", 300)], publisher);
  await until(() => again.values().at(-1) === 300);
  again.socket.terminate();
});

it("resumes a named client from what it acknowledged", async () => {
  const first = client(await may("ack"), "?clientId=device-1");
  await first.first("welcome");
  first.say({ type: "subscribe", id: 1, topics: ["feed:ack"] });
  await first.first("subscribed");
  await server.publish([feed("ack", 1)], publisher);
  await server.publish([feed("ack", 2)], publisher);
  await until(() => first.values().length === 2);
  first.say({ type: "ack", upTo: first.told.find(({ data }) => data?.value === 1)?.eventId });
  first.say({ type: "unsubscribe", id: 2, topics: [] as string[] });
  await until(() => first.told.some(({ type }) => type === "error"));
  first.socket.terminate();
  await server.close();
  server = await start();
  const second = client(await may("ack"), "?clientId=device-1");
  await second.first("welcome");
  second.say({ type: "subscribe", id: 1, topics: ["feed:ack"] });
  await second.first("subscribed");
  expect(second.values()).toEqual([2]);
  second.socket.terminate();
});

it("resumes a named client that acknowledged nothing from where it began", async () => {
  const bearer = await may("begin");
  const first = client(bearer, "?clientId=device-0");
  await first.first("welcome");
  first.say({ type: "subscribe", id: 1, topics: ["feed:begin"] });
  await first.first("subscribed");
  await server.publish([feed("begin", 1)], publisher);
  await until(() => first.values().length > 0);
  // What it follows later on the same connection begins with its state.
  first.say({ type: "subscribe", id: 2, topics: ["feed:begin"] });
  await until(() => first.told.some(({ id }) => id === 2));
  first.socket.terminate();
  await server.publish([feed("begin", 2)], publisher);
  await server.close();
  server = await start();
  const second = client(bearer, "?clientId=device-0");
  await second.first("welcome");
  second.say({ type: "subscribe", id: 1, topics: ["feed:begin"] });
  await second.first("subscribed");
  await until(() => second.values().includes(2));
  // Each may have come again meanwhile.
  expect([first, second].map(({ values }) => [...new Set(values())])).toEqual([[1], [1, 2]]);
  second.socket.terminate();
});

it("sends a named client a window of events, each again until it is acknowledged, and the rest when there is room", async () => {
  const own = client(await may("window"), "?clientId=device-2");
  await own.first("welcome");
  own.say({ type: "subscribe", id: 1, topics: ["feed:window"] });
  await own.first("subscribed");
  await server.publish(
    [1, 2, 3, 4, 5].map((value) => feed("window", value)),
    publisher,
  );
  await until(() => own.told.filter(({ attempt }) => attempt === 2).length === 3);
  expect(own.values()).toEqual([1, 2, 3, 1, 2, 3]);
  const idOf = (value: number) =>
    own.told.flatMap((each) => [each, ...(each.events ?? [])]).find(({ data }) => data?.value === value)?.eventId;
  own.say({ type: "ack", upTo: idOf(2) });
  await until(() => own.values().includes(5));
  expect(own.told.filter(({ data }) => (data?.value ?? 0) > 3).every(({ redelivered }) => redelivered === undefined)).toBe(true);
  own.say({ type: "ack", upTo: idOf(5) });
  own.socket.terminate();
});

it("refuses a feed without the permission, and never tells whether it exists", async () => {
  const own = client(await may("other"));
  await own.first("welcome");
  own.say({ type: "subscribe", id: 1, topics: ["feed:resume", "feed:nosuch"] });
  expect(await own.first("subscribed")).toMatchObject({
    results: [
      { ok: false, code: "FORBIDDEN" },
      { ok: false, code: "FORBIDDEN" },
    ],
  });
  own.socket.terminate();
});

/** A client that stops reading: its system's buffers fill, then the server's. */
async function stuckClient(name: string): Promise<{ socket: NetSocket; read: () => string }> {
  const bearer = await may(name);
  const { port } = new URL(server.url);
  let text = "";
  const socket = connect({ port: Number(port), host: "127.0.0.1" });
  socket.write(
    `GET /api/v1/ws?token=${bearer} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  socket.on("data", (data) => (text += data.toString("latin1")));
  socket.on("error", () => undefined);
  await until(() => text.includes("welcome"));
  const body = Buffer.from(JSON.stringify({ type: "subscribe", topics: [`feed:${name}`] }));
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]));
  await until(() => text.includes("subscribed"));
  socket.pause();
  return { socket, read: () => text };
}

it("pauses a slow reader with the log as its backlog, and goes on without a gap when it reads again", async () => {
  const { socket, read } = await stuckClient("slow");
  const pad = "x".repeat(20_000);
  const before = server.engine.meter.paused;
  let sent = 0;
  while (server.engine.meter.paused === before) await server.publish([feed("slow", sent++, pad)], publisher);
  for (let more = 0; more < 20; more++) await server.publish([feed("slow", sent++, pad)], publisher);
  const [session] = [...server.engine.sessions.values()];
  expect(session?.outbox.queuedBytes).toBeLessThan(400_000);
  socket.resume();
  const values = () => [...read().matchAll(/"value":(\d+)/g)].map(([, value]) => Number(value));
  await until(
    () => values().length >= sent,
    () => values().length,
  );
  expect(values()).toEqual(Array.from({ length: sent }, (_, index) => index));
  expect(read()).toContain('"lagging"');
  expect(read()).toContain('"caughtUp"');
  socket.destroy();
});

it("disconnects a reader that does not drain in time, with SLOW_CONSUMER", async () => {
  const { socket, read } = await stuckClient("stuck");
  const pad = "x".repeat(20_000);
  const before = server.engine.meter.paused;
  for (let value = 0; server.engine.meter.paused === before; value++) await server.publish([feed("stuck", value, pad)], publisher);
  await until(() => (server.engine.meter.dropped.get("SLOW_CONSUMER") ?? 0) > 0);
  socket.resume();
  await until(() => read().includes("SLOW_CONSUMER"));
  socket.destroy();
});
