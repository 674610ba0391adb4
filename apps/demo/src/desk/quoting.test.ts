import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBig } from "@broadtape/protocol/money";
import { type Instrument, INSTRUMENTS, instrumentOf } from "./instruments.ts";
import { MarketPrices } from "./market-prices.ts";
import { PROVIDERS } from "./providers.ts";
import { isWithinSize, priceAround } from "./quoting.ts";
import { seeded } from "./random.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

const eurusd = instrumentOf("EURUSD") ?? INSTRUMENTS[0];
const steady = { ...PROVIDERS[0]!.habits, halfSpreadPoints: { least: 6, most: 6 }, skewPoints: { least: -1, most: -1 } };
const digits = (mid: string, instrument: Instrument = eurusd) => {
  const { bid, ask } = priceAround(toBig(mid), instrument, steady, seeded(1));
  return [bid.digits, ask.digits];
};

describe("a provider's price", () => {
  it("stands its spread around the market, leaning as it leans, in decimals", () => {
    expect(digits("1.39360")).toEqual(["1.39353", "1.39365"]);
    expect(digits("1292.4", instrumentOf("XAUUSD"))).toEqual(["1292.260", "1292.500"]);
  });

  it("has the symbol's digits, and is rounded away from the middle", () => {
    expect(digits("1.393605")).toEqual(["1.39353", "1.39366"]);
    expect(digits("1.39996")).toEqual(["1.39989", "1.40001"]);
    expect(digits("1.40007")).toEqual(["1.40000", "1.40012"]);
  });

  it("of every provider and symbol: bid below ask, the market never further away than spread, skew and a digit", () => {
    const cases = fc.record({
      provider: fc.constantFrom(...PROVIDERS),
      instrument: fc.constantFrom(...INSTRUMENTS),
      mid: fc.integer({ min: 500_000, max: 2_000_000_000 }),
      chance: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ provider: { habits }, instrument, mid: units, chance }) => {
        const mid = toBig(units).div("1000000");
        const { bid, ask } = priceAround(mid, instrument, habits, seeded(chance));
        expect(toBig(bid).lt(toBig(ask))).toBe(true);
        const skew = Math.max(Math.abs(habits.skewPoints.least), habits.skewPoints.most);
        const furthest = toBig(instrument.point).times(habits.halfSpreadPoints.most + skew + 1);
        for (const { digits: text } of [bid, ask]) {
          expect(toBig(text).minus(mid).abs().lte(furthest)).toBe(true);
          expect(text.split(".")[1]).toHaveLength(instrument.priceDigits);
        }
      }),
      { seed, numRuns: 500 },
    );
  });

  it("is not given for more than it deals in", () => {
    const cautious = { ...steady, largestPercent: 10 };
    expect(isWithinSize(toBig("5000000"), eurusd, cautious)).toBe(true);
    expect(isWithinSize(toBig("5000000.01"), eurusd, cautious)).toBe(false);
  });
});

describe("the market", () => {
  it("has its middle between highest bid and lowest ask of the sources' newest quotes, crossed or not", () => {
    const prices = new MarketPrices();
    expect(prices.mid("EURUSD")).toBeUndefined();
    prices.take({ symbol: "EURUSD", source: "A", bid: "1.1", ask: "1.3" });
    prices.take({ symbol: "EURUSD", source: "B", bid: "9", ask: "9" });
    prices.take({ symbol: "EURUSD", source: "B", bid: "1.25", ask: "1.20" });
    prices.take({ symbol: "NZDUSD", source: "B", bid: "0.8", ask: "0.9" });
    expect(prices.mid("EURUSD")?.toFixed()).toBe("1.225");
    expect(prices.mid("NZDUSD")?.toFixed()).toBe("0.85");
  });
});
