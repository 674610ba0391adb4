/** Arbitrary tokens, headers and cookies: nobody gets in, and nobody is told more than that (contract 00-common "Identity"). */
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { SECRET, type TestServer, startTestServer, token } from "../server.ts";
import { anyHeader, anyJson, anyText, expectUnhurt, mutated, newestOffset, run } from "./door.ts";
import { expectRefusal, send } from "./raw-http.ts";

let server: TestServer;
let good: string;
let before: number;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "100000" } });
  good = await token({ permissions: ["events:publish"] });
});
beforeEach(async () => {
  before = await newestOffset(server);
});
afterAll(() => server.remove());

type Headers = Readonly<Record<string, string>>;

const json = { "content-type": "application/json" };
/** Every HTTP door that asks who is there; what comes after the credential would be refused as well, with another status. */
const DOORS: readonly ((headers: Headers) => ReturnType<typeof send>)[] = [
  (headers) => send(server, "POST", "/api/v1/events", { headers: { ...json, ...headers }, body: "[]" }),
  (headers) => send(server, "GET", "/api/v1/topics/symbol:A/events", { headers }),
  (headers) => send(server, "GET", "/api/v1/topics/symbol:A/snapshot", { headers }),
  (headers) => send(server, "GET", "/api/v1/stream?topics=symbol:A", { headers }),
  (headers) => send(server, "GET", "/market-data/stream?symbols=A", { headers }),
  (headers) => send(server, "POST", "/api/v1/stream/x/commands", { headers: { ...json, ...headers }, body: "{}" }),
  (headers) => send(server, "POST", "/api/session", { headers }),
  (headers) => send(server, "DELETE", "/api/session", { headers }),
];
const anyDoor = fc.constantFrom(...DOORS);

it("refuses headers and cookies that hold no credential, at every door", async () => {
  const headers = fc.oneof(
    anyHeader.map((value): Headers => ({ authorization: `Bearer ${value}` })),
    anyHeader.map((value): Headers => ({ authorization: value })),
    anyHeader.map((value): Headers => ({ cookie: `session=${value}` })),
    anyHeader.map((value): Headers => ({ cookie: value })),
    fc.tuple(anyHeader, anyHeader).map(([origin, value]): Headers => ({ origin, cookie: `a=b; session=${value}` })),
  );
  await fc.assert(
    fc.asyncProperty(headers, anyDoor, async (each, door) => {
      expectRefusal(await door(each), 401);
    }),
    run(400),
  );
  await expectUnhurt(server, before);
});

it("refuses query parameters that hold none, where they may stand, and does not look at them elsewhere", async () => {
  await fc.assert(
    fc.asyncProperty(anyText, fc.constantFrom("/api/v1/stream", "/market-data/stream"), async (text, path) => {
      const query = `?symbols=A&topics=symbol:A&token=${encodeURIComponent(text.toWellFormed())}`;
      expectRefusal(await send(server, "GET", path + query), 401);
    }),
    run(100),
  );
  expectRefusal(await send(server, "GET", `/api/v1/topics/symbol:A/events?token=${good}`), 401);
  await expectUnhurt(server, before);
});

it("refuses a good token with one character changed", async () => {
  const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_. =";
  // The last character holds two bits that are none of the signature's.
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 2), fc.constantFrom(...Array.from(characters)), anyDoor, async (at, character, door) => {
      fc.pre(good[at] !== character);
      const authorization = `Bearer ${good.slice(0, at)}${character}${good.slice(at + 1)}`;
      expectRefusal(await door({ authorization }), 401);
    }),
    run(150),
  );
  await expectUnhurt(server, before);
});

const part = (value: unknown) => Buffer.from((JSON.stringify(value) as string | undefined) ?? "").toString("base64url");

function signed(header: unknown, claims: unknown): string {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

it("takes no header of a token but one that says what the key is for", async () => {
  const claims = { sub: "user", tenantId: "tenant", exp: 4_000_000_000 };
  const header = fc.oneof(
    anyJson,
    anyJson.map((alg) => ({ alg })),
    fc.constantFrom("none", "None", "HS384", "RS256", "ES256", "EdDSA", "hs256", "").map((alg) => ({ alg })),
    anyJson.map((crit) => ({ alg: "HS256", crit })),
    anyJson.map((b64) => ({ alg: "HS256", b64, crit: ["b64"] })),
  );
  await fc.assert(
    fc.asyncProperty(header, anyDoor, async (each, door) => {
      const given = typeof each === "object" && each !== null && "alg" in each && each.alg === "HS256" && !("b64" in each);
      fc.pre(!given || ("crit" in each && each.crit !== undefined));
      expectRefusal(await door({ authorization: `Bearer ${signed(each, claims)}` }), 401);
    }),
    run(150),
  );
  await expectUnhurt(server, before);
});

it("takes well-signed claims for what they are, or refuses them, whatever they are", async () => {
  const claims = fc.oneof(
    anyJson,
    mutated({ sub: "user", tenantId: "tenant", exp: 4_000_000_000, permissions: [], team: ["a"], name: "N", iat: 1, nbf: 1 }),
    fc.tuple(anyText, anyText).map(([sub, tenantId]) => ({ sub, tenantId, exp: 4_000_000_000 })),
  );
  await fc.assert(
    fc.asyncProperty(claims, anyDoor, async (each, door) => {
      const answer = await door({ authorization: `Bearer ${signed({ alg: "HS256" }, each)}` });
      // Who is let in finds an empty topic, an open stream, a session; or may not publish, knows no such stream or symbol, has no session to end.
      if (answer.status >= 300) expectRefusal(answer, 400, 401, 403, 404);
      else expect([200, 201]).toContain(answer.status);
    }),
    run(300),
  );
  await expectUnhurt(server, before);
});

it("refuses what is no token with 401 instead of the upgrade", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 100 }), fc.boolean(), async (text, isQuery) => {
      fc.pre(text.trim() !== "");
      const path = isQuery ? `/api/v1/ws?token=${encodeURIComponent(text)}` : "/api/v1/ws";
      const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
      const headers = { ...upgrade, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", ...(!isQuery && { authorization: `Bearer ${text}` }) };
      expectRefusal(await send(server, "GET", path, { headers }), 401);
    }),
    run(60),
  );
  await expectUnhurt(server, before);
});
