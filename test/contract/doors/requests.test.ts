/** Requests that are none, or for nothing that there is: refused like all others, and no connection is left hanging. */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { onOneNode } from "../one-node.ts";
import { type TestServer, bestPrice, publisherToken, startTestServer, token } from "../server.ts";
import { anyHeader, anyText, everybodyGone, expectUnhurt, newestOffset, run } from "./door.ts";
import { answersIn, expectRefusal, send, sendRaw } from "./raw-http.ts";

let server: TestServer;
let authorization: string;
let before: number;
beforeAll(async () => {
  server = await startTestServer();
  authorization = `Bearer ${await token()}`;
});
beforeEach(async () => {
  before = await newestOffset(server);
});
afterAll(() => server.remove());

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "SEARCH", "LINK"];
/** What is served, and how; a page and Socket.IO have tests of their own. */
const SERVED: Readonly<Record<string, readonly string[]>> = {
  "/healthz": ["GET", "HEAD"],
  "/readyz": ["GET", "HEAD"],
  "/metrics": ["GET", "HEAD"],
  "/api/session": ["POST", "DELETE", "OPTIONS"],
  "/api/v1/events": ["POST", "OPTIONS"],
  "/api/v1/stream": ["GET", "OPTIONS"],
  "/api/v1/stream/x/commands": ["POST", "OPTIONS"],
  "/api/v1/topics/symbol:A/events": ["GET", "HEAD", "OPTIONS"],
  "/api/v1/topics/symbol:A/snapshot": ["GET", "HEAD", "OPTIONS"],
  "/api/v1/subscriptions": ["GET", "HEAD", "POST", "OPTIONS"],
  "/api/v1/subscriptions/x": ["GET", "HEAD", "PATCH", "DELETE", "OPTIONS"],
  "/api/v1/connections": ["GET", "HEAD", "OPTIONS"],
  "/api/v1/connections/x": ["DELETE", "OPTIONS"],
  "/api/v1/openapi.json": ["GET", "HEAD", "OPTIONS"],
  "/docs": ["GET", "HEAD"],
  "/docs/start.js": ["GET", "HEAD"],
  "/api/v1/notices": ["GET", "HEAD", "OPTIONS"],
  "/api/v1/ws": [],
  "/market-data/stream": ["GET", "OPTIONS"],
};

it.each(Object.entries(SERVED))("%s knows no other methods than %j", async (path, methods) => {
  for (const method of METHODS.filter((each) => !methods.includes(each))) {
    const answer = await send(server, method, path, { headers: { authorization } });
    if (method === "HEAD") expect(answer).toMatchObject({ status: 404, text: "" });
    else expectRefusal(answer, 404);
  }
  await everybodyGone(server);
});

