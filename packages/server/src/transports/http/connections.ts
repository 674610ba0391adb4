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
import { httpError } from "../reason-phrase.ts";

export interface ConnectionsOptions {
  readonly engine: Engine;
  readonly gate: Gate;
}

export function serveConnections(app: FastifyInstance, { engine, gate }: ConnectionsOptions): void {
  const { sessions, clock } = engine;

  app.get("/api/v1/connections", async (request, reply) => {
    const identity = await gate.authenticate({ headers: request.headers });
    const seen = isAdmin(identity) ? [...sessions.values()].filter(({ identity: { tenant } }) => tenant === identity.tenant) : undefined;
    const connections = (seen ?? sessions.ofUser(identity)).map((session) => stateOf(session));
    return reply.header("Cache-Control", "no-store").send({ connections });
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

function maySee(identity: Identity, { identity: { tenant, userId } }: Session): boolean {
  return tenant === identity.tenant && (userId === identity.userId || isAdmin(identity));
}

function isAdmin({ permissions }: Identity): boolean {
  return permissions.has("stream:admin");
}
