/** Contract 00-common "Identity" and "Errors over HTTP": cookie sessions, key sets, health, shutdown. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT, exportJWK } from "jose";
import WebSocket from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SECRET, type TestServer, bestPrice, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());

async function openSession(url: string, claims: Parameters<typeof token>[0] = {}): Promise<string> {
  const response = await fetch(`${url}/api/session`, { method: "POST", headers: { authorization: `Bearer ${await token(claims)}` } });
  expect(response.status).toBe(201);
  const cookie = response.headers.get("set-cookie") ?? "";
  expect(cookie).toMatch(/^session=[A-Za-z0-9_-]{43}; .*HttpOnly/);
  expect(cookie).toMatch(/SameSite=Lax/);
  return cookie.split(";", 1)[0] ?? "";
}

async function socketWith(cookie: string, url: string): Promise<{ told: { type: string; code?: string }[]; closed: Promise<void> }> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/v1/ws`, { headers: { cookie } });
  const told: { type: string; code?: string }[] = [];
  socket.on("message", (data: Buffer) => told.push(JSON.parse(data.toString()) as { type: string }));
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  await until(() => told.find(({ type }) => type === "welcome"));
  return { told, closed };
}

describe("cookie sessions", () => {
  it("open with a bearer token, end with DELETE, and take what hangs on them along", async () => {
    const cookie = await openSession(server.url);
    const { told, closed } = await socketWith(cookie, server.url);
    const stream = await fetch(`${server.url}/api/v1/stream?topics=symbol:A`, { headers: { cookie } });
    expect(stream.status).toBe(200);
    const ended = await fetch(`${server.url}/api/session`, { method: "DELETE", headers: { cookie } });
    expect(ended.status).toBe(204);
    await closed;
    expect(told.some(({ type, code }) => type === "error" && code === "TOKEN_EXPIRED")).toBe(true);
    expect(await stream.text()).toContain("TOKEN_EXPIRED");
    expect((await fetch(`${server.url}/api/v1/topics/symbol:A/events`, { headers: { cookie } })).status).toBe(401);
    expect((await fetch(`${server.url}/api/session`, { method: "DELETE", headers: { cookie } })).status).toBe(401);
  });

  it("need a token that is good", async () => {
    expect((await fetch(`${server.url}/api/session`, { method: "POST" })).status).toBe(401);
    expect((await fetch(`${server.url}/api/session`, { method: "POST", headers: { authorization: "Bearer x" } })).status).toBe(401);
  });

  it("do not count when a foreign page sends them", async () => {
    const cookie = await openSession(server.url);
    const from = (origin: string) => fetch(`${server.url}/api/v1/topics/symbol:A/events`, { headers: { cookie, origin } });
    expect((await from(server.url)).status).toBe(200);
    expect((await from("https://evil.example.com")).status).toBe(401);
  });

  it("survive a restart", async () => {
    const own = await startTestServer();
    try {
      const cookie = await openSession(own.url);
      await own.kill();
      const again = await own.restart();
      expect((await fetch(`${again.url}/api/v1/topics/symbol:A/events`, { headers: { cookie } })).status).toBe(200);
      await again.remove();
    } finally {
      await own.remove();
    }
  });
});

describe("tokens", () => {
  const sign = (claims: object, secret = SECRET, alg = "HS256") =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  const status = async (bearer: string) =>
    (await fetch(`${server.url}/api/v1/topics/symbol:A/events`, { headers: { authorization: `Bearer ${bearer}` } })).status;

  it("without sub, tenantId or exp, or with claims of other types, are refused", async () => {
    const good = { sub: "u", tenantId: "t", exp: inAnHour };
    expect(await status(await sign(good))).toBe(200);
    for (const bad of [
      { sub: undefined },
      { tenantId: undefined },
      { exp: undefined },
      { sub: "" },
      { tenantId: 5 },
      { permissions: "all" },
      { permissions: [5] },
      { team: "x" },
      { nbf: inAnHour },
    ]) {
      expect(await status(await sign({ ...good, ...bad })), JSON.stringify(bad)).toBe(401);
    }
  });

  it("of other algorithms, unsigned, or of no form at all are refused", async () => {
    const payload = Buffer.from(JSON.stringify({ sub: "u", tenantId: "t", exp: inAnHour })).toString("base64url");
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
    for (const bad of [
      unsigned,
      await sign({ sub: "u", tenantId: "t", exp: inAnHour }, SECRET, "HS512"),
      "a.b.c",
      "...",
      "x".repeat(7000),
      "%00",
      "é",
    ]) {
      expect(await status(encodeURI(bad)).catch(() => 401)).toBe(401);
    }
  });

  it("of a key set: the algorithm follows from the key", async () => {
    const folder = mkdtempSync(join(tmpdir(), "broadtape-jwks-"));
    const pairs = [
      ["RS256", generateKeyPairSync("rsa", { modulusLength: 2048 })],
      ["ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
      ["EdDSA", generateKeyPairSync("ed25519")],
    ] as const;
    const keys = await Promise.all(pairs.map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid: alg, alg })));
    const file = join(folder, "jwks.json");
    writeFileSync(file, JSON.stringify({ keys }));
    const own = await startTestServer({ env: { BROADTAPE_JWT_SECRET: "", BROADTAPE_JWKS: file } });
    try {
      const claims = { sub: "u", tenantId: "t", exp: inAnHour };
      for (const [alg, { privateKey }] of pairs) {
        const bearer = await new SignJWT(claims).setProtectedHeader({ alg, kid: alg }).sign(privateKey);
        expect(
          (await fetch(`${own.url}/api/v1/topics/symbol:A/events`, { headers: { authorization: `Bearer ${bearer}` } })).status,
          alg,
        ).toBe(200);
      }
      // The public key as an HMAC secret: the oldest trick.
      const publicText = pairs[0][1].publicKey.export({ type: "spki", format: "pem" }).toString();
      const forged = await new SignJWT(claims)
        .setProtectedHeader({ alg: "HS256", kid: "RS256" })
        .sign(new TextEncoder().encode(publicText));
      expect((await fetch(`${own.url}/api/v1/topics/symbol:A/events`, { headers: { authorization: `Bearer ${forged}` } })).status).toBe(
        401,
      );
    } finally {
      await own.remove();
    }
  });
});

describe("history", () => {
  it("pages a topic's events, cacheable when complete, and shows past states", async () => {
    const headers = { authorization: `Bearer ${await token()}` };
    const { results } = (await publish(server.url, `[${[1, 2, 3, 4, 5].map((bid) => bestPrice("HIS", `${bid}.0`, "9")).join(",")}]`)).body;
    const get = async (path: string, more: Record<string, string> = {}) =>
      fetch(`${server.url}/api/v1/topics/symbol%3AHIS/${path}`, { headers: { ...headers, ...more } });
    const first = await get("events?limit=2");
    const page = (await first.json()) as { events: { eventId: string; data: unknown }[]; next: string; complete: boolean };
    expect(page.events.map(({ eventId }) => eventId)).toEqual(results.slice(0, 2).map(({ eventId }) => eventId));
    expect(page).toMatchObject({ complete: false, next: results[1]?.eventId });
    expect(first.headers.get("cache-control")).toContain("immutable");
    expect((await get("events?limit=2", { "if-none-match": first.headers.get("etag") ?? "" })).status).toBe(304);
    const rest = (await (await get(`events?after=${page.next}`)).json()) as { events: unknown[]; complete: boolean };
    expect(rest).toMatchObject({ complete: true });
    expect(rest.events.length).toBe(3);
    const bounded = (await (await get(`events?until=${results[2]?.eventId ?? ""}`)).json()) as { events: unknown[] };
    expect(bounded.events.length).toBe(3);
    const past = await (await get(`snapshot?at=${results[1]?.eventId ?? ""}`)).text();
    expect(past).toContain('"price":2.0');
    expect(await (await get(`snapshot?at=${new Date(Date.now() + 1000).toISOString()}`)).text()).toContain('"price":5.0');
    expect(await (await get("snapshot")).text()).toContain('"price":5.0');
    for (const path of ["events?limit=0", "events?limit=x", "events?until=x", "snapshot?at=x"])
      expect((await get(path)).status, path).toBe(400);
    expect(await (await get("events?after=x&limit=1")).json()).toMatchObject({ resync: { reason: "unknown" } });
    expect((await fetch(`${server.url}/api/v1/topics/symbol:HIS/events`)).status).toBe(401);
    expect((await fetch(`${server.url}/api/v1/topics/nope:1/events`, { headers })).status).toBe(400);
    expect((await fetch(`${server.url}/api/v1/topics/symbol:HIS/nope`, { headers })).status).toBe(404);
  });
});

it("says how it is", async () => {
  for (const path of ["/healthz", "/readyz", "/livez"]) expect((await fetch(`${server.url}${path}`)).status).toBe(200);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  for (const name of [
    "connections",
    "sessions",
    "topics",
    "published_events_total",
    "delivered_messages_total",
    "conflated_values_total",
    "paused_total",
    "dropped_connections_total",
    "publish_to_write_seconds_bucket",
    "log_lag_events",
    "event_loop_delay_seconds",
  ]) {
    expect(metrics).toContain(`broadtape_${name}`);
  }
  const missing = await fetch(`${server.url}/nope`);
  expect(missing.status).toBe(404);
  expect(missing.headers.get("x-correlation-id")).toBeTruthy();
  expect(await missing.json()).toEqual({ error: "Not Found", message: expect.any(String), statusCode: 404 });
});

it("shuts down in order: tells clients to come back, closes, exits 0", async () => {
  const own = await startTestServer();
  const socket = new WebSocket(`${own.url.replace("http", "ws")}/api/v1/ws?token=${await token()}`);
  const told: { type: string; code?: string; reconnectAfterMs?: number; reconnect?: boolean }[] = [];
  socket.on("message", (data: Buffer) => told.push(JSON.parse(data.toString()) as { type: string }));
  await until(() => told.find(({ type }) => type === "welcome"));
  const stream = await fetch(`${own.url}/api/v1/stream?token=${await token()}`);
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  const started = performance.now();
  expect(await own.kill("SIGTERM")).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(await closed).toBe(1012);
  expect(told.find(({ type }) => type === "closing")).toMatchObject({
    code: "SHUTTING_DOWN",
    reconnect: true,
    reconnectAfterMs: expect.any(Number),
  });
  expect(await stream.text()).toContain("SHUTTING_DOWN");
  await own.remove();
});

it("never writes a token into a log line", async () => {
  const own = await startTestServer({ env: { LOG_LEVEL: "trace" } });
  const bearer = await token();
  await fetch(`${own.url}/market-data/stream?symbols=A&token=${bearer}`);
  await fetch(`${own.url}/api/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
    body: "{",
  });
  const socket = new WebSocket(`${own.url.replace("http", "ws")}/api/v1/ws?token=${bearer}`);
  await new Promise((resolve) => socket.on("message", resolve));
  await own.kill("SIGTERM");
  expect(own.output()).toContain("connected");
  expect(own.output()).not.toContain(bearer);
  expect(own.output()).not.toContain(bearer.split(".")[2] ?? bearer);
  await own.remove();
});
