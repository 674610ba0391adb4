/** `/api/v1/operations`: what operators ask of a running server (contract 00-common: the permission `stream:admin`). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type {
  EventWay,
  EventWays,
  LatencyHistogram,
  LimitHits,
  LogTail,
  OperationsHistory,
  OperationsSummary,
  PublishRefusals,
  RefusedOutbox,
  TopicRates,
  ViewsComparison,
} from "@broadtape/protocol/operations";
import type { Gate } from "../gate.ts";
import { queryOf } from "../peer.ts";
import { httpError } from "../reason-phrase.ts";

/** Whoever answers, for all nodes or for the one that is named; for one tenant each time. */
export interface OperationsDesk {
  summary(tenant: string, node: string | undefined): Promise<OperationsSummary>;
  /** Samples that ended after this time. */
  history(after: number | undefined, node: string | undefined): Promise<OperationsHistory>;
  latency(windowMs: number, node: string | undefined): Promise<LatencyHistogram>;
  topics(tenant: string, limit: number, node: string | undefined): Promise<TopicRates>;
  refusals(tenant: string, limit: number, node: string | undefined): Promise<PublishRefusals>;
  limits(tenant: string, limit: number, node: string | undefined): Promise<LimitHits>;
  views(node: string | undefined): Promise<ViewsComparison>;
  tail(
    tenant: string,
    query: {
      readonly after: string | undefined;
      readonly limit: number;
      readonly waitMs: number;
      readonly type: string | undefined;
      readonly user: string | undefined;
      readonly topic: string | undefined;
      readonly correlationId: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<LogTail>;
  way(tenant: string, eventId: string): Promise<EventWay | "unknown" | "expired">;
  ways(tenant: string, correlationId: string, until: number | undefined): Promise<EventWays>;
}

export interface OperationsOptions {
  readonly gate: Gate;
  readonly desk: OperationsDesk;
  /** What of the tenant the database's outbox refused. */
  readonly outbox: (tenant: string, page: { readonly before: number | undefined; readonly limit: number }) => Promise<RefusedOutbox>;
}

export const OPERATIONS_PATH = "/api/v1/operations";
const HOUR_MS = 3_600_000;
/** Proxies and browsers bear that long without an answer. */
const WAIT_MS = 25_000;

export function serveOperations(app: FastifyInstance, { gate, desk, outbox }: OperationsOptions): void {
  const get = (path: string, answer: (tenant: string, query: URLSearchParams, request: FastifyRequest, reply: FastifyReply) => unknown) => {
    app.get(`${OPERATIONS_PATH}${path}`, async (request, reply) => {
      const { permissions, tenant } = await gate.authenticate({ headers: request.headers });
      if (!permissions.has("stream:admin")) throw new Refusal("FORBIDDEN", "needs the permission stream:admin");
      return send(reply, await answer(tenant, queryOf(request.raw), request, reply));
    });
  };

  get("", (tenant, query) => desk.summary(tenant, nodeOf(query)));
  get("/history", (_tenant, query) => desk.history(timeOf(query, "after"), nodeOf(query)));
  get("/latency", (_tenant, query) => desk.latency(numberOf(query, "windowMs", { least: 1, most: HOUR_MS }) ?? HOUR_MS, nodeOf(query)));
  get("/topics", (tenant, query) => desk.topics(tenant, limitOf(query, 50), nodeOf(query)));
  get("/refusals", (tenant, query) => desk.refusals(tenant, limitOf(query, 200), nodeOf(query)));
  get("/limits", (tenant, query) => desk.limits(tenant, limitOf(query, 200), nodeOf(query)));
  get("/outbox", (tenant, query) =>
    outbox(tenant, { before: numberOf(query, "before", { least: 0, most: Number.MAX_SAFE_INTEGER }), limit: limitOf(query, 100) }),
  );
  get("/views", (_tenant, query) => desk.views(nodeOf(query)));

  get("/tail", (tenant, query, _request, reply) => {
    const gone = new AbortController();
    reply.raw.once("close", () => {
      gone.abort();
    });
    const asked = {
      after: textOf(query, "after"),
      limit: limitOf(query, 100),
      waitMs: numberOf(query, "waitMs", { least: 0, most: WAIT_MS }) ?? 0,
      type: textOf(query, "type"),
      user: textOf(query, "user"),
      topic: textOf(query, "topic"),
      correlationId: textOf(query, "correlationId"),
    };
    return desk.tail(tenant, asked, gone.signal);
  });

  get("/events", (tenant, query) => {
    const correlationId = textOf(query, "correlationId");
    if (correlationId === undefined) throw new Refusal("BAD_REQUEST", "correlationId is missing", { path: "correlationId" });
    return desk.ways(tenant, correlationId, numberOf(query, "until", { least: 0, most: Number.MAX_SAFE_INTEGER }));
  });

  get("/events/:eventId", async (tenant, _query, request) => desk.way(tenant, (request.params as { eventId: string }).eventId));
}

/** As text: digits are the publisher's. */
function send(reply: FastifyReply, answer: unknown): FastifyReply {
  if (answer === "unknown") return reply.code(404).send(httpError(404, "no such event"));
  if (answer === "expired") return reply.code(410).send(httpError(410, "older than retention"));
  return reply.header("Cache-Control", "no-store").type("application/json; charset=utf-8").send(JSON.stringify(answer));
}

const MOST = 1000;

function limitOf(query: URLSearchParams, otherwise: number): number {
  return numberOf(query, "limit", { least: 1, most: MOST }) ?? otherwise;
}

/** Id or name of the one node that is asked for. */
export function nodeOf(query: URLSearchParams): string | undefined {
  return textOf(query, "node");
}

function textOf(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (text.length > 512) throw new Refusal("BAD_REQUEST", `${name} must be at most 512 characters`, { path: name });
  return text;
}

function numberOf(query: URLSearchParams, name: string, { least, most }: { least: number; most: number }): number | undefined {
  const text = textOf(query, name);
  if (text === undefined) return undefined;
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw new Refusal("BAD_REQUEST", `${name} must be a whole number from ${least} to ${most}`, { path: name });
}

/** As `at` of a sample spells it. */
function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = textOf(query, name);
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new Refusal("BAD_REQUEST", `${name} must be a time`, { path: name });
  return time;
}
