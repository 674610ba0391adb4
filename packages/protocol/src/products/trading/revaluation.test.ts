import { describe, expect, it } from "vitest";
import type { Position } from "./entities.ts";
import { type PositionsRevalued, type Revalued, foldRevaluation } from "./revaluation.ts";
import { type Positions, foldPositions, openPositions } from "./state.ts";

const position = (id: string, over: Partial<Position> = {}): Position => ({
  id,
  symbol: "AAPL",
  side: "long",
  quantity: "10",
  entryPrice: "100.00",
  currentPrice: "100.00",
  unrealizedPnL: "0",
  unrealizedPnLPercent: "0",
  realizedPnL: "5",
  totalPnL: "5",
  status: "open",
  openedAt: "2026-11-21T12:00:00.000Z",
  ...over,
});
const published = (offset: number, id: string, type = "opened", over: Partial<Position> = {}) => ({
  type: `trading.position.${type}`,
  data: { userId: "ann", position: position(id, over) },
  offset,
});
const values = (id: string, currentPrice: string): Revalued => ({
  id,
  currentPrice,
  unrealizedPnL: "15",
  unrealizedPnLPercent: "1.5",
  totalPnL: "20",
});
const message = (...positions: readonly Revalued[]): PositionsRevalued => ({ userId: "ann", positions, totalValue: "1015" });
const fold = (...events: readonly ReturnType<typeof published>[]) => events.reduce<Positions | undefined>(foldPositions, undefined);

describe("a re-valuation", () => {
  it("changes what the listed positions are worth, and nothing else of them or of others", () => {
    const before = fold(published(1, "p1"), published(2, "p2"));
    const after = foldRevaluation(before, message({ ...values("p1", "101.50"), ...{ quantity: "99", status: "closed" } }), 9);
    expect(openPositions(after)).toEqual([
      position("p1", { currentPrice: "101.50", unrealizedPnL: "15", unrealizedPnLPercent: "1.5", totalPnL: "20" }),
      position("p2"),
    ]);
    expect(after?.kept[1]).toBe(before?.kept[1]);
  });

  it("says nothing of positions that are unknown or closed, or of none at all", () => {
    const state = fold(published(1, "p1"), published(2, "p1", "closed"));
    expect(foldRevaluation(state, message(values("p1", "2"), values("p9", "2")))).toBe(state);
    expect(foldRevaluation(state, message())).toBe(state);
    expect(foldRevaluation(undefined, message(values("p1", "2")))).toBeUndefined();
  });

  it("of before a position's last event is passed over: its quantity was another one", () => {
    const state = fold(published(1, "p1"), published(5, "p1", "updated", { quantity: "20" }));
    expect(foldRevaluation(state, message(values("p1", "2")), 4)).toBe(state);
    expect(openPositions(foldRevaluation(state, message(values("p1", "2")), 5))).toMatchObject([{ quantity: "20", currentPrice: "2" }]);
  });

  it("does not hold back the event that comes after it, and changes nothing when it is told again", () => {
    const once = foldRevaluation(fold(published(1, "p1")), message(values("p1", "2")), 8);
    expect(foldRevaluation(once, message(values("p1", "2")), 9)).toBe(once);
    expect(openPositions(foldPositions(once, published(6, "p1", "updated", { currentPrice: "3" })))).toMatchObject([{ currentPrice: "3" }]);
  });
});
