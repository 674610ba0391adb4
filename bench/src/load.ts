/** The load: raw sockets that speak just enough of each wire to subscribe, and count marks in what they get. */
import { get } from "node:http";
import { type Socket, connect } from "node:net";
import { createGunzip } from "node:zlib";
import { type Connected, DECODING_CLIENTS, type LoadOrder, type Reading } from "./control.ts";
import { MARK, micros, symbolOf } from "./message.ts";

const sockets: Socket[] = [];
let messages = 0;
let bytes = 0;
let latencies: number[] = [];

process.on("message", (order: LoadOrder) => {
  switch (order.kind) {
    case "connect":
      void connectAll(order).then(() => process.send?.({ kind: "connected" } satisfies Connected));
      return;
    case "reset":
      messages = 0;
      bytes = 0;
      latencies = [];
      return;
    case "read":
      process.send?.(reading());
      return;
    case "stop":
      process.exit(0);
  }
});
process.on("disconnect", () => process.exit(0));

type Connect = Extract<LoadOrder, { kind: "connect" }>;

async function connectAll(order: Connect): Promise<void> {
  for (let first = 0; first < order.clients; first += 50) {
    const some = Array.from({ length: Math.min(50, order.clients - first) }, (_, index) => connectOne(order, first + index));
    await Promise.all(some);
  }
}

/** Resolves when the subscription was sent and, where there is one, answered. */
function connectOne(order: Connect, client: number): Promise<void> {
  // Spread over all topics, each client another set; none left out where that is possible.
  const isPartition = order.clients * order.topicsEach === order.topics;
  const placeOf = (index: number) => (isPartition ? client * order.topicsEach + index : (client * 7 + index * 101) % order.topics);
  const symbols = Array.from({ length: order.topicsEach }, (_, index) => symbolOf(placeOf(index)));
  if (order.wire === "sse-gzip" && client < DECODING_CLIENTS) return decodeOne(order, symbols);
  return new Promise((resolve, reject) => {
    const own = { ...order, token: order.tokens?.[client % order.tokens.length] ?? order.token };
    const socket = connect({ host: "127.0.0.1", port: order.port, noDelay: true }, () => socket.write(opening(own, symbols)));
    sockets.push(socket);
    let stage = 0;
    socket.on("data", (data) => {
      if (stage === STAGES[order.wire].length) {
        bytes += data.length;
        if (order.wire === "sse-gzip") return;
        count(data);
        if (order.wire === "feed") acknowledge(socket, data);
        return;
      }
      const text = data.toString("latin1");
      const step = STAGES[order.wire][stage];
      if (step === undefined || !text.includes(step.awaits)) return;
      stage += 1;
      const next = step.sends?.(order, symbols);
      if (next !== undefined) socket.write(textFrame(next));
      if (stage === STAGES[order.wire].length) resolve();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error(`connection ${client} was closed`));
    });
  });
}

interface Step {
  readonly awaits: string;
  readonly sends?: (order: Connect, symbols: readonly string[]) => string;
}

function subscribe({ topicKind = "symbol", after }: Connect, symbols: readonly string[]): string {
  const topics = symbols.map((symbol) => `${topicKind}:${symbol}`);
  return JSON.stringify({ type: "subscribe", topics, ...(after !== undefined && { after, snapshot: false }) });
}

const STAGES: Readonly<Record<Connect["wire"], readonly Step[]>> = {
  websocket: [{ awaits: "101 ", sends: (_order, symbols) => JSON.stringify({ topics: symbols.map((symbol) => `symbol:${symbol}`) }) }],
  native: [{ awaits: '"welcome"', sends: subscribe }, { awaits: '"subscribed"' }],
  // What was missed comes before the answer and is counted.
  "native-resume": [{ awaits: '"welcome"', sends: subscribe }],
  "socket-io": [
    { awaits: '0{"sid"', sends: () => "40" },
    { awaits: '40{"sid"', sends: (_order, symbols) => `42["subscribe",${JSON.stringify({ symbols })}]` },
  ],
  "socket-io-namespace": [
    { awaits: '0{"sid"', sends: ({ token }) => `40/market-data,${JSON.stringify({ token })}` },
    { awaits: '"connected"', sends: (_order, symbols) => `42/market-data,["subscribe",${JSON.stringify({ symbols })}]` },
    { awaits: '"snapshot"' },
  ],
  feed: [{ awaits: '"connected"', sends: () => '{"type":"subscribe","events":["transaction"]}' }, { awaits: '"subscribed"' }],
  sse: [{ awaits: "text/event-stream" }],
  "sse-gzip": [{ awaits: "text/event-stream" }],
};

function opening({ wire, port, token }: Connect, symbols: readonly string[]): string {
  if (wire === "sse" || wire === "sse-gzip") {
    const encoding = wire === "sse" ? "" : "Accept-Encoding: gzip\r\n";
    return `GET ${streamPath(token, symbols)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${encoding}\r\n`;
  }
  const path = PATHS[wire](token);
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
}

function streamPath(token: string, symbols: readonly string[]): string {
  return `/market-data/stream?symbols=${symbols.join(",")}&token=${token}`;
}

const PATHS: Readonly<Record<Exclude<Connect["wire"], "sse" | "sse-gzip">, (token: string) => string>> = {
  websocket: () => "/",
  native: (token) => `/api/v1/ws?token=${token}`,
  "native-resume": (token) => `/api/v1/ws?token=${token}`,
  feed: (token) => `/api/v1/ws/transactions?clientId=bench-${clients++}&token=${token}`,
  "socket-io": () => "/socket.io/?EIO=4&transport=websocket",
  "socket-io-namespace": () => "/socket.io/?EIO=4&transport=websocket",
};

/** Names of clients, for life. */
let clients = 0;

const EVENT_ID = '"eventId":"';

/** Everything that was read so far, in one ack, as a client with a queue would. */
function acknowledge(socket: Socket, data: Buffer): void {
  const at = data.lastIndexOf(EVENT_ID) + EVENT_ID.length;
  const upTo = data.toString("latin1", at, at + 19);
  if (at >= EVENT_ID.length && upTo.startsWith("EV-") && upTo.length === 19) socket.write(textFrame(`{"type":"ack","upTo":"${upTo}"}`));
}

/** A masked text frame; the mask of zeros leaves the text as it is. */
function textFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const header =
    body.length < 126
      ? Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0])
      : Buffer.from([0x81, 0x80 | 126, body.length >> 8, body.length & 255, 0, 0, 0, 0]);
  return Buffer.concat([header, body]);
}

function decodeOne({ port, token }: Connect, symbols: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: streamPath(token, symbols), headers: { "accept-encoding": "gzip" }, agent: false };
    get(options, (response) => {
      response.pipe(createGunzip()).on("data", count).on("error", reject);
      response.on("end", () => {
        reject(new Error("a decoding connection was closed"));
      });
      resolve();
    }).on("error", reject);
  });
}

function count(data: Buffer): void {
  let last = -1;
  for (let at = data.indexOf(MARK); at >= 0; at = data.indexOf(MARK, at + 1)) {
    messages += 1;
    last = at;
  }
  // One sample a read keeps the load light; the last message of a read is the freshest, so every read counts alike for all servers.
  if (last >= 0 && last + 17 <= data.length && latencies.length < 2_000_000)
    latencies.push((micros() - Number(data.toString("latin1", last + 1, last + 17))) / 1000);
}

function reading(): Reading {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN;
  return { kind: "reading", messages, bytes, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}
