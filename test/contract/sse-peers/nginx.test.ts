/** Contract 50-sse behind nginx: the configuration of docs/operating.md as it stands there, and some that are worse. */
import { EventSource } from "eventsource";
import { io } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { codeOf, pageOf } from "../../docs/pages.ts";
import { type Nginx, startNginx } from "../../nginx.ts";
import { nativeClients } from "../native-client.ts";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "../server.ts";
import { type ByteStream, type ByteStreamOptions, openBytes } from "./byte-stream.ts";

const documented = codeOf(pageOf("docs/operating.md"), "nginx").join("\n");

let server: TestServer;
let nginx: Nginx;
/** As people have it who know nothing of event streams. */
let careless: Nginx;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_TRUST_PROXY: "127.0.0.1" } });
  const { host } = new URL(server.url);
  nginx = await startNginx(documented.replace("127.0.0.1:3000", host));
  careless = await startNginx(carelessSite(host));
});
afterAll(async () => {
  for (const each of [nginx, careless]) await each.stop();
  await server.remove();
});
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const carelessSite = (host: string) => `
proxy_buffering on;
server {
  listen 80;
  location /plain/ { proxy_http_version 1.1; proxy_pass http://${host}/; }
  location /zipped/ {
    gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 0;
    proxy_set_header Accept-Encoding "";
    proxy_http_version 1.1; proxy_pass http://${host}/;
  }
  location /old/ { proxy_http_version 1.0; proxy_pass http://${host}/; }
  location /deaf/ {
    gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 0;
    proxy_ignore_headers X-Accel-Buffering;
    proxy_set_header Accept-Encoding "";
    proxy_http_version 1.1; proxy_pass http://${host}/;
  }
}`;

async function open(base: string, path: string, { headers = {}, ...options }: ByteStreamOptions = {}, sub = "ann"): Promise<ByteStream> {
  const bearer = { authorization: `Bearer ${await token({ sub })}` };
  const stream = await openBytes(`${base}${path}`, { headers: { ...bearer, ...headers }, ...options });
  closing.push(stream.close);
  return stream;
}

let last = 0;
async function order(userId = "ann"): Promise<{ readonly id: string; readonly eventId: string }> {
  const id = `order-${++last}-`;
  const { status, body } = await publish(server.url, {
    type: "trading.order.created",
    data: {
      userId,
      order: {
        id,
        symbol: "EURUSD",
        side: "buy",
        type: "limit",
        quantity: "1.00",
        status: "new",
        filledQuantity: "0",
        createdAt: "2026-11-21T09:30:00.000Z",
      },
    },
  });
  expect(status).toBe(200);
  return { id, eventId: body.results[0]?.eventId ?? "" };
}

describe("an event", () => {
  it("is held back by no nginx that buffers, compresses or speaks HTTP/1.0: it arrives before the next is published", async () => {
    const gzip = { headers: { "accept-encoding": "gzip" } };
    const ways = [
      await open(server.url, "/api/stream/orders"),
      await open(nginx.url, "/api/stream/orders"),
      await open(nginx.url, "/api/stream/orders", gzip),
      await open(careless.url, "/plain/api/stream/orders"),
      await open(careless.url, "/plain/api/stream/orders", gzip),
      await open(careless.url, "/zipped/api/stream/orders", gzip),
      await open(careless.url, "/old/api/stream/orders"),
      await open(careless.url, "/old/api/stream/orders", gzip),
    ];
    expect(ways.map(({ status, headers }) => [status, headers["content-encoding"]])).toEqual([
      [200, undefined],
      [200, undefined],
      [200, "gzip"],
      [200, undefined],
      [200, "gzip"],
      [200, "gzip"],
      [200, undefined],
      [200, "gzip"],
    ]);
    for (let count = 0; count < 20; count++) {
      const { id } = await order();
      await Promise.all(ways.map((way) => way.has(id)));
    }
  });

  it("is held back where nginx is told not to listen to X-Accel-Buffering: the test above can fail", async () => {
    const direct = await open(server.url, "/api/stream/orders", {}, "deaf");
    let hasBegun = false;
    const held = open(careless.url, "/deaf/api/stream/orders", { headers: { "accept-encoding": "gzip" } }, "deaf");
    held.then(
      () => (hasBegun = true),
      () => undefined,
    );
    for (let count = 0; count < 5; count++) await direct.has((await order("deaf")).id);
    expect(hasBegun).toBe(false);
  });

  it("that was missed comes after the last event id that nginx passes on", async () => {
    const first = await order("missing");
    const missed = [await order("missing"), await order("missing")];
    for (const [base, path] of [
      [nginx.url, ""],
      [careless.url, "/zipped"],
      [careless.url, "/old"],
    ] as const) {
      const stream = await open(base, `${path}/api/stream/orders`, { headers: { "last-event-id": first.eventId } }, "missing");
      await stream.has(missed[1]?.id ?? "");
      const ids = [...stream.text().matchAll(/"orderId":"([^"]+)"/g)].map(([, id]) => id);
      expect(ids).toEqual(missed.map(({ id }) => id));
    }
  });
});

