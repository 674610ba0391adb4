/** Arbitrary JSON and bytes for events: refused, and nothing of them stored (contract 00-common "Publishing"). */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { catalogue } from "@broadtape/protocol/catalogue";
import { type TestServer, bestPrice, startTestServer, token } from "../server.ts";
import { anyBytes, anyHeader, anyJson, anyJsonText, expectUnhurt, mutated, nested, newestOffset, run } from "./door.ts";
import { type Answer, expectRefusal, send } from "./raw-http.ts";

let server: TestServer;
let publisher: string;
let before: number;
beforeAll(async () => {
  server = await startTestServer();
  // Of one tenant only.
  publisher = await token({ sub: "publisher", permissions: ["events:publish"] });
});
beforeEach(async () => {
  before = await newestOffset(server);
});
afterAll(() => server.remove());

const TYPES = ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "application/x-ndjson"];
const event = { specversion: "1.0", source: "s", subject: "x", time: "2025-01-02T15:30:00Z", tenantid: "tenant", correlationid: "c" };
const best = { ...event, ...(JSON.parse(bestPrice("EUR/USD", "1.1", "1.2")) as { type: string; data: object }) };

const post = (type: string, body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}) =>
  send(server, "POST", "/api/v1/events", { headers: { authorization: `Bearer ${publisher}`, "content-type": type, ...headers }, body });

/** How many events an answer says are new in the log. Anything but 200 is a refusal. */
function accepted(answer: Answer, ...refusals: number[]): number {
  if (answer.status !== 200) {
    expectRefusal(answer, ...refusals);
    return 0;
  }
  return (JSON.parse(answer.text) as { results: { duplicate: boolean }[] }).results.filter(({ duplicate }) => !duplicate).length;
}

it.each(TYPES)("takes no bytes for an event: %s", async (type) => {
  await fc.assert(
    fc.asyncProperty(anyBytes, async (bytes) => {
      expectRefusal(await post(type, bytes), 400, 422);
    }),
    run(100),
  );
  await expectUnhurt(server, before);
});

it.each(TYPES)("takes no JSON for an event that is none: %s", async (type) => {
  const text = fc.oneof(
    anyJsonText,
    fc.array(anyJson, { maxLength: 5 }).map((values) => JSON.stringify(values)),
    fc.array(anyJson, { maxLength: 5 }).map((values) => values.map((value) => JSON.stringify(value)).join("\n")),
  );
  await fc.assert(
    fc.asyncProperty(text, async (body) => {
      expectRefusal(await post(type, body), 400, 422);
    }),
    run(150),
  );
  await expectUnhurt(server, before);
});

it("takes no data for that of a type of the catalogue", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(catalogue)), anyJson, async (type, data) => {
      expectRefusal(await post("application/json", JSON.stringify({ type, data, subject: "r" })), 422);
    }),
    run(200),
  );
  await expectUnhurt(server, before);
});

it("takes an event that differs from a good one in one place, or refuses it", async () => {
  const almost = fc.oneof(
    mutated(best),
    mutated(best.data).map((data) => ({ ...best, data })),
    mutated({ price: 1, size: 1, source: "A" }).map((bestBid) => ({ ...best, data: { ...best.data, bestBid } })),
  );
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(almost, async (each) => {
      taken += accepted(await post("application/json", JSON.stringify(each)), 403, 422);
    }),
    run(300),
  );
  await expectUnhurt(server, before + taken);
});

it("takes a price of any digits, or refuses it", async () => {
  const digits = fc
    .tuple(fc.constantFrom("", "-"), fc.bigInt({ min: 0n, max: 10n ** 60n }), fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.integer())
    .chain(([sign, whole, part, power]) =>
      fc.constantFrom(`${sign}${whole}`, `${sign}${whole}.${part}`, `${sign}0.${part}`, `${whole}e${power % 400}`, `1e${power}`),
    );
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(digits, digits, async (bid, ask) => {
      taken += accepted(await post("application/json", bestPrice("DIGITS", bid, ask)), 422);
    }),
    run(200),
  );
  await expectUnhurt(server, before + taken);
});

it("takes nothing of a batch with one bad event, wherever it stands", async () => {
  const bad = fc.oneof(
    mutated(best).map((each) => ({ ...each, type: "no such type" })),
    anyJson.map((data) => ({ ...best, data: [data] })),
    anyJson.filter((value) => typeof value !== "object"),
  );
  await fc.assert(
    fc.asyncProperty(bad, fc.nat(3), fc.boolean(), async (each, at, isLines) => {
      const batch: unknown[] = [best, best, best];
      batch.splice(at, 0, each);
      const answer = isLines
        ? await post("application/x-ndjson", batch.map((line) => JSON.stringify(line)).join("\n"))
        : await post("application/json", JSON.stringify(batch));
      expectRefusal(answer, 403, 422);
      if (answer.status === 403) return;
      const { errors } = JSON.parse(answer.text) as { errors: { index: number }[] };
      expect(new Set(errors.map(({ index }) => index))).toEqual(new Set([at]));
    }),
    run(200),
  );
  await expectUnhurt(server, before);
});

it("makes no event of attributes in headers, which only structured events have here", async () => {
  await fc.assert(
    fc.asyncProperty(anyHeader, fc.constantFrom(...TYPES, "text/plain", "application/octet-stream"), async (value, type) => {
      const headers = { "ce-specversion": "1.0", "ce-type": best.type, "ce-source": value, "ce-id": value, "ce-subject": value };
      expectRefusal(await post(type, JSON.stringify(best.data), headers), 415, 422);
    }),
    run(100),
  );
  await expectUnhurt(server, before);
});

it("takes no other type of content", async () => {
  await fc.assert(
    fc.asyncProperty(anyHeader, anyHeader, async (type, correlationId) => {
      const answer = await post(type, JSON.stringify(best), { "x-correlation-id": correlationId });
      expectRefusal(answer, 415);
      const isOne = /^[\x21-\x7e]{1,128}$/.test(correlationId.trim());
      expect(answer.headers["x-correlation-id"] === correlationId.trim()).toBe(isOne);
    }),
    run(100),
  );
  await expectUnhurt(server, before);
});

it("takes nothing that is too large or too deep", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom(...TYPES), async (more, type) => {
      expectRefusal(await post(type, Buffer.alloc(1024 * 1024 + more, "x")), 413);
    }),
    run(5),
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 200, max: 400_000 }), fc.constantFrom(...TYPES), async (levels, type) => {
      expectRefusal(await post(type, `{"type":"market-data.best-price","data":${nested(levels)}}`), 400, 422);
    }),
    run(10),
  );
  await expectUnhurt(server, before);
});
