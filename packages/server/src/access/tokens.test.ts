import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Refusal } from "@broadtape/protocol/errors";
import { issueToken } from "./issue.ts";
import type { Keys } from "./keys.ts";
import { createTokenVerifier, type TokenVerifier } from "./tokens.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-tokens-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const NOW = 1_800_000_000_000;
const now = () => NOW;
const SECRET = { kind: "secret", secret: "0123456789abcdef0123456789abcdef" } as const satisfies Keys;
const claims = { sub: "ann", tenantId: "acme", permissions: ["rfq:read:team"], team: ["bob"], name: "Ann" };

async function refusalOf(verifier: TokenVerifier, token: string): Promise<Refusal> {
  const error: unknown = await verifier.verify(token).then(
    () => undefined,
    (each: unknown) => each,
  );
  if (error instanceof Refusal) return error;
  throw new Error("was not refused", { cause: error });
}

function sign(payload: JWTPayload): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(SECRET.secret));
}

describe("a verifier with a secret", () => {
  const verifier = createTokenVerifier(SECRET, { now });

  it("knows who the token is from", async () => {
    const token = await issueToken(SECRET, claims, 60_000, { now });
    expect(await verifier.verify(token)).toEqual({
      userId: "ann",
      tenant: "acme",
      permissions: new Set(["rfq:read:team"]),
      team: new Set(["bob"]),
      name: "Ann",
      expiresAt: NOW + 60_000,
      sessionId: undefined,
    });
  });

  it.each(["sub", "tenantId", "exp"] as const)("refuses a token without %s, and says so", async (claim) => {
    const payload: Record<string, unknown> = { sub: "ann", tenantId: "acme", exp: NOW / 1000 + 60 };
    Reflect.deleteProperty(payload, claim);
    const refusal = await refusalOf(verifier, await sign(payload));
    expect(refusal.code).toBe("AUTH_FAILED");
    expect(refusal.message).toContain(claim);
  });

  it("refuses a token in the millisecond in which it expires", async () => {
    let time = NOW;
    const strict = createTokenVerifier(SECRET, { now: () => time });
    const token = await issueToken(SECRET, claims, 1500, { now });
    time = NOW + 1499;
    expect((await strict.verify(token)).expiresAt).toBe(NOW + 1500);
    time = NOW + 1500;
    expect((await refusalOf(strict, token)).message).toBe("The token has expired");
  });

  it("refuses another secret, another algorithm and none", async () => {
    const other = await issueToken({ kind: "secret", secret: "f".repeat(32) }, claims, 60_000, { now });
    const payload = { sub: "ann", tenantId: "acme", exp: NOW / 1000 + 60 };
    const hs512 = await new SignJWT(payload)
      .setProtectedHeader({ alg: "HS512" })
      .sign(new TextEncoder().encode("0123456789abcdef".repeat(4)));
    for (const token of [other, hs512, new UnsecuredJWT(payload).encode()])
      expect((await refusalOf(verifier, token)).code).toBe("AUTH_FAILED");
  });

  it("wants the issuer and audience that are configured", async () => {
    const strict = createTokenVerifier(SECRET, { now, issuer: "id", audience: "desk" });
    expect((await strict.verify(await issueToken(SECRET, claims, 60_000, { now, issuer: "id", audience: "desk" }))).userId).toBe("ann");
    expect((await refusalOf(strict, await issueToken(SECRET, claims, 60_000, { now, audience: "desk" }))).message).toContain("iss");
    expect((await refusalOf(strict, await issueToken(SECRET, claims, 60_000, { now, issuer: "id", audience: "x" }))).message).toContain(
      "aud",
    );
  });

  it("refuses any text as it should, and never repeats it", async () => {
    const token = await issueToken(SECRET, claims, 60_000, { now });
    const [header = "", payload = "", signature = ""] = token.split(".");
    const part = fc.oneof(fc.constantFrom(header, payload, signature, ""), fc.base64String(), fc.string({ unit: "binary" }));
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join(".")),
    );
    await fc.assert(
      fc.asyncProperty(text, async (each) => {
        if (each === token) return;
        const refusal = await refusalOf(verifier, each);
        expect(refusal.code).toBe("AUTH_FAILED");
        if (each.length > 12) expect(refusal.message).not.toContain(each);
      }),
      { numRuns: 300 },
    );
    expect((await refusalOf(verifier, "x".repeat(20_000))).message).toBe("The token is too long");
  });

  it("refuses any claims of the wrong form as it should", async () => {
    const claimsOfAnyForm = fc.record(
      { sub: fc.jsonValue(), tenantId: fc.jsonValue(), exp: fc.jsonValue(), permissions: fc.jsonValue(), team: fc.jsonValue() },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(claimsOfAnyForm, async (payload) => {
        const verdict: unknown = await verifier.verify(await sign(payload as JWTPayload)).catch((error: unknown) => error);
        expect(verdict instanceof Refusal || typeof (verdict as { userId: unknown }).userId === "string").toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe("the demo's kept secret", () => {
  it("is made once, readable by its owner alone, and used again", async () => {
    const keys: Keys = { kind: "kept", file: join(directory, "deep", "demo-secret") };
    const token = await issueToken(keys, claims, 60_000);
    expect(statSync(keys.file).mode & 0o777).toBe(0o600);
    expect((await createTokenVerifier(keys).verify(token)).userId).toBe("ann");
  });

  it("is not taken from a damaged file", () => {
    const file = join(directory, "damaged");
    writeFileSync(file, "short\n");
    expect(() => createTokenVerifier({ kind: "kept", file })).toThrow(file);
  });
});

describe("a verifier with a key set", () => {
  const payload = { sub: "ann", tenantId: "acme" };

  async function pair(alg: string, kid: string) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid };
    const token = (as = alg) => new SignJWT(payload).setProtectedHeader({ alg: as, kid }).setExpirationTime("1h").sign(privateKey);
    return { jwk, token };
  }

  function keySet(name: string, jwks: readonly object[]): Keys & { kind: "jwks" } {
    const path = join(directory, name);
    writeFileSync(path, JSON.stringify({ keys: jwks }));
    return { kind: "jwks", location: pathToFileURL(path).href };
  }

  it.each(["RS256", "ES256", "EdDSA"])("takes %s", async (alg) => {
    const { jwk, token } = await pair(alg, "one");
    expect((await createTokenVerifier(keySet(`${alg}.json`, [jwk])).verify(await token())).userId).toBe("ann");
  });

  it.each([
    ["RS512", "RS512"],
    ["PS256", "PS256"],
    ["ES384", "ES384"],
  ])("refuses %s", async (alg, as) => {
    const { jwk, token } = await pair(alg, "one");
    expect((await refusalOf(createTokenVerifier(keySet(`${alg}.json`, [jwk])), await token(as))).code).toBe("AUTH_FAILED");
  });

  it("refuses a token signed with the public key as a secret", async () => {
    const { jwk } = await pair("RS256", "one");
    const verifier = createTokenVerifier(keySet("confusion.json", [jwk]));
    const token = await new SignJWT(payload)
      .setProtectedHeader({ alg: "HS256", kid: "one" })
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(JSON.stringify(jwk)));
    expect((await refusalOf(verifier, token)).code).toBe("AUTH_FAILED");
  });

  it("refuses a set that holds a symmetric key, and tells the operator", async () => {
    const { jwk, token } = await pair("ES256", "one");
    const onFault = vi.fn();
    const verifier = createTokenVerifier(keySet("symmetric.json", [jwk, { kty: "oct", k: "AAAA", kid: "two" }]), { onFault });
    expect((await refusalOf(verifier, await token())).code).toBe("AUTH_FAILED");
    expect(String(onFault.mock.calls[0]?.[0])).toContain("symmetric");
  });

  it("loads the set again for a key that it does not have, but not for every such token", async () => {
    const [first, second] = [await pair("ES256", "first"), await pair("ES256", "second")];
    const keys = keySet("rotated.json", [first.jwk]);
    const clock = vi.spyOn(Date, "now");
    try {
      const verifier = createTokenVerifier(keys);
      await verifier.verify(await first.token());
      keySet("rotated.json", [first.jwk, second.jwk]);
      await refusalOf(verifier, await second.token());
      const later = Date.now() + 31_000;
      clock.mockImplementation(() => later);
      expect((await verifier.verify(await second.token())).userId).toBe("ann");
    } finally {
      clock.mockRestore();
    }
  });

  describe("at a URL", () => {
    let body = "";
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      response.statusCode = body === "" ? 500 : 200;
      response.end(body);
    });
    beforeAll(async () => {
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    });
    afterAll(() => {
      server.close();
    });

    it("fetches it once for many tokens, and refuses while it cannot be had", async () => {
      const { jwk, token } = await pair("ES256", "one");
      const onFault = vi.fn();
      const location = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
      const verifier = createTokenVerifier({ kind: "jwks", location }, { onFault });
      expect((await refusalOf(verifier, await token())).code).toBe("AUTH_FAILED");
      expect(onFault).toHaveBeenCalledOnce();
      body = JSON.stringify({ keys: [jwk] });
      requests = 0;
      for (let index = 0; index < 3; index++) await verifier.verify(await token());
      expect(requests).toBe(1);
    });
  });

  it("cannot sign", async () => {
    await expect(issueToken({ kind: "jwks", location: "file:///x" }, claims, 1000)).rejects.toThrow("BROADTAPE_JWKS");
  });
});