it("refuses paths that lead nowhere, by any method", async () => {
  const segment = fc.oneof(
    anyText.map((text) => encodeURIComponent(text.toWellFormed())),
    fc.constantFrom("..", ".", "%2e%2e", "%2f", "%5c", "%00", "%", "%zz", "%ff", ".git", "assets", "x".repeat(3000), "*", ":id", ";"),
  );
  const path = fc
    .tuple(fc.constantFrom("", "/api", "/api/v1", "/api/v1/topics", "/api/v1/stream", "/market-data"), fc.array(segment, { maxLength: 4 }))
    .map(([head, parts]) => `${head}/${parts.join("/")}`);
  await fc.assert(
    fc.asyncProperty(path, fc.constantFrom(...METHODS), async (each, method) => {
      const answer = await send(server, method, each, { headers: { authorization } });
      if (method === "HEAD") expect([200, 400, 403, 404, 414]).toContain(answer.status);
      // The console's own page is at the root, under each of its spellings.
      else if (method === "OPTIONS" && answer.status === 204) expect(each).toMatch(/^\/api\/v1\/topics\//);
      else if (answer.status !== 200) expectRefusal(answer, 400, 403, 404, 414);
      else expect(answer.headers["content-type"]).toMatch(/^text\/(html|plain)/);
    }),
    run(300),
  );
  await expectUnhurt(server, before);
});

describe("bytes that are no request", () => {
  /** Every word that comes back before the connection ends is a refusal. */
  async function expectEnded(bytes: Uint8Array | string): Promise<void> {
    for (const answer of answersIn(await sendRaw(server, bytes))) expectRefusal(answer, 400, 401, 404, 413, 415, 431);
  }

  it("end the connection", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), expectEnded), run(100));
    await expectUnhurt(server, before);
  });

  it("end the connection within a request that began well", async () => {
    const line = fc.constantFrom(
      "POST /api/v1/events",
      "GET /api/v1/topics/symbol:A/events",
      "POST /api/v1/stream/x/commands",
      "GET /none",
    );
    const odd = fc.oneof(
      anyHeader.map((text) => Buffer.from(`${text}\r\n\r\n`, "latin1")),
      anyHeader.map((text) => Buffer.from(`x: y\r\n${text}: z\r\n\r\n`, "latin1")),
      anyHeader.map((text) => Buffer.from(`Transfer-Encoding: chunked\r\n\r\n${text}\r\n`, "latin1")),
      anyHeader.map((text) => Buffer.from(`Content-Length: ${text}\r\n\r\n{}`, "latin1")),
      fc
        .constantFrom("Content-Length: 1\r\nContent-Length: 2", "Content-Length: -1", "Content-Length: 1\r\nTransfer-Encoding: chunked")
        .map((text) => Buffer.from(`${text}\r\n\r\n{}`)),
      fc.integer({ min: 17_000, max: 100_000 }).map((length) => Buffer.from(`x: ${"y".repeat(length)}\r\n\r\n`)),
    );
    await fc.assert(
      fc.asyncProperty(line, odd, (first, rest) => expectEnded(Buffer.concat([Buffer.from(`${first} HTTP/1.1\r\nHost: x\r\n`), rest]))),
      run(150),
    );
    await expectUnhurt(server, before);
  });

  it("end the connection in the middle of a stream, and the stream's session", async () => {
    const head = `GET /api/v1/stream?topics=symbol:A HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        await sendRaw(server, Buffer.concat([Buffer.from(head), bytes]));
      }),
      run(30),
    );
    await everybodyGone(server);
    await expectUnhurt(server, before);
  });
});

it.each([
  ["bytes that are no HTTP", 400, "\u0000garbage\r\n\r\n"],
  ["the preface of HTTP/2", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["headers without end", 431, `GET / HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ${"9".repeat(20_000)}\r\n\r\n`],
  ["no Host", 400, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"],
  ["a path that cannot be decoded", 400, "GET /api/v1/topics/%zz/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
  ["a path that is too long", 414, `POST /api/v1/stream/${"x".repeat(2000)}/commands HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`],
  ["an upgrade elsewhere", 404, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  [
    "an upgrade beside Socket.IO's path",
    404,
    "GET /socket.io?EIO=4 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ],
  ["an upgrade without a key", 400, "GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  ["an upgrade by POST", 405, "POST /api/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
])("%s: %i, with the body and correlation id of every refusal", (_what, status, bytes) => expectRefused(status, bytes));

for (const [what, status, bytes] of [
  ["an expectation", 417, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nContent-Length: 2\r\n\r\n{}"],
  ["a tunnel", 404, "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n"],
] as const)
  onOneNode("nginx settles by itself what is said to the next hop")(
    `${what}: ${status}, with the body and correlation id of every refusal`,
    () => expectRefused(status, bytes),
  );

async function expectRefused(status: number, bytes: string): Promise<void> {
  const answers = answersIn(await sendRaw(server, bytes, { isRequest: true }));
  expect(answers.map((answer) => answer.status)).toEqual([status]);
  for (const answer of answers) expectRefusal(answer, status);
}

it("declines every other protocol that is offered by answering in this one", async () => {
  const offer = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAAP__" };
  expect(await send(server, "GET", "/healthz", { headers: offer })).toMatchObject({ status: 200 });
  const headers = { ...offer, authorization: `Bearer ${await publisherToken()}`, "content-type": "application/json" };
  expect(await send(server, "POST", "/api/v1/events", { headers, body: bestPrice("H2C", "1", "2") })).toMatchObject({ status: 200 });
});
