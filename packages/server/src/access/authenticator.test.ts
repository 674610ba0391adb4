import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Refusal } from "@broadtape/protocol/errors";
import { createMemoryRegistry } from "../registry/memory.ts";
import { Authenticator } from "./authenticator.ts";
import { issueToken } from "./issue.ts";
import type { Keys } from "./keys.ts";
import { CookieSessions } from "./sessions.ts";
import { createTokenVerifier } from "./tokens.ts";

const keys: Keys = { kind: "secret", secret: "0123456789abcdef0123456789abcdef" };
const sessions = new CookieSessions(createMemoryRegistry(), { now: Date.now, ttlMs: 60_000 });
const authenticator = new Authenticator(createTokenVerifier(keys), sessions, { corsOrigins: [], trustProxy: [] });
const token = await issueToken(keys, { sub: "ann", tenantId: "acme" }, 60_000);

describe("Authenticator", () => {
  it("takes a token and a cookie for the same user", async () => {
    const byToken = await authenticator.authenticate({ headers: { authorization: `Bearer ${token}` } });
    const { id } = await sessions.open(byToken);
    const byCookie = await authenticator.authenticate({ headers: { cookie: `session=${id}` } });
    expect(byCookie).toMatchObject({ userId: "ann", tenant: "acme" });
    expect(byCookie.sessionId).toBeDefined();
  });

  it("says UNAUTHORIZED where there is none and AUTH_FAILED where there is a bad one", async () => {
    await expect(authenticator.authenticate({ headers: {} })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    await expect(authenticator.authenticate({ headers: { cookie: "session=x" } })).rejects.toMatchObject({ code: "AUTH_FAILED" });
    await expect(authenticator.authenticate({ authToken: {}, headers: {} })).rejects.toMatchObject({ code: "AUTH_FAILED" });
  });

  it("never falls through from a bad one to a good one", async () => {
    const good = { headers: { authorization: `Bearer ${token}` }, queryToken: token };
    await expect(authenticator.authenticate({ ...good, authToken: "bad" })).rejects.toMatchObject({ code: "AUTH_FAILED" });
    await expect(authenticator.authenticate({ headers: { authorization: "Bearer bad" }, queryToken: token })).rejects.toMatchObject({
      code: "AUTH_FAILED",
    });
    await expect(authenticator.authenticate({ headers: { cookie: `session=${"b".repeat(43)}` }, queryToken: token })).rejects.toMatchObject(
      {
        code: "AUTH_FAILED",
      },
    );
  });

  it("answers anything at all with a refusal, which repeats nothing of it", async () => {
    const text = fc.option(fc.string({ unit: "binary", minLength: 8 }), { nil: undefined });
    const headers = fc.record({
      authorization: fc.option(
        text.map((each) => `Bearer ${each ?? ""}`),
        { nil: undefined },
      ),
      cookie: fc.option(
        text.map((each) => `session=${each ?? ""}`),
        { nil: undefined },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, fc.anything()), headers, text, async (authToken, each, queryToken) => {
        const error: unknown = await authenticator
          .authenticate({ authToken, headers: each, queryToken })
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(Refusal);
        const { code, message } = error as Refusal;
        expect(["UNAUTHORIZED", "AUTH_FAILED"]).toContain(code);
        for (const secret of [authToken, queryToken])
          if (typeof secret === "string" && secret.length >= 8) expect(message).not.toContain(secret);
      }),
    );
  });
});
