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
import type { Subscriber } from "../../engine/subscribers.ts";
import { type CommandRate, type Desk, type SocketSurface, errorBody } from "../../engine/surface.ts";
import { MONITOR, balances, monitor, orders, positions, trades } from "./declaration.ts";

export interface TradingSocketOptions {
  readonly heartbeatMs: number;
  readonly idleMs: number;
  readonly commandRate: CommandRate;
}

const CHANNELS = ["trading", MONITOR] as const;
type Channel = (typeof CHANNELS)[number];

/** What a client that is recovered brings back with its cursor: a letter for each channel. */
const LETTERS: Readonly<Record<Channel, string>> = { trading: "t", [MONITOR]: "m" };

/** Of any length that fits in a frame: what is no cursor is unknown, never an error. */
const subscribeBody = z.looseObject({ channel: z.string(), after: z.string().nullish() });

/** What is known of a client that named itself; its place counts for the first subscription. */
interface Returning {
  readonly subscriber: Subscriber;
  after: string | undefined;
}

export function tradingSocket(options: TradingSocketOptions): SocketSurface {
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
    async open(session, desk) {
      session.say({ name: "connected", body: JSON.stringify({ clientId: session.id, serverTime: desk.clock.now() }) });
      const { clientId } = session.peer;
      if (clientId === undefined) return;
      // Another client than one of that name on another surface.
      const known = await desk.subscribers.returned(session, `trading:${clientId}`, undefined);
      if (known === undefined) return;
      const after = known.isKnown ? (known.lost === undefined ? desk.cursorAt(known.after) : "-") : undefined;
      returning.set(session, { subscriber: known.subscriber, after });
    },
    recover(session, desk, cursor, mark) {
      const channels = CHANNELS.filter((channel) => mark.includes(LETTERS[channel]));
      const topics = channels.filter((channel) => channel !== MONITOR || session.identity.permissions.has(MONITOR)).flatMap(topicsOf);
      session.connection.mark = markOf(channels);
      desk.follow(session, { topics, after: cursor, snapshot: false }, Infinity, () => undefined);
    },
    async receive(session, desk, command, body) {
      switch (command) {
        case "subscribe": {
          const { channel, after } = parse(body);
          return subscribe(session, desk, channelOf(channel), after ?? undefined, returning.get(session));
        }
        case "unsubscribe": {
          const { channel } = parse(body);
          for (const topic of topicsOf(channelOf(channel))) desk.unfollow(session, topic);
          session.connection.mark = markOf(followed(session));
          session.say({ name: "unsubscribed", body: JSON.stringify({ channel }) });
          return { success: true, channel };
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
  known: Returning | undefined,
): Promise<object> {
  const { permissions } = session.identity;
  if (channel === MONITOR && !permissions.has(MONITOR)) throw new Refusal("FORBIDDEN", "needs the permission trading:monitor");
  const from = after ?? known?.after;
  if (known !== undefined) known.after = undefined;
  const isFollowed = followed(session).includes(channel);
  const topics = topicsOf(channel);
  return new Promise((resolve) => {
    const answer = (cut: string) => {
      session.connection.mark = markOf(followed(session));
      const body = { channel, eventId: cut, snapshot: snapshotOf(session, desk, channel) };
      session.say({ name: "subscribed", body: JSON.stringify(body), id: cut });
      resolve({ success: true, ...body });
    };
    if (isFollowed && from === undefined) {
      session.whenFlowing(() => answer(desk.cursorAt(desk.routedTo)));
    } else {
      desk.follow(session, { topics, after: from, snapshot: false }, Infinity, ({ resync, cut }) => {
        if (resync !== undefined)
          session.say({ name: "resync", body: JSON.stringify({ reason: resync.reason, topics, eventId: cut }), id: cut });
        answer(cut);
      });
    }
    if (known === undefined) return;
    desk.subscribers.wants(known.subscriber, { events: followed(session), filters: "{}" });
    known.subscriber.isFollowing = true;
  });
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
