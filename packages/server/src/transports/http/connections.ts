/** `/api/v1/connections`: who is connected, and ending a connection (contract 30-transactions). */
import type { FastifyInstance } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { ConnectionState } from "@broadtape/protocol/rest";
import { isoTime } from "../../engine/clock.ts";
import { connectionStatus, wasActiveAt } from "../../engine/connection-book.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Session } from "../../engine/session.ts";
import type { Gate } from "../gate.ts";
import { queryOf } from "../peer.ts";
import { httpError } from "../reason-phrase.ts";

/** Of a page. */
const MOST = 1000;

export interface ConnectionsOptions {
  readonly engine: Engine;
  readonly gate: Gate;
}

export function serveConnections(app: FastifyInstance, { engine, gate }: ConnectionsOptions): void {
  const { sessions, clock } = engine;

  app.get("/api/v1/connections", async (request, reply) => {
    const identity = await gate.authenticate({ headers: request.headers });
    const seesAll = isAdmin(identity);
    const query = queryOf(request.raw);
    const { page, next } = pageOf(seesAll ? inTenant(identity.tenant) : sessions.ofUser(identity), query);
    const connections = page.map((session) => (seesAll ? { ...stateOf(session), ...loadOf(session) } : stateOf(session)));
    return reply.header("Cache-Control", "no-store").send({ connections, next });
  });

  app.delete<{ Params: { id: string } }>("/api/v1/connections/:id", async (request, reply) => {
    const identity = await gate.authenticate({ headers: request.headers });
    const session = sessions.get(request.params.id);
    if (session === undefined || !maySee(identity, session)) return reply.code(404).send(httpError(404, "no such connection"));
    const isOwn = session.identity.userId === identity.userId;
    request.log.info(
      { sessionId: session.id, userId: session.identity.userId, tenant: identity.tenant, by: identity.userId },
      "ended on request",
    );
    // Coming back by itself is not what whoever ended it wants.
    session.close(new Refusal("FORBIDDEN", `the connection was ended by ${isOwn ? "its user" : "an operator"}`), false);
    return reply.code(204).send();
  });

  function inTenant(name: string): Session[] {
    return [...sessions.values()].filter(({ identity: { tenant } }) => tenant === name);
  }

  function stateOf(session: Session): ConnectionState {
    return {
      id: session.id,
      userId: session.identity.userId,
      clientId: session.peer.clientId ?? null,
      surface: session.surface.name,
      connectedAt: isoTime(session.since),
      lastActivity: isoTime(wasActiveAt(session, clock)),
      ipAddress: session.peer.address,
      userAgent: session.peer.userAgent ?? null,
      status: connectionStatus(session, clock),
    };
  }
}

/** What operators see besides. */
function loadOf({ outbox, following }: Session) {
  const { queuedBytes, delivery, heldCount: heldValues, conflated, flowing } = outbox;
  return { queuedBytes, unacked: delivery?.position.inFlight ?? 0, heldValues, conflated, paused: !flowing, topics: following.size };
}

/** In the order in which they were opened, which ids settle where the clock does not. */
function pageOf(sessions: readonly Session[], query: URLSearchParams): { page: readonly Session[]; next: string | null } {
  const after = placeOf(query.get("after"));
  const limit = limitOf(query.get("limit"));
  const rest = after === undefined ? [...sessions] : sessions.filter((session) => inOrder(session, after) > 0);
  rest.sort(inOrder);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return { page, next: last === undefined || page.length === rest.length ? null : `${last.since}-${last.id}` };
}

type Place = Pick<Session, "since" | "id">;

function inOrder(a: Place, b: Place): number {
  return a.since - b.since || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function limitOf(text: string | null): number {
  if (text === null || text === "") return MOST;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MOST) throw new Refusal("BAD_REQUEST", `limit must be a whole number from 1 to ${MOST}`, { path: "limit" });
  return limit;
}

/** As `next` of the page before spelled it. */
function placeOf(text: string | null): Place | undefined {
  if (text === null || text === "") return undefined;
  const [, since, id] = /^(\d{1,15})-(.{1,128})$/.exec(text) ?? [];
  if (since === undefined || id === undefined) throw new Refusal("BAD_REQUEST", "after is not the end of a page", { path: "after" });
  return { since: Number(since), id };
}

function maySee(identity: Identity, { identity: { tenant, userId } }: Session): boolean {
  return tenant === identity.tenant && (userId === identity.userId || isAdmin(identity));
}

function isAdmin({ permissions }: Identity): boolean {
  return permissions.has("stream:admin");
}
