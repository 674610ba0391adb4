/** Verifies JSON Web Tokens. The accepted algorithms follow from the key, never from the token (RFC 8725 3.1). */
import { readFile } from "node:fs/promises";
import { type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from "jose";
import { Refusal } from "@broadtape/protocol/errors";
import { type Identity, tokenClaims } from "@broadtape/protocol/identity";

export interface TokenVerifier {
  /** Rejects with AUTH_FAILED; the message never holds the token. */
  verify(token: string): Promise<Identity>;
}

export interface TokenRules {
  readonly keys: { readonly secret: string } | { readonly jwks: string };
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly now: () => number;
}

const ASYMMETRIC = ["RS256", "ES256", "EdDSA"];
/** A token longer than this is none of ours. */
const MAX_TOKEN = 16_384;
const RELOAD_COOLDOWN_MS = 10_000;

export async function createTokenVerifier(rules: TokenRules): Promise<TokenVerifier> {
  const verifyWith = "secret" in rules.keys ? withSecret(rules.keys.secret) : await withJwks(rules.keys.jwks, rules.now);
  return {
    async verify(token) {
      const options: JWTVerifyOptions = {
        currentDate: new Date(rules.now()),
        ...(rules.issuer !== undefined && { issuer: rules.issuer }),
        ...(rules.audience !== undefined && { audience: rules.audience }),
      };
      return identityOf(await checked(token, (each) => verifyWith(each, options)));
    },
  };
}

type Verify = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>;

function withSecret(secret: string): Verify {
  const key = new TextEncoder().encode(secret);
  return async (token, options) => (await jwtVerify(token, key, { ...options, algorithms: ["HS256"] })).payload;
}

async function withJwks(location: string, now: () => number): Promise<Verify> {
  const keys: JWTVerifyGetKey = /^https?:\/\//.test(location) ? createRemoteJWKSet(new URL(location), { cooldownDuration: RELOAD_COOLDOWN_MS }) : await fileKeys(location, now);
  return async (token, options) => (await jwtVerify(token, keys, { ...options, algorithms: ASYMMETRIC })).payload;
}

/** Keys of a file, read again (not more often than the cooldown) when a token names a key that is not there: rotation. */
async function fileKeys(file: string, now: () => number): Promise<JWTVerifyGetKey> {
  let keys = await readKeys(file);
  let readAt = now();
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || now() - readAt < RELOAD_COOLDOWN_MS) throw error;
      readAt = now();
      keys = await readKeys(file);
      return keys(header, token);
    }
  };
}

async function readKeys(file: string): Promise<JWTVerifyGetKey> {
  try {
    return createLocalJWKSet(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    throw new Error(`BROADTAPE_JWKS: ${file} is not a readable JWKS file`, { cause: error });
  }
}

async function checked(token: string, verify: (token: string) => Promise<JWTPayload>): Promise<JWTPayload> {
  if (token.length > MAX_TOKEN) throw new Refusal("AUTH_FAILED", "the token is too long");
  try {
    return await verify(token);
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new Refusal("AUTH_FAILED", "the token has expired");
    throw new Refusal("AUTH_FAILED", "the token is not valid");
  }
}

function identityOf(payload: JWTPayload): Identity {
  const claims = tokenClaims.safeParse(payload);
  if (!claims.success) {
    const fields = claims.error.issues.map((issue) => issue.path.join(".")).join(", ");
    throw new Refusal("AUTH_FAILED", `the token's claims are not valid: ${fields}`);
  }
  const { sub, tenantId, exp, permissions = [], team = [], name } = claims.data;
  return { userId: sub, tenant: tenantId, permissions: new Set(permissions), team: new Set(team), name, expiresAt: exp * 1000, sessionId: undefined };
}
