import { describe, expect, it } from "vitest";
import { ExactNumber, parseJson } from "../../json.ts";
import { MAX_SIGNALS, type Strategy, foldStrategy, shownStrategyEvent } from "./strategy.ts";

const time = "2026-11-21T10:00:00+01:00";
const registered = { type: "strategy.registered", data: { strategyId: "s", userId: "ann", name: "One" }, time };
const signal = (name: string) => ({
  type: "strategy.signal",
  data: { strategyId: "s", userId: "ann", signal: name, symbol: "EUR/USD", action: "buy", confidence: new ExactNumber("0.90") },
  time,
});
const fold = (...events: readonly Parameters<typeof foldStrategy>[1][]) => events.reduce<Strategy | undefined>(foldStrategy, undefined);

describe("a strategy", () => {
  it("is none before it is registered, and keeps its past when it is renamed", () => {
    expect(fold(signal("a"))).toBeUndefined();
    const renamed = fold(registered, signal("a"), { ...registered, data: { ...registered.data, name: "Two" } });
    expect(renamed).toMatchObject({ name: "Two", signals: [{ signal: "a" }] });
  });

  it("stands as its last status says: an error leaves with the next start", () => {
    const failed = { type: "strategy.status", data: { strategyId: "s", status: "error", error: "no prices" }, time };
    const started = { type: "strategy.status", data: { strategyId: "s", status: "started" }, time };
    const timestamp = "2026-11-21T09:00:00.000Z";
    expect(fold(registered, failed)?.standing).toEqual({ status: "error", error: "no prices", timestamp });
    expect(fold(registered, failed, started)?.standing).toEqual({ status: "started", timestamp });
  });

  it("keeps its last signals, and goes through JSON as it is, digits and all", () => {
    const state = fold(registered, ...Array.from({ length: MAX_SIGNALS + 3 }, (_, index) => signal(`n${index}`)));
    expect(state?.signals.length).toBe(MAX_SIGNALS);
    expect(state?.signals[0]?.signal).toBe("n3");
    expect(parseJson(JSON.stringify(state))).toEqual(state);
  });

  it("is the same after an event of another product, which it has no words for", () => {
    const state = fold(registered);
    const other = { type: "rfq.created", data: {}, time };
    expect(foldStrategy(state, other)).toBe(state);
    expect(shownStrategyEvent(other.type, other.data)).toBeUndefined();
  });
});
