/** The Socket.IO namespace `/rfq` (contract 20-rfq). */
import { z } from "zod";
import { Refusal } from "@broadtape/protocol/errors";
import { parseJson } from "@broadtape/protocol/json";
import { type RfqSnapshot, rfqMessageOf } from "@broadtape/protocol/products/rfq/messages";
import { isoTime } from "../../engine/clock.ts";
import type { Followed } from "../../engine/following.ts";
import type { Message, Words } from "../../engine/message.ts";
import type { Session } from "../../engine/session.ts";
import { type CommandRate, type Desk, type SocketSurface, errorBody } from "../../engine/surface.ts";

export interface RfqSocketOptions {
  readonly heartbeatMs: number;
  readonly idleMs: number;
  readonly rfqsPerClient: number;
  readonly commandRate: CommandRate;
}

/** What a trader's own feed says in this namespace. */
const OF_TRADER: ReadonlySet<string> = new Set(["rfq.created", "rfq.filled", "rfq.expired", "rfq.cancelled"]);

/** Of any length that fits in a frame: what is no cursor is unknown, never an error (contract 70-details "malformed cursor"). */
const after = z.string().nullish();
const rfqBody = z.looseObject({ rfqId: z.string(), after });
const traderBody = z.looseObject({ traderId: z.string().nullish(), after }).nullish();

export function rfqSocket(options: RfqSocketOptions): SocketSurface {
  return {
    name: "rfq",
    path: "/rfq",
    heartbeatMs: options.heartbeatMs,
    idleMs: options.idleMs,
    commandRate: options.commandRate,
    isOneFeed: true,
    tells: ({ topic, event }) => (topic.startsWith("rfq:") ? event !== "rfq.created" : OF_TRADER.has(event)),
    word,
    heartbeat: (lastEventId, now) => ({ name: "heartbeat", body: JSON.stringify({ timestamp: isoTime(now), lastEventId }) }),
    refuse: (refusal) => ({ name: "error", body: errorBody(refusal) }),
    open(session, desk) {
      session.say({ name: "connected", body: JSON.stringify({ clientId: session.id, serverTime: desk.clock.now() }) });
    },
    looksAtViews: new Set(["subscribe:rfq", "subscribe:trader"]),
    receive(session, desk, command, body) {
      switch (command) {
        case "subscribe:rfq":
          return subscribeToRfq(session, desk, options.rfqsPerClient, parse(rfqBody, body));
        case "unsubscribe:rfq": {
          desk.unfollow(session, `rfq:${parse(rfqBody, body).rfqId}`);
          return { success: true };
        }
        case "subscribe:trader":
          return subscribeToTrader(session, desk, options.rfqsPerClient, parse(traderBody, body) ?? {});
        case "ping":
          return { pong: desk.clock.now() };
        default:
          throw new Refusal("BAD_REQUEST", `${command.slice(0, 64)} is not a command of this namespace`);
      }
    },
    answerRefused: ({ code, details }) => ({ success: false, error: code, ...details }),
  };
}

function word({ event, data, eventId }: Message): Words {
  // The part of an event id before the dash is the server's clock when it stored the event.
  const message = rfqMessageOf(event, parseJson(data), Number(eventId.split("-")[0]));
  if (message === undefined) throw new Error(`${event} has no words in this namespace`);
  return { name: message.name, body: JSON.stringify({ ...message.body, ...(eventId !== "" && { eventId }) }) };
}

async function subscribeToRfq(session: Session, desk: Desk, limit: number, { rfqId, after }: z.infer<typeof rfqBody>): Promise<object> {
  const topic = `rfq:${rfqId}`;
  if (isFull(session, topic, limit)) return refusedFor(session, `a client follows at most ${limit} RFQs`);
  const { results, snapshots } = await follow(session, desk, topic, after ?? undefined);
  const [snapshot] = snapshots;
  if (results[0]?.ok !== true || snapshot === undefined || snapshot.state === "null") return NOT_AVAILABLE;
  const told = parseJson(snapshot.state) as RfqSnapshot & { readonly eventId: string };
  return { success: true, rfq: stateOf(told), eventId: told.eventId, serverTime: desk.clock.now() };
}

/** A snapshot without what this namespace's messages never tell, so that their fold and the next answer agree. */
function stateOf({ rfq, quotes, composite }: RfqSnapshot): object {
  return { rfq, quotes: quotes.map(({ bidSize: _bidSize, askSize: _askSize, expiresAt: _expiresAt, ...quote }) => quote), composite };
}

async function subscribeToTrader(
  session: Session,
  desk: Desk,
  limit: number,
  { traderId, after }: { readonly traderId?: string | null | undefined; readonly after?: string | null | undefined },
): Promise<object> {
  const topic = `trader:${traderId ?? "me"}`;
  if (isFull(session, topic, limit)) return refusedFor(session, `a client follows the RFQs of at most ${limit} traders`);
  const { results, cut } = await follow(session, desk, topic, after ?? undefined);
  return results[0]?.ok === true ? { success: true, eventId: cut } : NOT_AVAILABLE;
}

/** Whether it follows as many topics of this one's kind as it may, without this one. */
function isFull({ following }: Session, topic: string, limit: number): boolean {
  const kind = topic.slice(0, topic.indexOf(":") + 1);
  return !following.has(topic) && [...following.keys()].filter((name) => name.startsWith(kind)).length >= limit;
}

function refusedFor(session: Session, message: string): object {
  session.noteLimit({ code: "LIMIT_REACHED", message });
  return { success: false, error: "LIMIT_REACHED" };
}

/** Whatever the cause: unknown, somebody else's, malformed. */
const NOT_AVAILABLE = { success: false, error: "NOT_AVAILABLE" };

/** Resolves with the answer when what was missed has been told. */
function follow(session: Session, desk: Desk, topic: string, after: string | undefined): Promise<Followed> {
  return new Promise((resolve) => {
    desk.follow(session, { topics: [topic], after }, Infinity, (followed) => {
      const { resync, cut } = followed;
      if (resync !== undefined && resync.topics.length > 0) {
        session.say({ name: "resync", body: JSON.stringify({ reason: resync.reason, topics: resync.topics, eventId: cut }) });
      }
      resolve(followed);
    });
  });
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Refusal("BAD_REQUEST", issue?.message ?? "the body is not valid", { path: issue?.path.join(".") ?? "" });
}
