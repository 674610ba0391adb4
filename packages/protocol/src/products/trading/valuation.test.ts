import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber } from "../../json.ts";
import type { Decimal } from "../../money.ts";
import type { Position } from "./entities.ts";
import { PERCENT_DECIMALS, revalue, totalValueOf } from "./valuation.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

const position: Position = {
  id: "p1",
  symbol: "AAPL",
  side: "long",
  quantity: "10",
  entryPrice: "187.50",
  currentPrice: "187.50",
  unrealizedPnL: "0",
  unrealizedPnLPercent: "0",
  realizedPnL: "12.30",
  totalPnL: "12.30",
  status: "open",
  openedAt: "2026-11-21T12:00:00.000Z",
};

/** Exactly `units` / 10^`scale`. */
interface Exact {
  readonly units: bigint;
  readonly scale: number;
}

const exact = (most: bigint, least = -most): fc.Arbitrary<Exact> =>
  fc.record({ units: fc.bigInt({ min: least, max: most }), scale: fc.nat(10) });
const price = exact(10n ** 14n);
const quantity = exact(10n ** 14n, 0n);
const isText = fc.boolean();

function digitsOf({ units, scale }: Exact): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return units < 0n ? `-${text}` : text;
}

/** The value with as few digits as say it. */
function plainOf(value: Exact): string {
  const text = digitsOf(value);
  const plain = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return plain === "-0" ? "0" : plain;
}

const spelled = (value: Exact, asText: boolean): Decimal => (asText ? digitsOf(value) : new ExactNumber(digitsOf(value)));
const times = (a: Exact, b: Exact): Exact => ({ units: a.units * b.units, scale: a.scale + b.scale });
const negated = ({ units, scale }: Exact): Exact => ({ units: -units, scale });
const absolute = ({ units, scale }: Exact): Exact => ({ units: units < 0n ? -units : units, scale });

function plus(a: Exact, b: Exact): Exact {
  const scale = Math.max(a.scale, b.scale);
  const at = ({ units, scale: own }: Exact) => units * 10n ** BigInt(scale - own);
  return { units: at(a) + at(b), scale };
}

/** a / b in units of 10^-scale, rounded half to even. */
function quotient(a: Exact, b: Exact, scale: number): Exact {
  const sign = a.units < 0n === b.units < 0n ? 1n : -1n;
  const numerator = absolute(a).units * 10n ** BigInt(b.scale + scale);
  const denominator = absolute(b).units * 10n ** BigInt(a.scale);
  const whole = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const isUp = twice > denominator || (twice === denominator && whole % 2n === 1n);
  return { units: sign * (isUp ? whole + 1n : whole), scale };
}

