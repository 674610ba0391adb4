/** `/api/v1/notices`: what became of the alerts that no device acknowledged (contract 30-transactions), for operators. */
import type { FastifyInstance } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { NoticeState } from "@broadtape/protocol/rest";
import { isoTime } from "../../engine/clock.ts";
import type { Gate } from "../gate.ts";
import { queryOf } from "../peer.ts";

/** As the registry keeps it; times in milliseconds since the epoch. */
interface NoticeRow {
  readonly tenant: string;
  readonly eventId: string;
  readonly userId: string;
  readonly kind: string;
  readonly status: NoticeState["status"];
  readonly attempts: number;
  readonly lastError: string | undefined;
  readonly claimedAt: number;
  readonly doneAt: number | undefined;
}

export interface NoticesOptions {
  readonly gate: Gate;
  /** Newest first; `after` is the last of the page before. */
  readonly list: (query: {
    readonly tenant: string;
    readonly limit: number;
    readonly after?: Pick<NoticeRow, "claimedAt" | "tenant" | "eventId"> | undefined;
  }) => Promise<readonly NoticeRow[]>;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

export function serveNotices(app: FastifyInstance, { gate, list }: NoticesOptions): void {
  app.get("/api/v1/notices", async (request, reply) => {
    const { permissions, tenant } = await gate.authenticate({ headers: request.headers });
    if (!permissions.has("stream:admin")) throw new Refusal("FORBIDDEN", "needs the permission stream:admin");
    const query = queryOf(request.raw);
    const limit = limitOf(query.get("limit"));
    const rows = await list({ tenant, limit, after: placeOf(query.get("after"), tenant) });
    const last = rows.at(-1);
    const next = last !== undefined && rows.length === limit ? `${last.claimedAt}-${last.eventId}` : null;
    return reply.header("Cache-Control", "no-store").send({ notices: rows.map((row) => stateOf(row)), next });
  });
}

function stateOf({ eventId, userId, kind, status, attempts, lastError, claimedAt, doneAt }: NoticeRow): NoticeState {
  const times = { claimedAt: isoTime(claimedAt), doneAt: doneAt === undefined ? null : isoTime(doneAt) };
  return { eventId, userId, kind, status, attempts, lastError: lastError ?? null, ...times };
}

function limitOf(text: string | null): number {
  if (text === null || text === "") return DEFAULT_LIMIT;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT)
    throw new Refusal("BAD_REQUEST", `limit must be a whole number from 1 to ${MAX_LIMIT}`, { path: "limit" });
  return limit;
}

/** As `next` of the page before spelled it. */
function placeOf(text: string | null, tenant: string) {
  if (text === null || text === "") return undefined;
  const [, claimedAt, eventId] = /^(\d{1,15})-(EV-[0-9a-f]{16})$/.exec(text) ?? [];
  if (claimedAt === undefined || eventId === undefined)
    throw new Refusal("BAD_REQUEST", "after is not the end of a page", { path: "after" });
  return { claimedAt: Number(claimedAt), eventId, tenant };
}
