/** `/api/v1/connections`: who is connected to which node, and ending a connection (contract 30-transactions). */
import type { FastifyInstance } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { ConnectionList } from "@broadtape/protocol/rest";
import type { Gate } from "../gate.ts";
import { queryOf } from "../peer.ts";
import { httpError } from "../reason-phrase.ts";
import { nodeOf } from "./operations.ts";

/** Of a page. */
const MOST = 1000;

/** Where a connection stands in the list. */
interface Place {
  readonly since: number;
  readonly id: string;
}

/** A user's own connections, or with null all of the tenant. */
interface Whose {
  readonly tenant: string;
  readonly userId: string | null;
}

/** Whoever knows the connections of all nodes. */
export interface ConnectionsDesk {
  connections(
    whose: Whose,
    page: { readonly after: Place | undefined; readonly limit: number },
    node: string | undefined,
  ): Promise<ConnectionList>;
  /** Undefined where there is none, else whose it was. */
  endConnection(whose: Whose, id: string, by: string): Promise<{ readonly userId: string } | undefined>;
}

export interface ConnectionsOptions {
  readonly desk: ConnectionsDesk;
  readonly gate: Gate;
}

export function serveConnections(app: FastifyInstance, { desk, gate }: ConnectionsOptions): void {
  app.get("/api/v1/connections", async (request, reply) => {
    const whose = whoseOf(await gate.authenticate({ headers: request.headers }));
    const query = queryOf(request.raw);
    const page = { after: placeOf(query.get("after")), limit: limitOf(query.get("limit")) };
    const list = await desk.connections(whose, page, whose.userId === null ? nodeOf(query) : undefined);
    return reply.header("Cache-Control", "no-store").send(list);
  });

  app.delete<{ Params: { id: string } }>("/api/v1/connections/:id", async (request, reply) => {
    const identity = await gate.authenticate({ headers: request.headers });
    const { id } = request.params;
    const ended = await desk.endConnection(whoseOf(identity), id, identity.userId);
    if (ended === undefined) return reply.code(404).send(httpError(404, "no such connection"));
    request.log.info({ sessionId: id, userId: ended.userId, tenant: identity.tenant, by: identity.userId }, "ended on request");
    return reply.code(204).send();
  });
}

/** Operators see all of their tenant. */
function whoseOf({ tenant, userId, permissions }: Identity): Whose {
  return { tenant, userId: permissions.has("stream:admin") ? null : userId };
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