describe("a position at a price", () => {
  it("gains what the price rises, and a short one what it falls", () => {
    expect(revalue(position, "190.00")).toEqual({
      ...position,
      currentPrice: "190.00",
      unrealizedPnL: "25",
      unrealizedPnLPercent: "1.3333",
      totalPnL: "37.3",
    });
    expect(revalue({ ...position, side: "short" }, "190.00")).toMatchObject({
      unrealizedPnL: "-25",
      unrealizedPnLPercent: "-1.3333",
      totalPnL: "-12.7",
    });
  });

  it("is the exact result of rational arithmetic, with no digit that says nothing", () => {
    const isShort = fc.boolean();
    fc.assert(
      fc.property(fc.record({ quantity, entry: price, current: price, realized: price, isShort, isText }), (sample) => {
        const { entry, current, realized } = sample;
        const written = (value: Exact) => spelled(value, sample.isText);
        const rise = plus(current, negated(entry));
        const gain = sample.isShort ? negated(rise) : rise;
        const unrealized = times(gain, sample.quantity);
        const valued = revalue(
          {
            ...position,
            side: sample.isShort ? "short" : "long",
            quantity: written(sample.quantity),
            entryPrice: written(entry),
            realizedPnL: written(realized),
          },
          written(current),
        );
        expect(valued.currentPrice).toBe(digitsOf(current));
        expect(valued.unrealizedPnL).toBe(plainOf(unrealized));
        expect(valued.totalPnL).toBe(plainOf(plus(realized, unrealized)));
        const isNothing = entry.units === 0n || unrealized.units === 0n;
        const percent = isNothing
          ? { units: 0n, scale: 0 }
          : quotient({ units: gain.units * 100n, scale: gain.scale }, absolute(entry), PERCENT_DECIMALS);
        expect(valued.unrealizedPnLPercent).toBe(plainOf(percent));
      }),
      { seed, numRuns: 400 },
    );
  });

  it("is rounded once, half to even, where it is a percentage", () => {
    const at = (current: string) => revalue({ ...position, entryPrice: "100" }, current).unrealizedPnLPercent;
    expect(at("100.00005")).toBe("0");
    expect(at("100.00015")).toBe("0.0002");
    expect(at("100.0000500000000000000001")).toBe("0.0001");
    expect(at("99.99985")).toBe("-0.0002");
  });

  it("is never what a binary float makes of it", () => {
    expect(0.1 * 3).not.toBe(0.3);
    const valued = revalue({ ...position, quantity: 3, entryPrice: 0.1, unrealizedPnL: 0, realizedPnL: 0.1, totalPnL: 0.1 }, 0.2);
    expect(valued).toMatchObject({ unrealizedPnL: 0.3, totalPnL: 0.4 });
  });

  it("says a number where its publisher said one, and text where it said text", () => {
    const valued = revalue({ ...position, currentPrice: 187.5, unrealizedPnL: 0, unrealizedPnLPercent: 0 }, "190.10");
    expect(JSON.stringify(valued)).toContain('"currentPrice":190.1,"unrealizedPnL":26,"unrealizedPnLPercent":1.3867');
    expect(valued.totalPnL).toBe("38.3");
    expect(revalue({ ...position, currentPrice: 1 }, new ExactNumber("190.10")).currentPrice).toEqual(new ExactNumber("190.10"));
    expect(revalue(position, new ExactNumber("190.10")).currentPrice).toBe("190.10");
    expect(revalue(position, new ExactNumber("1e-7")).currentPrice).toBe("0.0000001");
  });

  it("keeps everything else as it was, and is worth nothing more where there is nothing of it", () => {
    expect(revalue({ ...position, quantity: "0.00" }, "1")).toMatchObject({
      quantity: "0.00",
      unrealizedPnL: "0",
      unrealizedPnLPercent: "0",
    });
    expect(revalue({ ...position, entryPrice: "0" }, "2")).toMatchObject({ unrealizedPnL: "20", unrealizedPnLPercent: "0" });
  });

  it("goes the way that its side says, whatever sign its quantity has, and gains from an entry below zero", () => {
    const short: Position = { ...position, side: "short", quantity: "-10" };
    expect(revalue(short, "180")).toMatchObject({ unrealizedPnL: "75", unrealizedPnLPercent: "4" });
    expect(totalValueOf([short])).toBe("-1875");
    expect(revalue({ ...position, entryPrice: "-40" }, "-30")).toMatchObject({ unrealizedPnL: "100", unrealizedPnLPercent: "25" });
  });
});

describe("what all positions are worth", () => {
  it("is the exact sum of quantity × price, shorts against it", () => {
    const one = fc.record({ quantity, price, isShort: fc.boolean(), isText });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), (all) => {
        const positions = all.map((each): Position => ({
          ...position,
          side: each.isShort ? "short" : "long",
          quantity: spelled(each.quantity, each.isText),
          currentPrice: spelled(each.price, each.isText),
        }));
        const total = all
          .map((each) => times(each.isShort ? negated(each.price) : each.price, each.quantity))
          .reduce(plus, { units: 0n, scale: 0 });
        expect(totalValueOf(positions)).toBe(plainOf(total));
      }),
      { seed, numRuns: 500 },
    );
  });

  it("is nothing where there are none", () => {
    expect(totalValueOf([])).toBe("0");
  });
});
