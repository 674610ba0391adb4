/** The Socket.IO namespace `/market-data` (contract 10-market-data). */
import { z } from "zod";
import { Refusal } from "@broadtape/protocol/errors";
import { updatesPerSecond } from "@broadtape/protocol/native";
import { isoTime } from "../../engine/clock.ts";
import { withEventId } from "../../engine/message.ts";
import type { Session } from "../../engine/session.ts";
import { type CommandRate, type Desk, type SocketSurface, errorBody } from "../../engine/surface.ts";
import type { MarketData } from "./declaration.ts";
import { isKnown } from "./known.ts";

export interface MarketDataSocketOptions {
  readonly heartbeatMs: number;
  readonly idleMs: number;
  readonly symbolsPerClient: number;
  readonly commandRate: CommandRate;
}

const MAX_SYMBOLS = 10_000;
const symbols = z.array(z.string().max(512)).max(MAX_SYMBOLS);
const subscribeBody = z.looseObject({ symbols, maxUpdatesPerSecond: updatesPerSecond.nullish() });
const unsubscribeBody = z.looseObject({ symbols });

export function marketDataSocket(product: MarketData, options: MarketDataSocketOptions): SocketSurface {
  return {
    name: "market-data",
    path: "/market-data",
    heartbeatMs: options.heartbeatMs,
    idleMs: options.idleMs,
    commandRate: options.commandRate,
    word: (message) => ({ name: "price", body: withEventId(message.data, message.eventId) }),
    heartbeat: (lastEventId, now) => ({ name: "heartbeat", body: JSON.stringify({ timestamp: isoTime(now), lastEventId }) }),
    refuse: (refusal) => ({ name: "error", body: errorBody(refusal) }),
    open(session, desk) {
      session.say({ name: "connected", body: JSON.stringify({ clientId: session.id, serverTime: desk.clock.now() }) });
    },
    looksAtViews: new Set(["subscribe"]),
    receive(session, desk, command, body) {
      switch (command) {
        case "subscribe":
          return subscribe(product, options.symbolsPerClient, session, desk, parse(subscribeBody, body));
        case "unsubscribe":
          return unsubscribe(session, desk, parse(unsubscribeBody, body).symbols);
        case "ping":
          return { pong: desk.clock.now() };
        default:
          throw new Refusal("BAD_REQUEST", `${command.slice(0, 64)} is not a command of this namespace`);
      }
    },
    answerRefused(refusal) {
      switch (refusal.code) {
        case "RATE_LIMITED":
          return { error: "Rate limit exceeded", ...refusal.details };
        case "UNAUTHORIZED":
          return { error: "Not authenticated" };
        default:
          return { error: "Bad request", message: refusal.message, ...refusal.details };
      }
    },
  };
}

function subscribe(
  product: MarketData,
  limit: number,
  session: Session,
  desk: Desk,
  { symbols, maxUpdatesPerSecond }: z.infer<typeof subscribeBody>,
): object {
  const subscribed: string[] = [];
  const errors: string[] = [];
  let free = limit - session.following.size;
  for (const symbol of new Set(symbols)) {
    const isNew = !session.following.has(`symbol:${symbol}`);
    if (isNew && free <= 0) errors.push(`${symbol}: max subscriptions reached`);
    else if (!isKnown(product, desk, session.identity, symbol)) errors.push(`${symbol}: invalid symbol`);
    else {
      subscribed.push(symbol);
      if (isNew) free -= 1;
    }
  }
  if (subscribed.length > 0) follow(session, desk, subscribed, maxUpdatesPerSecond ?? undefined);
  return errors.length > 0 ? { subscribed, errors } : { subscribed };
}

function follow(session: Session, desk: Desk, symbols: readonly string[], maxUpdatesPerSecond: number | undefined): void {
  const topics = symbols.map((symbol) => `symbol:${symbol}`);
  desk.follow(session, { topics, maxUpdatesPerSecond }, Infinity, ({ snapshots, cut }) => {
    const prices = snapshots.flatMap(({ state }) => (state === "null" ? [] : [state]));
    session.say({ name: "snapshot", body: `{"prices":[${prices.join(",")}],"eventId":"${cut}"}` });
  });
}

function unsubscribe(session: Session, desk: Desk, symbols: readonly string[]): object {
  return { unsubscribed: [...new Set(symbols)].filter((symbol) => desk.unfollow(session, `symbol:${symbol}`)) };
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Refusal("BAD_REQUEST", issue?.message ?? "the body is not valid", { path: issue?.path.join(".") ?? "" });
}
