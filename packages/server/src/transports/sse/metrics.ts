/** Who reads event streams, and a test of all of them (contract 50-sse): `GET /api/stream/metrics`, `POST /api/stream/test`. */
import type { FastifyInstance } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { streamTest } from "@broadtape/protocol/rest";
import { isoTime } from "../../engine/clock.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Gate } from "../gate.ts";
import { letAnyOriginRead } from "./cors.ts";
import { Crowds, type UserCount } from "./crowds.ts";
import { TestEvents } from "./test-events.ts";

export interface StreamMetricsOptions {
  readonly engine: Engine;
  readonly gate: Gate;
  /** The surfaces that are counted. */
  readonly crowd: string;
  readonly bodyBytes: number;
}

const ADMIN = "stream:admin";

export function serveStreamMetrics(app: FastifyInstance, { engine, gate, crowd, bodyBytes }: StreamMetricsOptions): void {
  const crowds = new Crowds(engine, crowd);
  const tests = new TestEvents(engine, crowd);

  app.options("/api/stream/metrics", (_request, reply) => letAnyOriginRead(reply).headers(preflightOf("GET")).code(200).send());
  app.get("/api/stream/metrics", async (request, reply) => {
    const identity = await gate.authenticate({ headers: request.headers }).catch(unknownOne);
    const all = await crowds.counts();
    const isAdmin = identity?.permissions.has(ADMIN) === true;
    return letAnyOriginRead(reply)
      .header("Cache-Control", "no-store")
      .send({
        timestamp: isoTime(engine.clock.now()),
        totalClients: all.reduce((sum, { clientCount }) => sum + clientCount, 0),
        totalUsers: all.length,
        clientsPerUser: isAdmin ? countsOf(all, identity) : [],
      });
  });

  app.options("/api/stream/test", (_request, reply) => reply.headers(preflightOf("POST")).code(200).send());
  app.post("/api/stream/test", { bodyLimit: bodyBytes }, async (request, reply) => {
    const { tenant, permissions } = await gate.authenticate({ headers: request.headers });
    if (!permissions.has(ADMIN)) throw new Refusal("FORBIDDEN", `needs the permission ${ADMIN}`);
    return reply.send({ clients: await tests.tell(tenant, messageOf(request.body)) });
  });
}

/** Totals are for anybody, whatever somebody says of itself. */
function unknownOne(error: unknown): undefined {
  if (!(error instanceof Refusal)) throw error;
}

/** Users of the operator's own tenant, those with most connections first. */
function countsOf(all: readonly UserCount[], { tenant }: Identity) {
  const own = all.filter((each) => each.tenant === tenant);
  return own.map(({ userId, clientCount }) => ({ userId, clientCount })).sort((a, b) => b.clientCount - a.clientCount);
}

/** The text of the test event; without a body one of ours. Throws BAD_REQUEST. */
function messageOf(body: unknown): string {
  const text = Buffer.isBuffer(body) ? body.toString("utf8") : "";
  const parsed = streamTest.safeParse(text.trim() === "" ? {} : jsonOf(text));
  if (parsed.success) return parsed.data.message ?? "a test of the event streams";
  const [issue] = parsed.error.issues;
  throw new Refusal("BAD_REQUEST", issue?.message ?? "is not valid", { path: issue?.path.join(".") ?? "" });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("BAD_REQUEST", "the body is not JSON");
  }
}

/** 200, as for the streams: what was asked for is no 204. */
const preflightOf = (method: string) => ({
  "Access-Control-Allow-Methods": `${method}, OPTIONS`,
  "Access-Control-Allow-Headers": "Content-Type, Authorization, X-Correlation-ID",
});
