import { describe, expect, it } from "vitest";
import { toBig } from "@broadtape/protocol/money";
import { Crossover, SLOW } from "./crossover.ts";

const line = (from: string, step: string, count: number) => Array.from({ length: count }, (_, n) => toBig(from).plus(toBig(step).times(n)));

describe("the crossover", () => {
  it("says nothing before it has seen enough, and nothing of where it begins", () => {
    const strategy = new Crossover();
    for (const price of line("1.39350", "0.00001", SLOW + 20)) expect(strategy.take(price)).toBeUndefined();
  });

  it("signals once when the price turns, with the averages as they are", () => {
    const strategy = new Crossover();
    const prices = [...line("1.39400", "-0.00001", SLOW), ...line("1.39371", "0.00003", SLOW)];
    const signals = prices.flatMap((price) => strategy.take(price) ?? []);
    expect(signals).toEqual([
      {
        signal: "cross-up",
        action: "buy",
        confidence: expect.stringMatching(/^0\.\d\d$|^1\.00$/),
        reasoning: expect.stringMatching(/^the average of 8 prices, 1\.393\d+, went above that of 30, 1\.393\d+$/),
      },
    ]);
  });

  it("says nothing of a price that stands still", () => {
    const strategy = new Crossover();
    for (const price of line("1.39350", "0", 3 * SLOW)) expect(strategy.take(price)).toBeUndefined();
  });
});
