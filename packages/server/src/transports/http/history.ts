/** Reading topics over HTTP: pages of events, snapshots now and at a past point (contract 60-native "History"). */
import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import { parseEventId } from "@broadtape/protocol/event-id";
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Engine } from "../../engine/engine.ts";
import type { Allowed } from "../../engine/entitlement.ts";
import { withEventId } from "../../engine/message.ts";
import { NO_LOOKUP } from "../../engine/product.ts";
import type { Identity } from "@broadtape/protocol/identity";
import type { Gate } from "../gate.ts";
import { queryOf } from "../peer.ts";
import { httpError } from "../reason-phrase.ts";

export interface HistoryOptions {
  readonly engine: Engine;
  readonly gate: Gate;
  readonly pageEvents: number;
}

const DEFAULT_LIMIT = 100;

/** `/api/v1/topics/{topic}/events` and `/api/v1/topics/{topic}/snapshot`; the topic may hold slashes, escaped or not. */
export function serveHistory(app: FastifyInstance, options: HistoryOptions): void {
  app.get<{ Params: { "*": string } }>("/api/v1/topics/*", async (request, reply) => {
    const identity = await options.gate.authenticate({ headers: request.headers });
    const match = /^(.+)\/(events|snapshot)$/s.exec(request.params["*"]);
    if (match?.[1] === undefined) return reply.code(404).send(httpError(404, "no such resource"));
    await options.engine.current();
    const topic = options.engine.allow(identity, match[1]);
    if (typeof topic === "string") throw new Refusal(topic, "this topic cannot be read", topic === "BAD_REQUEST" ? { path: "topic" } : {});
    if (topic.name.includes("*")) throw new Refusal("BAD_REQUEST", "a pattern has no history", { path: "topic" });
    return match[2] === "events"
      ? sendPage(options, identity, topic, request, reply)
      : sendSnapshot(options, identity, topic, request, reply);
  });
}

async function sendPage(
  { engine, pageEvents }: HistoryOptions,
  identity: Identity,
  topic: Allowed,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const query = queryOf(request.raw);
  const limit = limitOf(query.get("limit"), pageEvents);
  const { head, oldest } = engine.bounds();
  const given = query.get("after");
  const from = given === null || given === "" ? { offset: oldest - 1 } : engine.resumeAt(given);
  const after = "offset" in from ? from.offset : oldest - 1;
  const until = Math.min(offsetOf(engine, query.get("until"), "until") ?? head, engine.routedTo);
  const page = await exactPage(engine, identity, topic, { after, until, limit });
  const last = page.events.at(-1);
  const next = page.complete
    ? engine.cursorAt(Math.max(page.upTo, after))
    : last === undefined
      ? engine.cursorAt(page.upTo)
      : engine.eventIdOf(last.offset, last.storedAt);
  const events = page.events.map((event) => eventText(engine, topic, event)).join(",");
  const resync = "reason" in from ? `,"resync":{"reason":"${from.reason}"}` : "";
  const body = `{"topic":${JSON.stringify(topic.name)},"events":[${events}],"next":"${next}","complete":${page.complete}${resync}}`;
  // A page that later events cannot change: it is full, or ends where the reader asked it to.
  const isFixed = !page.complete || (query.get("until") !== null && until < head);
  return sendCacheable(request, reply, body, isFixed && "offset" in from);
}

/** The log's pages hold whole publish batches; a reader gets exactly what was asked for. */
async function exactPage(
  engine: Engine,
  identity: Identity,
  topic: Allowed,
  { after, until, limit }: { after: number; until: number; limit: number },
) {
  const events: StoredEvent[] = [];
  for (let upTo = after; ;) {
    const page = await engine.history(identity, topic, { after: upTo, until, limit: limit + 1 });
    events.push(...page.events);
    if (events.length > limit) return { events: events.slice(0, limit), upTo: events[limit - 1]?.offset ?? page.upTo, complete: false };
    if (page.complete || page.upTo <= upTo) return { events, upTo: page.upTo, complete: page.complete };
    upTo = page.upTo;
  }
}

