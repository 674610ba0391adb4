/** Verifies JSON Web Tokens. The accepted algorithms follow from the key, never from the token (RFC 8725 3.1). */
import { createSecretKey } from "node:crypto";
import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import { Refusal } from "@broadtape/protocol/errors";
import { type Identity, tokenClaims } from "@broadtape/protocol/identity";
import { JWKS_ALGORITHMS, openJwks } from "./jwks.ts";
import { type Keys, keptSecret } from "./keys.ts";

export interface TokenVerifier {
  /** Rejects with a Refusal AUTH_FAILED, whose message never holds anything of the token but the name of a claim. */
  verify(token: string): Promise<Identity>;
}

export interface TokenRules {
  /** `iss` that a token must have, where set. */
  readonly issuer?: string | undefined;
  /** `aud` that a token must have, where set. */
  readonly audience?: string | undefined;
  /** The server's clock, milliseconds since the epoch. */
  readonly now?: () => number;
  /** Hears why the keys could not be had; the caller is refused all the same. */
  readonly onFault?: (error: unknown) => void;
}

/** A longer token is none of ours, and not worth the work of parsing it. */
const MAX_TOKEN_CHARS = 16_384;
/** The last moment that a `Date` can hold: a token without an end in sight ends there. */
const END_OF_TIME_MS = 8.64e15;

/** Throws an Error naming the file when the demo's kept secret cannot be read or made. */
export function createTokenVerifier(keys: Keys, rules: TokenRules = {}): TokenVerifier {
  const now = rules.now ?? Date.now;
  const payloadOf =
    keys.kind === "jwks" ? withJwks(keys.location, rules.onFault) : withSecret(keys.kind === "kept" ? keptSecret(keys.file) : keys.secret);
  const expected = {
    ...(rules.issuer !== undefined && { issuer: rules.issuer }),
    ...(rules.audience !== undefined && { audience: rules.audience }),
  };
  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_CHARS) throw new Refusal("AUTH_FAILED", "The token is too long");
      const options = { ...expected, currentDate: new Date(now()), clockTolerance: 0 };
      const identity = identityOf(await payloadOf(token, options).catch(refuse));
      // jose compares whole seconds.
      if (identity.expiresAt <= now()) throw new Refusal("AUTH_FAILED", "The token has expired");
      return identity;
    },
  };
}

type Verify = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>;

function withSecret(secret: string): Verify {
  const key = createSecretKey(secret, "utf8");
  return async (token, options) => (await jwtVerify(token, key, { ...options, algorithms: ["HS256"] })).payload;
}

function withJwks(location: string, onFault: (error: unknown) => void = () => undefined): Verify {
  const find = openJwks(location);
  const findOrTell: JWTVerifyGetKey = async (header, token) => {
    try {
      return await find(header, token);
    } catch (error) {
      if (!isTokensFault(error)) onFault(error);
      throw error;
    }
  };
  return async (token, options) => (await jwtVerify(token, findOrTell, { ...options, algorithms: JWKS_ALGORITHMS })).payload;
}

/** Whether a key set answered and merely has no key for this token. */
function isTokensFault(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

/** Says which rule a token broke, in fixed words: jose's own messages may quote what they refuse. */
function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired) throw new Refusal("AUTH_FAILED", "The token has expired");
  const claim = error instanceof errors.JWTClaimValidationFailed ? CHECKED_CLAIMS.find((name) => name === error.claim) : undefined;
  if (claim !== undefined) throw new Refusal("AUTH_FAILED", `The token's ${claim} is not accepted`);
  throw new Refusal("AUTH_FAILED", "The token is not valid");
}

const CHECKED_CLAIMS = ["iss", "aud", "nbf", "exp", "iat"];

function identityOf(payload: JWTPayload): Identity {
  const claims = tokenClaims.safeParse(payload);
  if (!claims.success) {
    const names = [...new Set(claims.error.issues.map((issue) => String(issue.path[0] ?? "claims")))];
    throw new Refusal("AUTH_FAILED", `The token is not accepted without a valid ${names.join(", ")}`);
  }
  const { sub, tenantId, exp, permissions = [], team = [], name } = claims.data;
  const expiresAt = Math.min(exp * 1000, END_OF_TIME_MS);
  return { userId: sub, tenant: tenantId, permissions: new Set(permissions), team: new Set(team), name, expiresAt, sessionId: undefined };
}
