/** Trading in Socket.IO's default namespace (contract 40-trading). */
import { z } from "zod";
import { Refusal } from "@broadtape/protocol/errors";
import { parseJson } from "@broadtape/protocol/json";
import { isTradingType, tradingMessageOf } from "@broadtape/protocol/products/trading/messages";
import { monitorSnapshotOf } from "@broadtape/protocol/products/trading/monitor";
import { tradingSnapshotOf } from "@broadtape/protocol/products/trading/state";
import { isoTime } from "../../engine/clock.ts";
import type { Message, Words } from "../../engine/message.ts";
import type { Session } from "../../engine/session.ts";
import { type CommandRate, type Desk, type SocketSurface, errorBody } from "../../engine/surface.ts";
import { MONITOR, balances, monitor, orders, positions, trades } from "./declaration.ts";
import { type Place, Returning } from "./returning.ts";

export interface TradingSocketOptions {
  readonly heartbeatMs: number;
  readonly idleMs: number;
  readonly commandRate: CommandRate;
}

const CHANNELS = ["trading", MONITOR] as const;
type Channel = (typeof CHANNELS)[number];

/** What a client that is recovered brings back with its cursor: a letter for each channel. */
const LETTERS: Readonly<Record<Channel, string>> = { trading: "t", [MONITOR]: "m" };
/** In place of letters: it let go of all channels, and none comes back. */
const NONE = "n";

/** Of any length that fits in a frame: what is no cursor is unknown, never an error. */
const subscribeBody = z.looseObject({ channel: z.string(), after: z.string().nullish() });

export function tradingSocket(options: TradingSocketOptions): SocketSurface {
  /** Of clients that named themselves. */
  const returning = new WeakMap<Session, Returning>();
  return {
    name: "trading",
    path: "/",
    heartbeatMs: options.heartbeatMs,
    idleMs: options.idleMs,
    commandRate: options.commandRate,
    isOneFeed: true,
    tells: ({ event }) => isTradingType(event),
    word,
    heartbeat: (lastEventId, now) => ({
      name: "heartbeat",
      body: JSON.stringify({ timestamp: isoTime(now), lastEventId }),
      id: lastEventId,
    }),
    refuse: (refusal) => ({ name: "error", body: errorBody(refusal) }),
    // What is one's own stays so: a fresh token can take away the monitor alone.
    revoked: () => ({ name: "error", body: errorBody(noMonitor()) }),
    open(session, desk) {
      session.say({ name: "connected", body: JSON.stringify({ clientId: session.id, serverTime: desk.clock.now() }) });
      const { clientId } = session.peer;
      if (clientId === undefined) return;
      const client = new Returning(session, desk, clientId);
      returning.set(session, client);
      return client.found;
    },
    recover(session, desk, cursor, mark) {
      const channels = CHANNELS.filter((channel) => mark.includes(LETTERS[channel]));
      const allowed = channels.filter((channel) => mayFollow(session, channel));
      // Who is recovered asks for nothing anew, and would never hear of it.
      if (allowed.length < channels.length) session.say({ name: "error", body: errorBody(noMonitor()) });
      session.connection.mark = markOf(allowed);
      returning.get(session)?.recovered(allowed);
      desk.follow(session, { topics: allowed.flatMap(topicsOf), after: cursor, snapshot: false }, Infinity, () => undefined);
    },
    looksAtViews: new Set(["subscribe"]),
    async receive(session, desk, command, body) {
      switch (command) {
        case "subscribe": {
          const { channel, after } = parse(body);
          return subscribe(session, desk, channelOf(channel), after ?? undefined, returning.get(session));
        }
        case "unsubscribe": {
          const { channel } = parse(body);
          return unsubscribe(session, desk, channelOf(channel), returning.get(session));
        }
        case "ping":
          return { pong: desk.clock.now() };
        default:
          throw new Refusal("BAD_REQUEST", `${command.slice(0, 64)} is not a command of this namespace`);
      }
    },
    answerRefused: ({ code, message, details }) => ({ success: false, error: code, message, ...details }),
  };
}

