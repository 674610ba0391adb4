/** Where a credential may stand, in the contract's order; the first one found decides (contract 00-common "Identity"). */
import type { IncomingHttpHeaders } from "node:http";

export const SESSION_COOKIE = "session";

/** How this server spells a session (`sessions.ts`). Other applications of the same host may have a cookie of that name. */
const SESSION_ID = /^[A-Za-z0-9_-]{43}$/;

export type Credential =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "session"; readonly id: string }
  /** Stands where a credential should, and is none. */
  | { readonly kind: "malformed"; readonly message: string };

export interface CredentialRequest {
  /** Socket.IO's `auth.token`, as the client sent it. */
  readonly authToken?: unknown;
  readonly headers: IncomingHttpHeaders;
  /** The query parameter `token`; given only where browsers cannot set headers: WebSocket and Socket.IO handshakes and SSE. */
  readonly queryToken?: string | undefined;
}

/** Which pages may use a visitor's cookies. */
export interface OriginRules {
  /** As in the configuration; `*` among them is none of them here. */
  readonly corsOrigins: readonly string[];
  /** As in the configuration: behind a proxy, X-Forwarded-Host tells under which name the browser knows us. */
  readonly trustProxy: readonly string[];
}

/** Pure. Undefined where there is none; empty values count as none. */
export function findCredential(request: CredentialRequest, origins: OriginRules): Credential | undefined {
  const named = tokenIn(request.authToken) ?? bearerIn(request.headers);
  if (named !== undefined) return named;
  const session = sessionIn(request.headers, origins);
  // What browsers send of another application hides no token.
  const isForeign = session?.kind === "session" && !SESSION_ID.test(session.id);
  return isForeign ? (tokenIn(request.queryToken) ?? session) : (session ?? tokenIn(request.queryToken));
}

/** The cookie session of a request, where the page that sent it may use cookies. */
export function sessionIdOf(headers: IncomingHttpHeaders, origins: OriginRules): string | undefined {
  const credential = sessionIn(headers, origins);
  return credential?.kind === "session" ? credential.id : undefined;
}

/** Absent, own or one of the CORS origins. */
export function mayUseCookies(headers: IncomingHttpHeaders, { corsOrigins, trustProxy }: OriginRules): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  if (origin !== "*" && corsOrigins.includes(origin)) return true;
  const forwarded = trustProxy.length > 0 ? single(headers["x-forwarded-host"])?.split(",")[0]?.trim() : undefined;
  return isOriginOf(origin, forwarded ?? host ?? "");
}

/** Whether a host, spelt as a URL of the origin's scheme (lower case, without that scheme's port), is the origin's. */
function isOriginOf(origin: string, host: string): boolean {
  const url = URL.parse(origin);
  if (url === null || !/^https?:$/.test(url.protocol) || !/^[^/?#@\\\s]+$/.test(host)) return false;
  return URL.parse(`${url.protocol}//${host}`)?.host === url.host;
}

function tokenIn(value: unknown): Credential | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? { kind: "token", token: value } : { kind: "malformed", message: "The token is not a string" };
}

/** Other schemes, which a proxy in front may have asked for, are no credentials here. */
function bearerIn({ authorization }: IncomingHttpHeaders): Credential | undefined {
  const token = /^Bearer(?:\s+(.*))?$/is.exec(authorization ?? "")?.[1]?.trim();
  return tokenIn(token);
}

function sessionIn(headers: IncomingHttpHeaders, origins: OriginRules): Credential | undefined {
  if (headers.cookie === undefined || !mayUseCookies(headers, origins)) return undefined;
  const ids = headers.cookie.split(";").flatMap((pair) => {
    const [name = "", ...value] = pair.split("=");
    const id = value.join("=").trim();
    return name.trim() === SESSION_COOKIE && id !== "" ? [id] : [];
  });
  const id = ids.find((each) => SESSION_ID.test(each)) ?? ids[0];
  return id === undefined ? undefined : { kind: "session", id };
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
