/** Makes tokens for tests, scripts and the demo: HS256 with the configured secret. */
import { SignJWT } from "jose";

export interface TokenRequest {
  readonly userId: string;
  readonly tenant: string;
  readonly permissions?: readonly string[] | undefined;
  readonly team?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly ttlMs: number;
}

export interface TokenIssuer {
  readonly secret: string;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

export async function issueToken({ secret, issuer, audience }: TokenIssuer, request: TokenRequest, now: number): Promise<string> {
  const token = new SignJWT({
    tenantId: request.tenant,
    ...(request.permissions && { permissions: [...request.permissions] }),
    ...(request.team && { team: [...request.team] }),
    ...(request.name !== undefined && { name: request.name }),
  })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(request.userId)
    .setIssuedAt(Math.floor(now / 1000))
    // Fractions of a second count: a token of 1500 ms lives 1500 ms.
    .setExpirationTime((now + request.ttlMs) / 1000);
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(audience);
  return token.sign(new TextEncoder().encode(secret));
}
