/**
 * Positions at a newer price, as the native topic `positions:{user}` tells of them (contract 60-native: conflated by symbol).
 * A re-valuation is no event of the log: it changes what positions are worth, and neither which there are nor what a publisher said of them.
 */
import type { Offset } from "../../event-id.ts";
import type { Position } from "./entities.ts";
import type { Kept } from "./shelf.ts";
import type { Positions } from "./state.ts";

/** The message's `event`. */
export const POSITION_REVALUED = "trading.position.revalued";

/** What a price changes of a position. */
export type Revalued = Pick<Position, "id" | "currentPrice" | "unrealizedPnL" | "unrealizedPnLPercent" | "totalPnL">;

/** The message's `data`: open positions of one symbol, which is its `key`. */
export interface PositionsRevalued {
  readonly userId: string;
  readonly positions: readonly Revalued[];
  /** Of all open positions. */
  readonly totalValue: string;
}

/**
 * The positions with their newest values. Those that are unknown or closed are passed over, and so are those of which
 * something was said after `offset`, the place in the log that the values are of; without one they are of now.
 * The same object where nothing changed.
 */
export function foldRevaluation(
  state: Positions | undefined,
  { positions }: Pick<PositionsRevalued, "positions">,
  offset = Infinity,
): Positions | undefined {
  if (state === undefined || positions.length === 0) return state;
  const byId = new Map(positions.map((each) => [each.id, each]));
  const kept = state.kept.map((each) => revalued(each, byId.get(each.key), offset));
  return kept.every((each, index) => each === state.kept[index]) ? state : { ...state, kept };
}

function revalued(kept: Kept<Position>, newest: Revalued | undefined, offset: Offset): Kept<Position> {
  if (newest === undefined || !kept.isOpen || kept.offset > offset) return kept;
  const { currentPrice, unrealizedPnL, unrealizedPnLPercent, totalPnL } = newest;
  const { value } = kept;
  const isSame =
    value.currentPrice === currentPrice &&
    value.unrealizedPnL === unrealizedPnL &&
    value.unrealizedPnLPercent === unrealizedPnLPercent &&
    value.totalPnL === totalPnL;
  return isSame ? kept : { ...kept, value: { ...value, currentPrice, unrealizedPnL, unrealizedPnLPercent, totalPnL } };
}
