import type Big from "big.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBig } from "@broadtape/protocol/money";
import { ENTRY_DIGITS, type Fill, type Holding, holdingOf, legsOf, netOf, positionOf } from "./holding.ts";

const opening = { id: "p-1", openedAt: "2026-01-05T09:00:00.000Z" };
const fill = (side: Fill["side"], quantity: string, price: string): Fill => ({
  symbol: "EURUSD",
  side,
  quantity: toBig(quantity),
  price: toBig(price),
});
const after = (fills: readonly Fill[]) =>
  fills.reduce<Holding | undefined>((held, each) => {
    const last = legsOf(held, each, opening).at(-1);
    return last === undefined || last.became === "closed" ? undefined : last.holding;
  }, undefined);

describe("a holding", () => {
  it("opens at the fill's price and averages what is added", () => {
    const held = after([fill("buy", "1000000", "1.39350"), fill("buy", "500000", "1.39380")])!;
    expect(positionOf(held, toBig("1.39400"))).toMatchObject({
      side: "long",
      quantity: "1500000",
      entryPrice: "1.3936",
      unrealizedPnL: "600",
      realizedPnL: "0",
      totalPnL: "600",
      status: "open",
    });
  });

  it("realises what a part of it made, and keeps its entry price", () => {
    const held = after([fill("sell", "100", "1300.50"), fill("buy", "40", "1299.25")])!;
    expect(positionOf(held, toBig("1301"))).toMatchObject({
      side: "short",
      quantity: "60",
      entryPrice: "1300.5",
      realizedPnL: "50",
      unrealizedPnL: "-30",
      totalPnL: "20",
    });
  });

  it("is closed by as much as there is, with nothing left that is not realised", () => {
    const held = after([fill("buy", "3", "1.1"), fill("buy", "7", "1.2")]);
    const [leg, ...others] = legsOf(held, fill("sell", "10", "1.25"), opening);
    expect(others).toEqual([]);
    expect(leg).toMatchObject({ became: "closed", trade: "exit" });
    expect(positionOf(leg!.holding, toBig("1.25"), "2026-01-05T09:01:00.000Z")).toMatchObject({
      quantity: "0",
      unrealizedPnL: "0",
      realizedPnL: "0.8",
      status: "closed",
      closedAt: "2026-01-05T09:01:00.000Z",
    });
  });

  it("goes through zero in two steps: the old one closed, a new one opened with the rest", () => {
    const held = after([fill("buy", "10", "1.1")]);
    const legs = legsOf(held, fill("sell", "25", "1.2"), { ...opening, id: "p-2" });
    expect(legs.map(({ became, trade, quantity, holding: { id, side } }) => [became, trade, quantity.toFixed(), id, side])).toEqual([
      ["closed", "exit", "10", "p-1", "long"],
      ["opened", "entry", "15", "p-2", "short"],
    ]);
  });

  it("realises what rounding the average gains or loses, so that nothing is lost", () => {
    const held = after([fill("buy", "1", "1.00000"), fill("buy", "2", "1.00001")])!;
    expect(held.entryPrice.toFixed()).toBe("1.00000667");
    expect(held.realized.toFixed()).toBe("0.00000001");
  });

  const digits = (decimals: number, most: number) =>
    fc.integer({ min: 1, max: most }).map((units) => toBig(units).div(toBig(10).pow(decimals)));
  const fills = fc.array(
    fc.record({
      symbol: fc.constant("EURUSD"),
      side: fc.constantFrom("buy" as const, "sell" as const),
      quantity: digits(2, 1e9),
      price: digits(5, 5e5),
    }),
    { minLength: 1, maxLength: 40 },
  );

  it("realised and unrealised P&L are together the cash flow with what is held at the mark, to the last digit, whatever is dealt", () => {
    fc.assert(
      fc.property(fills, digits(6, 5e6), (dealt, mark) => {
        let held: Holding | undefined;
        let [realized, cash, net]: [Big, Big, Big] = [toBig(0), toBig(0), toBig(0)];
        for (const each of dealt) {
          const signed = each.side === "buy" ? each.quantity : each.quantity.neg();
          cash = cash.minus(signed.times(each.price));
          net = net.plus(signed);
          for (const { gain, holding, became, quantity } of legsOf(held, each, opening)) {
            realized = realized.plus(gain);
            expect(quantity.gt(0)).toBe(true);
            held = became === "closed" ? undefined : holding;
          }
        }
        expect(netOf(held).eq(net)).toBe(true);
        const unrealized = held === undefined ? toBig(0) : toBig(positionOf(held, mark).unrealizedPnL);
        expect(realized.plus(unrealized).toFixed()).toBe(cash.plus(net.times(mark)).toFixed());
        expect(held === undefined || held.entryPrice.eq(held.entryPrice.round(ENTRY_DIGITS))).toBe(true);
      }),
    );
  });

  it("is the same when it is read back from what was told of it", () => {
    fc.assert(
      fc.property(fills, digits(5, 5e5), (dealt, mark) => {
        const held = after(dealt);
        if (held === undefined) return;
        const told = positionOf(held, mark);
        expect(positionOf(holdingOf(told), mark)).toEqual(told);
      }),
    );
  });
});
