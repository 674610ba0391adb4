/** Which pages may read an event stream (contract 50-sse "Behaviour"; WHATWG Fetch 3.2). */
import type { FastifyReply, FastifyRequest } from "fastify";

export const PREFLIGHT_HEADERS = {
  "Access-Control-Allow-Methods": "GET, OPTIONS",
  "Access-Control-Allow-Headers": "Content-Type, Authorization, Last-Event-ID, X-Correlation-ID",
  "Access-Control-Max-Age": "600",
};

const VARY = { Vary: "Accept-Encoding, Origin" };

/** Where nobody has to say who it is. */
export const ANY_ORIGIN: Readonly<Record<string, string>> = { ...VARY, "Access-Control-Allow-Origin": "*" };

/** Streams that need a login allow the configured origins, with credentials; `*` never goes with credentials. */
export function corsHeaders(corsOrigins: readonly string[], { headers: { origin } }: FastifyRequest): Record<string, string> {
  if (origin === undefined) return VARY;
  if (corsOrigins.includes(origin)) return { ...VARY, "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true" };
  return corsOrigins.includes("*") ? ANY_ORIGIN : VARY;
}

/** Any page may read the answer, whatever the rest of the API says of credentials. */
export function letAnyOriginRead(reply: FastifyReply): FastifyReply {
  return reply.removeHeader("Access-Control-Allow-Credentials").headers(ANY_ORIGIN);
}
