/**
 * What the streams of contract 50-sse have in common: `connected`, what was missed, the snapshot, then what happens; and how
 * all of them sound. A product says what its stream is about.
 */
import type { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { parseJson } from "@broadtape/protocol/json";
import { isoTime } from "../../engine/clock.ts";
import type { Snapshot } from "../../engine/snapshots.ts";
import type { Message, Words } from "../../engine/message.ts";
import type { Session } from "../../engine/session.ts";
import { type Desk, type StreamPlan, type StreamSurface, errorBody } from "../../engine/surface.ts";
import { type AbsenceRules, Absences } from "./absences.ts";

/** All streams of a user count together. */
export const CROWD = "streams";

export interface StreamOptions {
  readonly heartbeatMs: number;
  /** Connections of one user to all streams. */
  readonly connectionsPerUser: number;
  /** What is told to who had no connection. */
  readonly absences: AbsenceRules;
}

export interface Plan extends StreamPlan {
  /** False where the client has said that it wants nothing of what it missed. */
  readonly replay?: boolean;
}

/** A stream's own part. `P`: what its query asks for. */
export interface StreamDeclaration<P extends Plan = Plan> {
  /** As it stands in `connected`. */
  readonly name: string;
  readonly path: string;
  readonly about: NonNullable<StreamSurface["about"]>;
  readonly isPublic?: true;
  identityOf?(identity: Identity): Identity;
  /** As in {@link StreamSurface.plan}. */
  plan(query: URLSearchParams, identity: Identity, places: Readonly<Record<string, string>>): P | undefined;
  /** Messages in the stream's words; undefined for those that it does not tell of. Asked once a message for all who are told it. */
  word(message: Message): StreamWords | undefined;
  /** Types of the catalogue that {@link StreamDeclaration.word} has words for. */
  readonly tells: ReadonlySet<string>;
  /** What stands, told to who begins. Without it, a stream begins with what happens. */
  snapshot?(session: Session, plan: P, standing: Standing): readonly StreamWords[];
  /** What has changed since by no event of its own, told to who was away. */
  refreshed?(session: Session, plan: P): readonly StreamWords[];
  /** True for messages whose delivery an operator wants to see. */
  reports?(message: Message): boolean;
  /** Values leave at most once in so many milliseconds, the newest of each key. */
  readonly windowMs?: number;
  /** What was missed is not kept for who had no connection: only the newest counts. */
  readonly isConflated?: true;
}

export interface Standing {
  /** Where it stood so. */
  readonly cut: string;
  /** The topics' own snapshots; of conflated streams only. */
  readonly states: readonly Snapshot[];
}

export interface StreamWords {
  readonly name: string;
  readonly body: object;
}

const AGENTS = "agents";
const AGENT_STATUS = "agent.status";
const RETRY_MS = 5000;

export function stream<P extends Plan = Plan>(declared: StreamDeclaration<P>, options: StreamOptions, desk: Desk): StreamSurface<P> {
  const absences = new Absences(desk, declared.name, options.absences);
  const keys = new WeakMap<Session, string>();
  let newest = 0;
  /** Each connection's own, so that its `clientId` is. */
  const timestamp = () => (newest = Math.max(desk.clock.now(), newest + 1));

  const begin = (session: Session, key: string, id?: string) => {
    absences.entered(key);
    keys.set(session, key);
    const now = timestamp();
    const { userId } = session.identity;
    const body = { clientId: `${userId}-${declared.name}-${now}`, stream: declared.name, timestamp: isoTime(now) };
    session.say({ name: "connected", body: JSON.stringify(body), id });
    // How agents are is told as it changes; who comes back is told when it changes next.
    desk.follow(session, { topics: [AGENTS], snapshot: false }, Infinity, () => undefined);
  };
  /** `cursor`: given with the last of them alone, since who is cut off before that has not had them all. */
  const sayAll = (session: Session, words: readonly StreamWords[], cursor?: string) => {
    for (const [index, { name, body }] of words.entries())
      session.say({ name, body: JSON.stringify(body), id: index === words.length - 1 ? cursor : undefined });
  };

  return {
    name: `stream-${declared.name}`,
    path: declared.path,
    about: declared.about,
    ...(declared.isPublic && { isPublic: true }),
    crowd: { name: CROWD, most: options.connectionsPerUser },
    retryMs: RETRY_MS,
    heartbeatMs: options.heartbeatMs,
    beatsWhenBusy: false,
    isOneFeed: true,
    ...(declared.identityOf && { identityOf: declared.identityOf.bind(declared) }),
    ...(declared.reports && { reports: declared.reports.bind(declared) }),
    tells: ({ event }) => event === AGENT_STATUS || declared.tells.has(event),
    word(message) {
      const words = message.event === AGENT_STATUS ? agentWords(message) : declared.word(message);
      if (words === undefined) throw new Error(`${message.event} has no words on ${declared.path}`);
      return { name: words.name, body: JSON.stringify(words.body), id: message.eventId };
    },
    heartbeat: (lastEventId, now) => ({
      name: "heartbeat",
      body: JSON.stringify({ timestamp: isoTime(now), lastEventId }),
      comment: "keepalive",
    }),
    refuse,
    plan: (query, identity, _desk, places) => declared.plan(query, identity, places),
    async open(session, _desk, plan, after) {
      const key = `${session.identity.tenant}\u0000${session.identity.userId}\u0000${plan.topics.join()}`;
      const hasMissed = after === undefined && declared.isConflated !== true && plan.replay !== false;
      const missed = hasMissed ? await absences.since(key) : undefined;
      const hasStates = declared.isConflated === true;
      const request = { topics: plan.topics, windowMs: declared.windowMs };
      const standing = (cut: string, states: readonly Snapshot[]) => declared.snapshot?.(session, plan, { cut, states }) ?? [];
      if (after !== undefined) {
        begin(session, key);
        desk.follow(session, { ...request, after, snapshot: false }, Infinity, ({ resync, cut, snapshots }) => {
          if (resync === undefined) {
            sayAll(session, declared.refreshed?.(session, plan) ?? []);
            return;
          }
          sayAll(session, [{ name: "resync", body: { reason: resync.reason, eventId: cut } }, ...standing(cut, snapshots)], cut);
        });
        return;
      }
      const { tenant } = session.identity;
      const { routedTo } = desk;
      const recent = missed && (await desk.beforeRecent({ tenant, topics: namesOf(plan, session, desk), ...missed }));
      if (session.isClosed) return;
      // What came while that was looked up is missed as well.
      const from = missed && (recent ?? routedTo);
      const cursor = desk.cursorAt(from ?? desk.routedTo);
      // Where no snapshot is still to come, whoever is cut off right now may go on from here.
      begin(session, key, declared.snapshot === undefined ? cursor : undefined);
      const resumed = { ...request, after: from === undefined ? undefined : cursor, isDurable: true, snapshot: hasStates };
      desk.follow(session, resumed, Infinity, ({ cut, snapshots }) => {
        sayAll(session, standing(cut, snapshots), cut);
      });
    },
    closed(session) {
      const key = keys.get(session);
      if (key !== undefined) absences.left(key, session.outbox.sentTo);
    },
  };
}

/** Topics as they are named in the log: `me` replaced. */
function namesOf({ topics }: Plan, { identity }: Session, desk: Desk): string[] {
  return topics.flatMap((topic) => {
    const allowed = desk.allow(identity, topic);
    return typeof allowed === "string" ? [] : [allowed.name];
  });
}

function refuse(refusal: Refusal): Words {
  const { code, details } = refusal;
  if (code !== "LIMIT_REACHED" || details.max === undefined) return { name: "error", body: errorBody(refusal) };
  return { name: "limit", body: JSON.stringify({ reason: "connections", max: details.max, reconnect: false }) };
}

function agentWords(message: Message): StreamWords {
  return { name: "agent:status", body: { ...(parseJson(message.data) as object), ...headOf(message) } };
}

/** What every event's body ends with. */
export function headOf({ time, eventId }: Pick<Message, "time" | "eventId">): { readonly timestamp: string; readonly eventId: string } {
  return { timestamp: isoTime(Date.parse(time)), eventId };
}