/** Missed events first, then the answer with the state as of now, as a message and as the acknowledgement. */
async function subscribe(
  session: Session,
  desk: Desk,
  channel: Channel,
  after: string | undefined,
  client: Returning | undefined,
): Promise<object> {
  if (!mayFollow(session, channel)) throw noMonitor();
  if (client !== undefined) await client.wants(() => [...new Set([...followed(session), channel])]);
  if (session.isClosed) return {};
  const place = client?.takePlace(channel);
  const from = after === undefined ? place : { after };
  return new Promise((resolve, reject) => {
    const answer = () => {
      // A fresh token may have come while what was missed was told.
      if (!mayFollow(session, channel)) {
        reject(noMonitor());
        return;
      }
      session.connection.mark = markOf(followed(session));
      const cut = desk.cursorAt(desk.routedTo);
      const body = { channel, eventId: cut, snapshot: snapshotOf(session, desk, channel) };
      session.say({ name: "subscribed", body: JSON.stringify(body), id: cut });
      resolve({ success: true, ...body });
    };
    if (from === undefined && followed(session).includes(channel)) session.whenFlowing(answer);
    else follow(session, desk, channel, from, answer);
    client?.goesOn();
  });
}

/** `done`: when the client was told everything so far, on its other channel too; where it stands is one place for both. */
function follow(session: Session, desk: Desk, channel: Channel, from: Place | undefined, done: () => void): void {
  const topics = topicsOf(channel);
  const lost = from !== undefined && "lost" in from ? from.lost : undefined;
  // No cursor at all is as unknown as a place that is no more.
  const after = from === undefined ? undefined : "lost" in from ? "-" : from.after;
  desk.follow(session, { topics, after, snapshot: false }, Infinity, ({ resync }) => {
    session.whenFlowing(() => {
      if (resync !== undefined) {
        const [reason, cut] = [lost ?? resync.reason, desk.cursorAt(desk.routedTo)];
        session.say({ name: "resync", body: JSON.stringify({ reason, topics, eventId: cut }), id: cut });
      }
      done();
    });
  });
}

/** The answer brings the client a place that holds no such channel any more. */
async function unsubscribe(session: Session, desk: Desk, channel: Channel, client: Returning | undefined): Promise<object> {
  if (client !== undefined) await client.wants(() => followed(session).filter((each) => each !== channel));
  for (const topic of topicsOf(channel)) desk.unfollow(session, topic);
  client?.takePlace(channel);
  session.connection.mark = markOf(followed(session)) || NONE;
  session.say({ name: "unsubscribed", body: JSON.stringify({ channel }), id: session.cursor });
  return { success: true, channel };
}

function mayFollow({ identity }: Session, channel: Channel): boolean {
  return channel !== MONITOR || identity.permissions.has(MONITOR);
}

function noMonitor(): Refusal {
  return new Refusal("FORBIDDEN", `needs the permission ${MONITOR}`);
}

function snapshotOf({ identity: { tenant, userId } }: Session, { views }: Desk, channel: Channel): object {
  if (channel === MONITOR) return monitorSnapshotOf(views.entry(monitor, tenant, MONITOR)?.state ?? {});
  const { trades: _trades, ...snapshot } = tradingSnapshotOf({
    orders: views.entry(orders, tenant, userId)?.state,
    positions: views.entry(positions, tenant, userId)?.state,
    trades: views.entry(trades, tenant, userId)?.state,
    balances: views.entry(balances, tenant, userId)?.state,
  });
  return snapshot;
}

function word({ event, data, eventId, time }: Message): Words {
  const message = tradingMessageOf(event, parseJson(data), { eventId, time });
  if (message === undefined) throw new Error(`${event} has no words in this namespace`);
  return { name: message.name, body: JSON.stringify(message.body), id: eventId };
}

function topicsOf(channel: Channel): string[] {
  return channel === MONITOR ? [MONITOR] : ["orders:me", "positions:me", "trades:me", "balances:me"];
}

function followed({ following }: Session): Channel[] {
  const kinds = new Set([...following.values()].map(({ kind }) => kind.kind));
  return CHANNELS.filter((channel) => kinds.has(channel === MONITOR ? "trading" : "orders"));
}

function markOf(channels: readonly Channel[]): string {
  return channels.map((channel) => LETTERS[channel]).join("");
}

function channelOf(text: string): Channel {
  const channel = CHANNELS.find((each) => each === text);
  if (channel === undefined) throw new Refusal("BAD_REQUEST", `must be one of ${CHANNELS.join(", ")}`, { path: "channel" });
  return channel;
}

function parse(body: unknown): z.infer<typeof subscribeBody> {
  const result = subscribeBody.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Refusal("BAD_REQUEST", issue?.message ?? "the body is not valid", { path: issue?.path.join(".") ?? "" });
}