describe("the documented configuration", () => {
  it("passes prices, cookie sessions of its own name, and the headers of streams", async () => {
    const opened = await fetch(`${nginx.url}/api/session`, {
      method: "POST",
      headers: { authorization: `Bearer ${await token({ sub: "ann" })}`, origin: nginx.url },
    });
    const cookie = /session=[^;]+/.exec(opened.headers.get("set-cookie") ?? "")?.[0] ?? "";
    const orders = await openBytes(`${nginx.url}/api/stream/orders`, {
      headers: { cookie, origin: nginx.url, "x-correlation-id": "mine" },
    });
    closing.push(orders.close);
    expect(orders.status).toBe(200);
    expect(orders.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "x-correlation-id": "mine",
    });
    await orders.has("event: connected");
    const prices = await open(nginx.url, "/api/stream/prices?symbols=NGX");
    await publish(server.url, bestPrice("NGX", "1.10", "1.20"));
    await prices.has('"bid":1.10');
  });

  it("passes Socket.IO, by polling and by WebSocket, and the native WebSocket", async () => {
    const bearer = await token({ sub: "sock" });
    const names: string[][] = [];
    for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
      const socket = io(nginx.url, { auth: { token: bearer }, forceNew: true, reconnection: false, transports });
      closing.push(() => socket.close());
      const heard: string[] = [];
      names.push(heard);
      socket.on("order:created", ({ order: { id } }: { order: { id: string } }) => heard.push(id));
      await new Promise((resolve) => socket.on("connected", () => socket.emit("subscribe", { channel: "trading" }, resolve)));
    }
    const native = nativeClients(() => nginx);
    closing.push(native.end);
    const client = await native.welcomed({ sub: "sock" });
    client.say({ type: "subscribe", topics: ["orders:me"] });
    await client.first("subscribed");
    const { id } = await order("sock");
    await until(
      () => names.every((heard) => heard.includes(id)) && client.told.some((told) => JSON.stringify(told).includes(id)),
      () => [names, client.told],
    );
  });
});

describe("with limits and heartbeats", () => {
  let strict: TestServer;
  let proxy: Nginx;
  beforeAll(async () => {
    strict = await startTestServer({
      env: {
        BROADTAPE_TRUST_PROXY: "127.0.0.1",
        BROADTAPE_LIMIT_HEARTBEAT_MS: "300",
        BROADTAPE_LIMIT_SSE_ATTEMPTS_PER_MINUTE: "3",
      },
    });
    proxy = await startNginx(documented.replace("127.0.0.1:3000", new URL(strict.url).host));
  });
  afterAll(async () => {
    await proxy.stop();
    await strict.remove();
  });

  it("counts attempts by the client's own address, whatever a client says of it", async () => {
    const statusesOf = async (from: string, times: number, headers: Record<string, string>, path = "/api/stream/orders") => {
      const statuses: number[] = [];
      for (let attempt = 0; attempt < times; attempt++) {
        const stream = await openBytes(`${proxy.url}${path}`, { headers: { ...headers, "x-forwarded-for": `10.0.0.${attempt}` }, from });
        statuses.push(stream.status);
        stream.close();
      }
      return statuses;
    };
    const bearer = { authorization: `Bearer ${await token()}` };
    expect(await statusesOf("127.0.0.2", 6, {})).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await statusesOf("127.0.0.3", 6, {})).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await statusesOf("127.0.0.2", 4, bearer)).toEqual([200, 200, 200, 429]);
    expect(await statusesOf("127.0.0.3", 1, bearer)).toEqual([200]);
    expect(await statusesOf("127.0.0.4", 6, {}, "/api/stream/prices")).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it("passes heartbeats, comment and event", async () => {
    const stream = await openBytes(`${proxy.url}/api/stream/alerts?token=${await token()}`, { from: "127.0.0.5" });
    closing.push(stream.close);
    await until(() => /: keepalive\n\nevent: heartbeat\ndata: \{"timestamp"/.test(stream.text()), stream.text);
    stream.close();
  });

  it("has an EventSource come back by itself when the server was away, and everybody else told that it is", async () => {
    const bearer = await token();
    const source = new EventSource(`${proxy.url}/api/stream/alerts?token=${bearer}`);
    closing.push(() => source.close());
    const states: number[] = [];
    source.onerror = () => states.push(source.readyState);
    await new Promise((resolve) => source.addEventListener("connected", resolve));
    await strict.kill("SIGKILL");
    await until(() => states.length > 0);
    expect((await fetch(`${proxy.url}/readyz`)).status).toBe(502);
    const refused = fetch(`${proxy.url}/api/stream/alerts`, { headers: { accept: "text/event-stream" } });
    await expect(refused).rejects.toThrow("fetch failed");
    expect(states).toEqual([EventSource.CONNECTING]);
    source.close();
  });
});
