/** Contract 50-sse: who gets which answer, headers, CORS, gzip, old clients. */
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { alert, closeReaders, fresh, read, say } from "./reader.ts";

const DESK = "https://desk.example.com";
const CLOSED = ["orders", "positions", "trading", "ai-decisions", "strategies/mine", "alerts"].map((name) => `/api/stream/${name}`);
const PRICES = "/api/stream/prices";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: { BROADTAPE_CORS_ORIGINS: DESK, BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000", BROADTAPE_LIMIT_STREAMS_PER_USER: "100" },
  });
  await say(server, { type: "strategy.registered", data: { strategyId: "mine", userId: "user", name: "Mine" } });
});
afterAll(() => server.remove());
afterEach(closeReaders);

describe.each([...CLOSED, PRICES])("%s", (path) => {
  it("opens with the headers of event streams and the request's correlation id", async () => {
    const stream = await read(server, path, { headers: { "X-Correlation-ID": "mine-1", connection: "keep-alive" } });
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      connection: "keep-alive",
      "x-accel-buffering": "no",
      "x-correlation-id": "mine-1",
      vary: expect.stringContaining("Accept-Encoding"),
    });
    expect(stream.headers).not.toHaveProperty("content-encoding");
  });

  it("makes a correlation id where the request has none, or one that is none", async () => {
    const made = (await read(server, path)).headers["x-correlation-id"];
    const other = (await read(server, path, { headers: { "X-Correlation-ID": "two words" } })).headers["x-correlation-id"];
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
    expect(other).toMatch(/^[0-9a-f-]{36}$/);
    expect(other).not.toBe(made);
  });

  it("answers preflights with 200", async () => {
    const preflight = await read(server, path, {
      method: "OPTIONS",
      bearer: null,
      headers: { Origin: DESK, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization,last-event-id" },
    });
    expect(preflight.status).toBe(200);
    expect(preflight.headers).toMatchObject({
      "access-control-allow-methods": "GET, OPTIONS",
      "access-control-allow-headers": "Content-Type, Authorization, Last-Event-ID, X-Correlation-ID",
    });
  });

  it("refuses a token that is none with 401, whatever the stream", async () => {
    const answer = await read(server, path, { bearer: "nonsense" });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({ error: "Unauthorized", message: "No valid session found", statusCode: 401 });
    expect(answer.headers["x-correlation-id"]).toBeDefined();
  });
});

describe.each(CLOSED)("%s, which needs a login,", (path) => {
  it("refuses strangers in the words of the contract", async () => {
    for (const headers of [{}, { cookie: "session=gone" }, { authorization: "Basic dTpw" }]) {
      const answer = await read(server, path, { bearer: null, headers });
      expect(answer.status).toBe(401);
      expect(answer.headers["content-type"]).toMatch(/^application\/json/);
      expect(await answer.json()).toEqual({ error: "Unauthorized", message: "No valid session found", statusCode: 401 });
    }
  });

  it("is read by pages of the configured origins with credentials, and of no others; never by *", async () => {
    const own = await read(server, path, { headers: { Origin: DESK } });
    expect(own.headers).toMatchObject({ "access-control-allow-origin": DESK, "access-control-allow-credentials": "true" });
    expect(own.headers.vary).toContain("Origin");
    const foreign = await read(server, path, { headers: { Origin: "https://evil.example.com" } });
    expect(foreign.headers["access-control-allow-origin"]).toBeUndefined();
    const refused = await read(server, path, { bearer: null, headers: { Origin: DESK } });
    expect(refused.headers["access-control-allow-origin"]).toBe(DESK);
  });
});

describe("/api/stream/prices, which is for anybody,", () => {
  const anyOrigin = { "access-control-allow-origin": "*" };

  it("is read by pages of every origin: * and no credentials, refusals and preflights included", async () => {
    for (const origin of [DESK, "https://elsewhere.example.com", "null"]) {
      for (const [path, method] of [
        [PRICES, "GET"],
        [PRICES, "OPTIONS"],
        [`${PRICES}?symbols=%20a%20b`, "GET"],
        ["/api/stream/metrics", "GET"],
        ["/api/stream/metrics", "OPTIONS"],
      ] as const) {
        const answer = await read(server, path, { method, bearer: null, headers: { Origin: origin } });
        expect(answer.headers, `${method} ${path} from ${origin}`).toMatchObject(anyOrigin);
        expect(answer.headers, `${method} ${path} from ${origin}`).not.toHaveProperty("access-control-allow-credentials");
      }
    }
  });

  it("lets in who hangs on a session that has ended, or whose proxy asked for another scheme, as nobody", async () => {
    for (const headers of [{ cookie: "session=gone" }, { authorization: "Basic dTpw" }, { authorization: "Bearer " }]) {
      const stream = await read(server, PRICES, { bearer: null, headers });
      expect(stream.status, JSON.stringify(headers)).toBe(200);
      expect((await stream.first("connected")).data["clientId"]).toMatch(/^anonymous-prices-\d+$/);
    }
  });
});

