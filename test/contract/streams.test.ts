/** Contract 10-market-data "SSE", with headers, keepalive, compression and resume of 50-sse; attempt limits of 70-details. */
import { request } from "node:http";
import { createGunzip } from "node:zlib";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: {
      BROADTAPE_LIMIT_HEARTBEAT_MS: "300",
      BROADTAPE_CORS_ORIGINS: "https://desk.example.com",
      BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000",
    },
  });
  await publish(server.url, bestPrice("EUR/USD", "1.10", "1.20"));
});
afterAll(() => server.remove());

interface Raw {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  text(): string;
  close(): void;
  readonly ended: Promise<void>;
}

/** A plain HTTP client that shows every byte, decompressed where the answer is compressed. */
async function raw(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const own = request(`${server.url}${path}`, { headers, method }, (response) => {
      let text = "";
      const body = response.headers["content-encoding"] === "gzip" ? response.pipe(createGunzip()) : response;
      body.on("data", (part: Buffer) => (text += part.toString()));
      const ended = new Promise<void>((end) => body.on("end", () => end()).on("error", () => end()));
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: () => text, close: () => own.destroy(), ended });
    });
    own.on("error", reject);
    own.end();
  });
}

const bearer = async () => ({ authorization: `Bearer ${await token()}` });

describe("GET /market-data/stream", () => {
  it("sends the current price, then updates, with the headers of event streams", async () => {
    const stream = await raw("/market-data/stream?symbols=EUR/USD", { ...(await bearer()), "X-Correlation-ID": "mine" });
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      connection: "keep-alive",
      "x-accel-buffering": "no",
      "x-correlation-id": "mine",
      vary: expect.stringContaining("Accept-Encoding"),
    });
    await until(() => /event: price\ndata: \{"symbol":"EUR\/USD".*\}\nid: \d+-[0-9a-z]{9,}\n\n/.test(stream.text()), stream.text);
    await publish(server.url, bestPrice("EUR/USD", "1.30", "1.40"));
    await until(() => stream.text().includes('"price":1.30'), stream.text);
    stream.close();
  });

  it("is read by EventSource with the token in the query", async () => {
    const source = new EventSource(`${server.url}/market-data/stream?symbols=EUR/USD&token=${await token()}`);
    const event = await new Promise<MessageEvent>((resolve) => source.addEventListener("price", resolve as never));
    expect(JSON.parse(String(event.data))).toMatchObject({ symbol: "EUR/USD", eventId: event.lastEventId });
    source.close();
  });

  it("resumes after the last event id: the newest price where it is newer, else nothing before what comes", async () => {
    const { results } = (await publish(server.url, bestPrice("RES", "1", "2"))).body;
    const id = results[0]?.eventId ?? "";
    const same = await raw("/market-data/stream?symbols=RES", { ...(await bearer()), "Last-Event-ID": id });
    await publish(server.url, bestPrice("RES", "3", "4"));
    await until(() => same.text().includes('"price":3'));
    expect(same.text()).not.toContain('"price":1,');
    const behind = await raw(`/market-data/stream?symbols=RES&lastEventId=${id}`, await bearer());
    await until(() => behind.text().includes('"price":3'));
    for (const stream of [same, behind]) stream.close();
  });

  it.each(["nonsense", "\u00ff\u00fe", "x".repeat(8000), "1735819800000-zzzzzzzzzzzzzz", "-1"])(
    "survives the last event id %s and begins anew",
    async (id) => {
      const stream = await raw("/market-data/stream?symbols=EUR/USD", { ...(await bearer()), "Last-Event-ID": id });
      await until(() => stream.text().includes("event: price"), stream.text);
      expect(stream.text()).toMatch(/event: resync\ndata: \{"reason":"unknown".*\n\nevent: price/);
      stream.close();
    },
  );

  it("beats when nothing is sent: a comment and a heartbeat without an id line", async () => {
    const stream = await raw("/market-data/stream?symbols=EUR/USD", await bearer());
    await until(
      () => /: keepalive\n\nevent: heartbeat\ndata: \{"timestamp":"[^"]+Z","lastEventId":"\d+-[0-9a-z]+"\}\n\n/.test(stream.text()),
      stream.text,
    );
    stream.close();
  });

  it("compresses for those who take gzip, flushed at once, and ends as gzip must", async () => {
    const short = await token({ ttlMs: 3000 });
    const stream = await raw("/market-data/stream?symbols=EUR/USD", { authorization: `Bearer ${short}`, "Accept-Encoding": "gzip, br" });
    expect(stream.headers["content-encoding"]).toBe("gzip");
    await until(() => stream.text().includes("event: price"), stream.text);
    await publish(server.url, bestPrice("EUR/USD", "5.5", "6"));
    await until(() => stream.text().includes('"price":5.5'), stream.text);
    // The checksum stands at the end: a wrong one would fail the decoder before "end".
    await stream.ended;
    expect(stream.text()).toContain('event: error\ndata: {"code":"TOKEN_EXPIRED"');
    const refused = await raw("/market-data/stream?symbols=EUR/USD", { ...(await bearer()), "Accept-Encoding": "gzip;q=0" });
    expect(refused.headers["content-encoding"]).toBeUndefined();
    refused.close();
  });

  it("refuses what it cannot serve", async () => {
    for (const [path, headers, status] of [
      ["/market-data/stream", await bearer(), 400],
      ["/market-data/stream?symbols=", await bearer(), 400],
      ["/market-data/stream?symbols=NOPE", await bearer(), 400],
      ["/market-data/stream?symbols=EUR/USD&maxUpdatesPerSecond=x", await bearer(), 400],
      ["/market-data/stream?symbols=EUR/USD", {}, 401],
      ["/market-data/stream?symbols=EUR/USD", { authorization: "Bearer nonsense" }, 401],
      ["/market-data/stream?symbols=EUR/USD", { authorization: "Basic nonsense" }, 401],
    ] as const) {
      const answer = await raw(path, headers);
      await answer.ended;
      expect(answer.status, path).toBe(status);
      expect(JSON.parse(answer.text())).toMatchObject({ statusCode: status, message: expect.any(String) });
      if (path.includes("NOPE")) expect(answer.text()).toContain("NOPE");
    }
  });

  it("answers preflights with 200 and lets in the configured origins with credentials", async () => {
    const preflight = await raw(
      "/market-data/stream",
      { Origin: "https://desk.example.com", "Access-Control-Request-Method": "GET" },
      "OPTIONS",
    );
    expect(preflight.status).toBe(200);
    expect(preflight.headers).toMatchObject({
      "access-control-allow-origin": "https://desk.example.com",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, OPTIONS",
      "access-control-allow-headers": expect.stringContaining("Content-Type, Authorization"),
    });
    const foreign = await raw("/market-data/stream?symbols=EUR/USD", { ...(await bearer()), Origin: "https://evil.example.com" });
    expect(foreign.headers["access-control-allow-origin"]).toBeUndefined();
    foreign.close();
  });
});

it("limits attempts that fail to five a minute and address", async () => {
  const strict = await startTestServer();
  try {
    const statuses: number[] = [];
    let retryAfter: string | null = null;
    for (let attempt = 0; attempt < 7; attempt++) {
      const response = await fetch(`${strict.url}/market-data/stream?symbols=A`);
      statuses.push(response.status);
      retryAfter = response.headers.get("retry-after");
      await response.text();
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(Number(retryAfter)).toBeGreaterThan(0);
  } finally {
    await strict.remove();
  }
});
