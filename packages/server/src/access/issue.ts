/** Makes tokens for tests, scripts and the demo: HS256 with the configured secret. */
import { createSecretKey } from "node:crypto";
import { SignJWT } from "jose";
import { type Keys, keptSecret } from "./keys.ts";
import type { TokenRules } from "./tokens.ts";

export interface TokenClaims {
  readonly sub: string;
  readonly tenantId: string;
  readonly permissions?: readonly string[] | undefined;
  readonly team?: readonly string[] | undefined;
  readonly name?: string | undefined;
}

/** Rejects with an Error that says what to do where the keys are a key set: its private keys are elsewhere. */
export async function issueToken(
  keys: Keys,
  claims: TokenClaims,
  ttlMs: number,
  rules: Pick<TokenRules, "issuer" | "audience" | "now"> = {},
): Promise<string> {
  if (keys.kind === "jwks")
    throw new Error("tokens are signed by the owner of the key set in BROADTAPE_JWKS; set BROADTAPE_JWT_SECRET instead to sign them here");
  const secret = keys.kind === "kept" ? keptSecret(keys.file) : keys.secret;
  const now = (rules.now ?? Date.now)();
  // JSON leaves out what is undefined.
  const token = new SignJWT({ tenantId: claims.tenantId, permissions: claims.permissions, team: claims.team, name: claims.name })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(claims.sub)
    .setIssuedAt(Math.floor(now / 1000))
    // RFC 7519 2: seconds may have a fraction. A token of 1500 ms lives 1500 ms.
    .setExpirationTime((now + ttlMs) / 1000);
  if (rules.issuer !== undefined) token.setIssuer(rules.issuer);
  if (rules.audience !== undefined) token.setAudience(rules.audience);
  return token.sign(createSecretKey(secret, "utf8"));
}