describe("gzip", () => {
  it("holds the same bytes as identity, flushed with each batch", async () => {
    const bearer = await token({ sub: fresh("user") });
    const sub = "user-gz";
    const own = await token({ sub });
    const plain = await read(server, "/api/stream/alerts", { bearer: own, headers: { "accept-encoding": "identity" } });
    const zipped = await read(server, "/api/stream/alerts", { bearer: own, headers: { "accept-encoding": "br;q=1, gzip;q=0.5" } });
    expect(zipped.headers["content-encoding"]).toBe("gzip");
    await zipped.first("connected");
    await plain.first("connected");
    for (let each = 0; each < 20; each++) {
      await say(server, [alert(sub, `ümläut \u{1F4B9} ${"x".repeat(each * 50)}`), alert(sub, `${each}`)]);
      await until(() => zipped.all("alert:new").length === 2 * each + 2, zipped.text);
    }
    await until(() => plain.all("alert:new").length === 40, plain.text);
    const afterConnected = (text: string) => text.slice(text.indexOf("\n\n") + 2);
    expect(afterConnected(zipped.text())).toBe(afterConnected(plain.text()));
    expect(bearer).not.toBe(own);
  });

  it("is left out for who refuses it", async () => {
    for (const coding of ["gzip;q=0", "gzip; q=0.000", "br", ""]) {
      const stream = await read(server, PRICES, { headers: { "accept-encoding": coding } });
      expect(stream.headers, coding).not.toHaveProperty("content-encoding");
    }
  });
});

describe("other clients", () => {
  it.each(["Host: x\r\n", ""])("serves HTTP/1.0 without chunks, with headers %j", async (host) => {
    const sub = fresh("old");
    const bearer = await token({ sub });
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString()));
    socket.write(`GET /api/stream/alerts HTTP/1.0\r\n${host}Authorization: Bearer ${bearer}\r\n\r\n`);
    await until(
      () => text.includes("event: connected"),
      () => text,
    );
    const [head = "", body = ""] = text.split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 200/);
    expect(head).not.toMatch(/transfer-encoding|connection: keep-alive/i);
    expect(body).toMatch(/^event: connected\n/);
    await say(server, alert(sub, "still here"));
    await until(
      () => text.includes('"message":"still here"'),
      () => text,
    );
    expect(text).not.toMatch(/\n[0-9a-f]+\r\n/);
    socket.destroy();
  });

  it("is read by curl, compressed or not", async () => {
    const curl = async (...more: string[]) => {
      const sub = fresh("curl");
      await say(server, alert(sub, "for curl"));
      const args = ["-sN", "--max-time", "1", "-H", `Authorization: Bearer ${await token({ sub })}`, ...more];
      return new Promise<string>((resolve) => {
        execFile("curl", [...args, `${server.url}/api/stream/alerts`], (_error, stdout) => resolve(stdout));
      });
    };
    const [plain, zipped] = await Promise.all([curl(), curl("--compressed")]);
    for (const text of [plain, zipped]) {
      expect(text).toMatch(
        /^event: connected\ndata: .*\nid: .*\nretry: 5000\n\nevent: alert:new\ndata: .*"message":"for curl".*\nid: .*\nretry: 5000\n\n$/,
      );
    }
  });

  it("answers other methods, and paths that there are not, in the one form of errors", async () => {
    for (const [method, path] of [
      ["POST", "/api/stream/orders"],
      ["DELETE", PRICES],
      ["GET", "/api/stream/nothing"],
      ["GET", "/api/stream/strategies"],
      ["GET", "/api/stream/strategies/"],
      ["GET", "/api/stream/test"],
    ] as const) {
      const answer = await read(server, path, { method });
      expect(answer.status, `${method} ${path}`).toBe(404);
      expect(await answer.json()).toMatchObject({ error: "Not Found", message: expect.any(String), statusCode: 404 });
    }
  });
});
