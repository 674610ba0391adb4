/** Orders, positions and both together as streams (contract 50-sse): `/api/stream/orders`, `/positions`, `/trading`. */
import { Refusal } from "@broadtape/protocol/errors";
import { USER_ID } from "@broadtape/protocol/ids";
import { parseJson } from "@broadtape/protocol/json";
import { POSITION_REVALUED, type PositionsRevalued } from "@broadtape/protocol/products/trading/revaluation";
import type { Position } from "@broadtape/protocol/products/trading/entities";
import { isTradingType } from "@broadtape/protocol/products/trading/messages";
import { valuesOf } from "@broadtape/protocol/products/trading/shelf";
import { orderSnapshotOf, positionSnapshotOf, positionUpdateOf, tradingStreamMessageOf } from "@broadtape/protocol/products/trading/stream";
import { isoTime } from "../../engine/clock.ts";
import type { Message } from "../../engine/message.ts";
import type { Session } from "../../engine/session.ts";
import type { Desk, StreamSurface } from "../../engine/surface.ts";
import { COMMON_EVENTS, COMMON_QUERY, replayOf } from "../streams/query.ts";
import { type Plan, type StreamOptions, type StreamWords, stream } from "../streams/stream.ts";
import { orders, positions } from "./declaration.ts";
import { type Prices, valuedPositions } from "./valued.ts";

interface OfUser extends Plan {
  /** Whose trading is streamed. */
  readonly userId: string;
}

const ORDER_TYPES = ["created", "submitted", "filled", "cancelled", "rejected"].map((word) => `trading.order.${word}`);
const POSITION_TYPES = [...["opened", "updated", "closed"].map((word) => `trading.position.${word}`), POSITION_REVALUED];
const TRADE_TYPES = ["trading.trade.executed"];

export function tradingStreams(prices: Prices, options: StreamOptions, desk: Desk): StreamSurface[] {
  const valued = (tenant: string, userId: string): readonly Position[] =>
    valuedPositions(desk.views.entry(positions, tenant, userId)?.state, prices, desk.lookup(tenant));
  const word = (message: Message) => wordOf(message, (userId) => valued(message.tenant, userId));
  const told = (cut: string) => ({ eventId: cut, time: isoTime(desk.clock.now()) });
  const ordersOf = ({ identity: { tenant } }: Session, { userId }: OfUser, cut: string): StreamWords =>
    orderSnapshotOf(valuesOf(desk.views.entry(orders, tenant, userId)?.state), told(cut));
  const positionsOf = ({ identity: { tenant } }: Session, { userId }: OfUser, cut: string): StreamWords =>
    positionSnapshotOf(valued(tenant, userId), told(cut));
  /** Prices went on while the client was away, and what is quiet now would stay wrong on its screen. */
  const revalued = ({ identity: { tenant } }: Session, { userId }: OfUser): readonly StreamWords[] => {
    const published = desk.views.entry(positions, tenant, userId)?.state.kept ?? [];
    const now = valued(tenant, userId);
    const moved = now.filter((position) => !published.some(({ value }) => value === position));
    return moved.length === 0 ? [] : [positionUpdateOf(moved, now, told(desk.cursorAt(desk.routedTo)))];
  };
  const own = (query: URLSearchParams, userId: string, kinds: readonly string[]): OfUser => ({
    userId,
    topics: kinds.map((kind) => `${kind}:${userId}`),
    ...replayOf(query),
  });

  return [
    stream<OfUser>(
      {
        name: "orders",
        path: "/api/stream/orders",
        about: {
          summary: "One's orders: as they stand, then what becomes of them",
          events: ["order:update", "order:fill", ...COMMON_EVENTS],
          query: COMMON_QUERY,
        },
        tells: new Set(ORDER_TYPES),
        plan: (query, { userId }) => own(query, userId, ["orders"]),
        word,
        snapshot: (session, plan, { cut }) => [ordersOf(session, plan, cut)],
      },
      options,
      desk,
    ),
    stream<OfUser>(
      {
        name: "positions",
        path: "/api/stream/positions",
        about: {
          summary: "One's open positions, valued as prices move",
          events: ["position:update", ...COMMON_EVENTS],
          query: COMMON_QUERY,
        },
        tells: new Set(POSITION_TYPES),
        plan: (query, { userId }) => own(query, userId, ["positions"]),
        word,
        snapshot: (session, plan, { cut }) => [positionsOf(session, plan, cut)],
        refreshed: revalued,
      },
      options,
      desk,
    ),
    stream<OfUser>(
      {
        name: "trading",
        path: "/api/stream/trading",
        about: {
          summary: "Orders, positions and trades together",
          events: ["order:update", "order:fill", "position:update", "trade:new", ...COMMON_EVENTS],
          query: { ...COMMON_QUERY, userId: "Whose: one's own, or a member of one's team." },
        },
        tells: new Set([...ORDER_TYPES, ...POSITION_TYPES, ...TRADE_TYPES]),
        plan(query, identity) {
          const userId = query.get("userId") ?? identity.userId;
          const isSeen = userId === identity.userId || (USER_ID.test(userId) && identity.team.has(userId));
          if (!isSeen) throw new Refusal("FORBIDDEN", "userId must be one's own, or of a member of one's team", { path: "userId" });
          return own(query, userId, ["orders", "positions", "trades"]);
        },
        word,
        snapshot: (session, plan, { cut }) => [ordersOf(session, plan, cut), positionsOf(session, plan, cut)],
        refreshed: revalued,
      },
      options,
      desk,
    ),
  ];
}

/** `positionsOf`: all that a user has, as they are valued now. */
function wordOf({ event, data, eventId, time }: Message, positionsOf: (userId: string) => readonly Position[]): StreamWords | undefined {
  const told = { eventId, time };
  const parsed = parseJson(data);
  if (event === POSITION_REVALUED) {
    // Made by `valued.ts`, which sends whole positions.
    const { positions: changed, userId } = parsed as PositionsRevalued & { readonly positions: readonly Position[] };
    return positionUpdateOf(changed, positionsOf(userId), told);
  }
  if (!isTradingType(event)) return undefined;
  const { userId } = parsed as { readonly userId: string };
  return tradingStreamMessageOf(event, parsed, told, event.startsWith("trading.position.") ? positionsOf(userId) : []);
}
