/** Arriving at a server that cannot take one, from another origin, or under a name that is none (contract 00-common, 60-native). */
import { io } from "socket.io-client";
import WebSocket from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freePort, startTestServer, type TestServer, token, until } from "./server.ts";

const ORIGIN = "https://desk.example";
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_CONNECTIONS_PER_USER: "1", BROADTAPE_CORS_ORIGINS: ORIGIN } });
});
afterAll(() => server.remove());
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** What an upgrade was answered with instead, or "open". */
async function upgrade(query: string): Promise<{ status: number; headers: Record<string, unknown>; body: string } | "open"> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/ws?${query}`);
  closers.push(() => socket.terminate());
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve("open"));
    socket.on("error", reject);
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (data: Buffer) => (body += data.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
  });
}

describe("one connection more than a user may have", () => {
  it("is refused with 429 and when to come back, on every transport", async () => {
    const own = await token({ sub: "full" });
    expect(await upgrade(`token=${own}`)).toBe("open");
    const refused = await upgrade(`token=${own}`);
    expect(refused).toMatchObject({ status: 429, headers: { "retry-after": "5", "x-correlation-id": expect.any(String) } });
    expect(refused === "open" ? "" : JSON.parse(refused.body)).toMatchObject({ error: "Too Many Requests", statusCode: 429 });
    const stream = await fetch(`${server.url}/api/v1/stream?topics=symbol:A`, { headers: { authorization: `Bearer ${own}` } });
    expect([stream.status, stream.headers.get("retry-after")]).toEqual([429, "5"]);
    const socket = io(`${server.url}/market-data`, { auth: { token: own }, forceNew: true, reconnection: false });
    closers.push(() => socket.disconnect());
    const error = await new Promise((resolve) => socket.on("error", resolve));
    expect(error).toMatchObject({ code: "LIMIT_REACHED", retryAfterMs: 5000 });
  });
});

describe("a clientId that is none", () => {
  it.each(["", "a b", "x".repeat(65), "ä", "a/b"])("is refused: %j", async (clientId) => {
    const own = await token({ sub: `named-${clientId.length}` });
    const query = new URLSearchParams({ clientId }).toString();
    expect(await upgrade(`token=${own}&${query}`)).toMatchObject({ status: 400 });
    const stream = await fetch(`${server.url}/api/v1/stream?${query}`, { headers: { authorization: `Bearer ${own}` } });
    expect(stream.status).toBe(400);
    expect(await stream.json()).toMatchObject({ statusCode: 400, message: expect.stringContaining("clientId") });
  });
});

describe("a page of another origin", () => {
  it.each([
    ["/api/v1/events", "POST"],
    ["/api/session", "DELETE"],
    ["/api/v1/topics/symbol:A/events", "GET"],
  ])("learns before it asks that it may use %s with %s", async (path, method) => {
    const ask = async (origin: string) =>
      fetch(server.url + path, { method: "OPTIONS", headers: { origin, "access-control-request-method": method } });
    const allowed = await ask(ORIGIN);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(allowed.headers.get("access-control-allow-credentials")).toBe("true");
    expect(allowed.headers.get("access-control-allow-methods")).toContain(method);
    expect(allowed.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect((await ask("https://other.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("an address that cannot be listened on", () => {
  it.each([
    ["PORT", async () => ({ PORT: new URL(server.url).port })],
    ["HOST", async () => ({ HOST: "nowhere.invalid", PORT: String(await freePort()) })],
  ])("is named by its setting: %s", async (setting, env) => {
    await expect(env().then((each) => startTestServer({ env: each }))).rejects.toThrow(`${setting}: cannot listen`);
  });
});

it("tells every client that may come back when to, whatever ended its connection", async () => {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/ws?token=${await token({ sub: "short", ttlMs: 3000 })}`);
  closers.push(() => socket.terminate());
  const told: Record<string, unknown>[] = [];
  socket.on("message", (data: Buffer) => told.push(JSON.parse(data.toString()) as Record<string, unknown>));
  await until(() => told.find(({ type }) => type === "closing"));
  expect(told.at(-1)).toEqual({ type: "closing", code: "TOKEN_EXPIRED", reconnect: true, reconnectAfterMs: expect.any(Number) });
});
