/** Arbitrary queries and cursors at everything that is read (contract 00-common "resume", 60-native "History", 70-details "malformed cursor"). */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type TestServer, startTestServer, token } from "../server.ts";
import { anyHeader, anyText, everybodyGone, expectUnhurt, newestOffset, run } from "./door.ts";
import { expectRefusal, send } from "./raw-http.ts";

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

const get = (path: string, headers: Readonly<Record<string, string>> = {}, enough?: RegExp) =>
  send(server, "GET", path, { headers: { authorization, ...headers }, ...(enough !== undefined && { enough }) });

const NAMES = ["after", "limit", "until", "at", "topics", "symbols", "maxUpdatesPerSecond", "filters", "lastEventId", "clientId", "token"];
/** Percent-encoded text, and bytes that no text is encoded as. */
const anyValue = fc.oneof(
  anyText.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")),
  fc.constantFrom("%", "%zz", "%ff", "&", "=", "1e3", "-1", "0x10", "1.5", "Infinity", "NaN", "symbol:NEWEST", "NEWEST", "trader:me"),
  fc.double().map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
);
const anyQuery = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), anyValue), { minLength: 1, maxLength: 5 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join("&"));

it.each([
  "/api/v1/topics/symbol:NEWEST/events",
  "/api/v1/topics/symbol:NEWEST/snapshot",
  "/api/v1/stream",
  "/market-data/stream",
  "/healthz",
])("answers %s, whatever it is asked", async (path) => {
  await fc.assert(
    fc.asyncProperty(anyQuery, async (query) => {
      const answer = await get(`${path}?${query}`);
      if (answer.status !== 200) expectRefusal(answer, 400, 410);
    }),
    run(200),
  );
  await everybodyGone(server);
  await expectUnhurt(server, before);
});

it("answers for any topic, and tells nobody whether it exists", async () => {
  const topic = fc.oneof(
    anyValue,
    fc.tuple(fc.constantFrom("symbol", "rfq", "trader", "__proto__", "constructor", "user"), anyValue).map((parts) => parts.join(":")),
  );
  await fc.assert(
    fc.asyncProperty(topic, fc.constantFrom("events", "snapshot"), async (name, what) => {
      const answer = await get(`/api/v1/topics/${name}/${what}`);
      if (answer.status !== 200) expectRefusal(answer, 400, 403, 404);
    }),
    run(200),
  );
  await expectUnhurt(server, before);
});

/** Of any bytes and length; the longest fit into the 16 KiB that Node allows the headers. */
const anyCursor = fc.oneof(
  anyHeader,
  fc.nat(12_000).map((length) => "9".repeat(length)),
  fc
    .tuple(fc.nat(), fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdefz-")), maxLength: 20 }))
    .map((parts) => parts.join("-")),
  fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdefABCDEFz")), maxLength: 20 }).map((digits) => `EV-${digits}`),
);

it("begins anew for a Last-Event-ID that is none, in the header or the query, and says so", async () => {
  await fc.assert(
    fc.asyncProperty(anyCursor, fc.boolean(), async (cursor, isQuery) => {
      const [query, headers] = isQuery
        ? [`&lastEventId=${encodeURIComponent(cursor).slice(0, 12_000).replace(/%.?$/, "")}`, {}]
        : ["", { "last-event-id": cursor }];
      const isGiven = isQuery ? cursor !== "" : cursor.trim() !== "";
      const prices = await get(`/market-data/stream?symbols=NEWEST${query}`, headers, /event: price/);
      expect(prices).toMatchObject({ status: 200, text: expect.stringContaining("event: price") });
      expect(prices.text.includes('event: resync\ndata: {"reason":"unknown"')).toBe(isGiven);
      const native = await get(`/api/v1/stream?topics=symbol:NEWEST${query}`, headers, /event: subscribed/);
      expect(native).toMatchObject({ status: 200, text: expect.stringContaining('"topic":"symbol:NEWEST","state":{') });
      expect(native.text.includes("event: resync")).toBe(isGiven);
    }),
    run(100),
  );
  await everybodyGone(server);
  await expectUnhurt(server, before);
});

it("gives history from its beginning for an `after` that is no cursor, and says so", async () => {
  await fc.assert(
    fc.asyncProperty(anyText, async (text) => {
      fc.pre(text !== "");
      const { status, text: body } = await get(
        `/api/v1/topics/symbol:NEWEST/events?limit=1&after=${encodeURIComponent(text.toWellFormed())}`,
      );
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ events: [{ topic: "symbol:NEWEST" }], resync: { reason: "unknown" } });
    }),
    run(100),
  );
  await expectUnhurt(server, before);
});

it("answers whatever a cached copy is compared with", async () => {
  await fc.assert(
    fc.asyncProperty(anyHeader, async (value) => {
      const { status } = await get("/api/v1/topics/symbol:NEWEST/snapshot", {
        "if-none-match": value,
        "if-modified-since": value,
        range: value,
      });
      expect(status).toBe(200);
    }),
    run(50),
  );
  await expectUnhurt(server, before);
});
