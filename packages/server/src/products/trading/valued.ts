/** Positions as they are worth now (contract 50-sse, 70-details "positions"): as published until their symbol's price moves, then at its mid. */
import type { SymbolState } from "@broadtape/protocol/products/market-data/best-price";
import type { Position } from "@broadtape/protocol/products/trading/entities";
import { POSITION_REVALUED } from "@broadtape/protocol/products/trading/revaluation";
import type { Positions } from "@broadtape/protocol/products/trading/state";
import { revalue, totalValueOf } from "@broadtape/protocol/products/trading/valuation";
import type { Deriving, Lookup, View } from "../../engine/product.ts";

/** Where the prices of symbols are. */
export type Prices = View<SymbolState>;

const WINDOW_MS = 100;

/** A user's open positions. What was published after the price was, stands as it was published. */
export function valuedPositions(state: Positions | undefined, prices: Prices, lookup: Lookup): Position[] {
  const open = (state?.kept ?? []).filter(({ isOpen }) => isOpen);
  return open.map(({ value, offset }) => {
    const price = lookup.newest(prices, value.symbol);
    const mid = price?.state.price.midPrice;
    return price === undefined || mid == null || price.offset < offset ? value : revalue(value, mid);
  });
}

/** `{userId, positions, totalValue}`: those of one symbol, and what all are worth. */
export function revaluing(prices: Prices): Deriving<Positions> {
  return {
    from: prices,
    windowMs: WINDOW_MS,
    needs: (state) => new Set(state.kept.filter(({ isOpen }) => isOpen).map(({ value }) => value.symbol)),
    tell(state, symbol, userId, lookup) {
      const price = lookup.newest(prices, symbol);
      if (price?.state.price.midPrice == null) return undefined;
      const { offset: pricedAt } = price;
      const published = state.kept.some(({ value, offset, isOpen }) => isOpen && value.symbol === symbol && offset < pricedAt);
      if (!published) return undefined;
      const all = valuedPositions(state, prices, lookup);
      const positions = all.filter((position) => position.symbol === symbol);
      return { event: POSITION_REVALUED, data: JSON.stringify({ userId, positions, totalValue: totalValueOf(all) }) };
    },
  };
}
