/** Finds the credential of a request and verifies it, in the contract's order; the first one found decides (contract 00-common "Identity"). */
import type { IncomingHttpHeaders } from "node:http";
import fastifyCookie from "@fastify/cookie";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { CookieSessions } from "./sessions.ts";
import type { TokenVerifier } from "./tokens.ts";

export const SESSION_COOKIE = "session";

export interface Credentials {
  /** Socket.IO's `auth.token`, unchecked. */
  readonly authToken?: unknown;
  readonly headers: IncomingHttpHeaders;
  /** The query parameter `token`; only where browsers cannot set headers. */
  readonly queryToken?: string | undefined;
}

export class Authenticator {
  readonly #tokens: TokenVerifier;
  readonly #sessions: CookieSessions;
  readonly #corsOrigins: readonly string[];

  constructor(tokens: TokenVerifier, sessions: CookieSessions, corsOrigins: readonly string[]) {
    this.#tokens = tokens;
    this.#sessions = sessions;
    this.#corsOrigins = corsOrigins;
  }

  /** Rejects with UNAUTHORIZED where no credential stands, AUTH_FAILED where a bad one does. */
  async authenticate({ authToken, headers, queryToken }: Credentials): Promise<Identity> {
    if (authToken !== undefined && authToken !== null && authToken !== "") {
      if (typeof authToken !== "string") throw new Refusal("AUTH_FAILED", "the token is not a string");
      return this.#tokens.verify(authToken);
    }
    if (headers.authorization !== undefined) return this.#bearer(headers.authorization);
    const cookie = this.sessionCookie(headers);
    if (cookie !== undefined) {
      const identity = await this.#sessions.find(cookie);
      if (identity === undefined) throw new Refusal("AUTH_FAILED", "No valid session found");
      return identity;
    }
    if (queryToken !== undefined && queryToken !== "") return this.#tokens.verify(queryToken);
    throw new Refusal("UNAUTHORIZED", "No token provided");
  }

  /** Verifies a token that was sent as a message. */
  async verify(token: string): Promise<Identity> {
    return this.#tokens.verify(token);
  }

  /** The session cookie, unless a foreign page made the browser send it. */
  sessionCookie(headers: IncomingHttpHeaders): string | undefined {
    if (headers.cookie === undefined || !this.#isOwnOrigin(headers)) return undefined;
    return fastifyCookie.parse(headers.cookie)[SESSION_COOKIE];
  }

  async #bearer(header: string): Promise<Identity> {
    const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
    if (token === undefined) throw new Refusal("AUTH_FAILED", "the Authorization header is not a bearer token");
    return this.#tokens.verify(token);
  }

  #isOwnOrigin({ origin, host }: IncomingHttpHeaders): boolean {
    if (origin === undefined) return true;
    if (this.#corsOrigins.includes(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host;
  }
}
