/** Facts of a connection out of its request. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Refusal } from "@broadtape/protocol/errors";
import { parseEventId } from "@broadtape/protocol/event-id";
import type { Peer } from "../engine/session.ts";

/** Finds the client's address, past trusted proxies. */
export type AddressOf = (request: IncomingMessage) => string;

const CORRELATION_ID = /^[\x21-\x7e]{1,128}$/;
const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** The request's `X-Correlation-ID` where it is one, else a new one. */
export function correlationIdOf(request: Pick<IncomingMessage, "headers">): string {
  const given = request.headers["x-correlation-id"];
  return typeof given === "string" && CORRELATION_ID.test(given) ? given : randomUUID();
}

export function queryOf(request: Pick<IncomingMessage, "url">): URLSearchParams {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  return new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
}

export function pathOf(request: Pick<IncomingMessage, "url">): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

/** Throws BAD_REQUEST for a `clientId` that is none: a client that names itself counts on being known again. */
export function peerOf(request: IncomingMessage, addressOf: AddressOf, parameters = queryOf(request)): Peer {
  const clientId = parameters.get("clientId");
  if (clientId !== null && !CLIENT_ID.test(clientId)) {
    throw new Refusal("BAD_REQUEST", "clientId must be 1 to 64 letters, digits, _ or -", { path: "clientId" });
  }
  return {
    address: addressOf(request),
    userAgent: request.headers["user-agent"]?.slice(0, 256),
    clientId: clientId ?? undefined,
    correlationId: correlationIdOf(request),
  };
}

/** What a client that names itself is known by among all nodes; undefined for one that does not. */
export function claimOf({ name }: { readonly name: string }, { clientId }: Peer): string | undefined {
  return clientId === undefined ? undefined : `${name} ${clientId}`;
}

/** The last event id that a stream's client has, from header or query; undefined where it gives none. */
export function lastEventIdOf(request: IncomingMessage): string | undefined {
  const header = request.headers["last-event-id"];
  const given = (typeof header === "string" ? header : undefined) ?? queryOf(request).get("lastEventId") ?? undefined;
  if (given === undefined || given === "") return undefined;
  // Anything that is no id at all is as unknown as an id of another life.
  return parseEventId(given) === undefined ? "-" : given;
}