async function sendSnapshot({ engine }: HistoryOptions, identity: Identity, topic: Allowed, request: FastifyRequest, reply: FastifyReply) {
  const at = queryOf(request.raw).get("at");
  if (at === null || at === "") {
    const { state, cut } = engine.snapshot(identity, topic);
    return sendCacheable(request, reply, `{"topic":${JSON.stringify(topic.name)},"state":${state},"cut":"${cut}"}`, false);
  }
  const point = pointOf(engine, at);
  const entry = point === "expired" ? point : await engine.snapshotAt(identity, topic, point);
  if (point === "expired" || entry === "expired") return reply.code(410).send(httpError(410, "older than retention"));
  // As it read then: at the time that was asked for, or right after the event at the cursor.
  const now = "time" in point ? point.time : (entry?.storedAt ?? 0);
  const state =
    entry === undefined
      ? "null"
      : withEventId(topic.kind.render(entry.state, now, NO_LOOKUP), engine.eventIdOf(entry.offset, entry.storedAt));
  const cut = "offset" in point ? at : entry === undefined ? engine.cursorAt(0) : engine.eventIdOf(entry.offset, entry.storedAt);
  return sendCacheable(request, reply, `{"topic":${JSON.stringify(topic.name)},"state":${state},"cut":"${cut}"}`, "offset" in point);
}

function pointOf(engine: Engine, at: string): { offset: number } | { time: number } | "expired" {
  if (parseEventId(at) !== undefined) {
    const cursor = engine.resumeAt(at);
    if ("offset" in cursor) return cursor;
    if (cursor.reason === "expired") return "expired";
    throw new Refusal("BAD_REQUEST", "is not a cursor of this log", { path: "at" });
  }
  const time = /^\d{1,15}$/.test(at) ? Number(at) : Date.parse(at);
  if (Number.isNaN(time)) throw new Refusal("BAD_REQUEST", "must be a cursor or a time", { path: "at" });
  return { time };
}

function offsetOf(engine: Engine, cursor: string | null, path: string): number | undefined {
  if (cursor === null || cursor === "") return undefined;
  const place = engine.resumeAt(cursor);
  if ("offset" in place) return place.offset;
  throw new Refusal("BAD_REQUEST", "is not a cursor of this log", { path });
}

function limitOf(text: string | null, most: number): number {
  if (text === null || text === "") return Math.min(DEFAULT_LIMIT, most);
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw new Refusal("BAD_REQUEST", "must be a whole number of at least 1", { path: "limit" });
  return Math.min(limit, most);
}

/** As the native protocol words events; `data` is the stored text, digit for digit. */
function eventText(engine: Engine, topic: Allowed, event: StoredEvent): string {
  const eventId = engine.eventIdOf(event.offset, event.storedAt);
  // As its followers were told it; conflated values are told by no event of their own.
  const told = engine.messagesOf(event).find(({ topic: name }) => name === topic.name);
  return `{"type":"event","topic":${JSON.stringify(topic.name)},"event":"${event.type}","eventId":"${eventId}","time":"${event.time}","data":${told?.data ?? event.data},"correlationId":${JSON.stringify(event.correlationId)}}`;
}

function sendCacheable(request: FastifyRequest, reply: FastifyReply, body: string, isFixed: boolean): FastifyReply {
  const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
  // What one may read another may not, under the same address.
  reply.headers({
    ETag: tag,
    Vary: "Authorization, Cookie, Origin",
    "Cache-Control": isFixed ? "private, max-age=86400, immutable" : "private, no-cache",
  });
  if (request.headers["if-none-match"]?.split(",").some((each) => each.trim().replace(/^W\//, "") === tag) === true)
    return reply.code(304).send();
  return reply.type("application/json; charset=utf-8").send(body);
}
