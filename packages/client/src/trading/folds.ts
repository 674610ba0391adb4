/** Trading folded by the code that the server's views use. */
import { parseEventId } from "@broadtape/protocol/event-id";
import type { EventMessage } from "@broadtape/protocol/native";
import type { Balance, Order, Position, Trade } from "@broadtape/protocol/products/trading/entities";
import { POSITION_REVALUED, type PositionsRevalued, foldRevaluation } from "@broadtape/protocol/products/trading/revaluation";
import { type Shelf, valuesOf } from "@broadtape/protocol/products/trading/shelf";
import {
  type Positions,
  type TradingEvent,
  foldBalances,
  foldOrders,
  foldPositions,
  foldTrades,
  openPositions,
  withSnapshot,
} from "@broadtape/protocol/products/trading/state";
import { totalValueOf } from "@broadtape/protocol/products/trading/valuation";
import type { Folds } from "../folds.ts";

/** A followed topic's state: what the server's snapshot shows, and from the first event on the shelf that it is folded on. */
interface Followed<T> {
  readonly eventId: string;
  readonly shelf?: Shelf<T>;
}

export interface FollowedOrders extends Followed<Order> {
  readonly orders: readonly Order[];
}

/** Open positions. */
export interface FollowedPositions extends Followed<Position> {
  readonly positions: readonly Position[];
  /** Sum of quantity × current price; shorts count against it. */
  readonly totalValue: string;
}

export interface FollowedTrades extends Followed<Trade> {
  readonly trades: readonly Trade[];
}

export interface FollowedBalances extends Followed<Balance> {
  readonly balances: readonly Balance[];
}

/** For `new Broadtape({ folds: TRADING_FOLDS })`, where other products share the connection. Nothing in them goes back. */
export const TRADING_FOLDS: Folds = {
  orders: (state, event) => {
    const known = state as FollowedOrders | undefined;
    const shelf = foldOrders(known && (known.shelf ?? withSnapshot({}, known, cutOf(known)).orders), tradingEventOf(event));
    return shelf === undefined ? known : { orders: valuesOf(shelf), eventId: newestOf(known, event), shelf };
  },
  positions: (state, event) => {
    const known = state as FollowedPositions | undefined;
    const before = known && (known.shelf ?? withSnapshot({}, known, cutOf(known)).positions);
    return event.event === POSITION_REVALUED ? revalued(known, before, event) : withPosition(known, before, event);
  },
  trades: (state, event) => {
    const known = state as FollowedTrades | undefined;
    const shelf = foldTrades(known && (known.shelf ?? withSnapshot({}, known, cutOf(known)).trades), tradingEventOf(event));
    return shelf === undefined ? known : { trades: valuesOf(shelf), eventId: newestOf(known, event), shelf };
  },
  balances: (state, event) => {
    const known = state as FollowedBalances | undefined;
    const shelf = foldBalances(known && (known.shelf ?? withSnapshot({}, known, cutOf(known)).balances), tradingEventOf(event));
    return shelf === undefined ? known : { balances: valuesOf(shelf), eventId: newestOf(known, event), shelf };
  },
};

function withPosition(
  known: FollowedPositions | undefined,
  before: Positions | undefined,
  event: EventMessage,
): FollowedPositions | undefined {
  const shelf = foldPositions(before, tradingEventOf(event));
  if (shelf === undefined) return known;
  const positions = openPositions(shelf);
  return { positions, totalValue: totalValueOf(positions), eventId: newestOf(known, event), shelf };
}

/** A value has a place in the log of its own: it moves no cursor. */
function revalued(known: FollowedPositions | undefined, before: Positions | undefined, event: EventMessage): FollowedPositions | undefined {
  const shelf = foldRevaluation(before, event.data as PositionsRevalued, offsetOf(event.eventId));
  if (known === undefined || shelf === undefined || shelf === before) return known;
  const positions = openPositions(shelf);
  // Of what is shown here, which may be ahead of what the server summed up.
  return { positions, totalValue: totalValueOf(positions), eventId: known.eventId, shelf };
}

function tradingEventOf({ event, data, eventId }: EventMessage): TradingEvent {
  return { type: event, data, offset: offsetOf(eventId) };
}

function cutOf({ eventId }: { readonly eventId: string }): number {
  return parseEventId(eventId)?.offset ?? 0;
}

/** Without an id nothing says that it is not the newest. */
function offsetOf(eventId: string | undefined): number {
  return (eventId === undefined ? undefined : parseEventId(eventId)?.offset) ?? Number.MAX_SAFE_INTEGER;
}

function newestOf(known: { readonly eventId: string } | undefined, { eventId }: EventMessage): string {
  return eventId ?? known?.eventId ?? "";
}
