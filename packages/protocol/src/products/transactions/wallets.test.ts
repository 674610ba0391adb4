import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber, parseJson } from "../../json.ts";
import { MAX_WALLETS, type WalletEvent, type Wallets, foldWallets } from "./wallets.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const time = "2024-11-09T14:30:00.000Z";
const balance = (offset: number, currency: string, availableBalance: unknown): WalletEvent => ({
  type: "wallet.balance",
  data: { userId: "ann", wallet: { currency, availableBalance, ledgerBalance: 2, pendingAmount: "0.0", lockedAmount: 0, shard: 7 } },
  offset,
  time,
});
const change = (offset: number, currency: string, status: string): WalletEvent => ({
  type: "wallet.changed",
  data: { userId: "ann", wallet: { currency, action: "FROZEN", status } },
  offset,
  time,
});
const fold = (events: readonly WalletEvent[]) => events.reduce<Wallets | undefined>(foldWallets, undefined);

describe("a user's wallets", () => {
  it("hold each currency's balance with the event that set it, and its status with another", () => {
    expect(fold([balance(1, "NGN", 5), change(2, "USD", "ACTIVE"), change(3, "NGN", "FROZEN"), balance(4, "NGN", 6)])).toEqual({
      wallets: [
        {
          currency: "NGN",
          balance: { availableBalance: 6, ledgerBalance: 2, pendingAmount: "0.0", lockedAmount: 0, offset: 4, time },
          standing: { status: "FROZEN", offset: 3, time },
        },
        { currency: "USD", standing: { status: "ACTIVE", offset: 2, time } },
      ],
    });
  });

  it("are the same object after an event that is not newer, and after one of another type", () => {
    const state = fold([balance(5, "NGN", 5), change(6, "NGN", "ACTIVE")]);
    for (const event of [balance(5, "NGN", 9), balance(4, "NGN", 9), change(6, "NGN", "CLOSED"), { ...balance(9, "NGN", 1), type: "x.y" }])
      expect(foldWallets(state, event)).toBe(state);
    expect(foldWallets(undefined, { type: "transaction.created", data: {}, offset: 1, time })).toBeUndefined();
  });

  it("end the same in whatever order and however often their events come", () => {
    const event = fc.record({ currency: fc.constantFrom("NGN", "USD", "constructor"), isBalance: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 12 }).chain((all) => {
          const events = all.map(({ currency, isBalance }, index) =>
            isBalance ? balance(index + 1, currency, index) : change(index + 1, currency, `S${index}`),
          );
          return fc.tuple(fc.constant(events), fc.shuffledSubarray([...events, ...events], { minLength: 2 * events.length }));
        }),
        ([events, shuffled]) => {
          const sorted = (state: Wallets | undefined) => [...(state?.wallets ?? [])].sort((a, b) => (a.currency < b.currency ? -1 : 1));
          expect(sorted(fold(shuffled))).toEqual(sorted(fold(events)));
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  it("go through JSON as they are, digits and all", () => {
    const state = fold([balance(1, "NGN", new ExactNumber("49950000.00")), change(2, "NGN", "ACTIVE")]);
    const text = JSON.stringify(state);
    expect(text).toContain('"availableBalance":49950000.00');
    expect(parseJson(text)).toEqual(state);
  });

  it("stay as many as a user may have, whatever is published", () => {
    const state = fold(Array.from({ length: MAX_WALLETS + 1 }, (_, index) => balance(index + 1, `C${index}`, index)));
    expect(state?.wallets.length).toBe(MAX_WALLETS);
    expect(state?.wallets.at(-1)?.currency).toBe(`C${MAX_WALLETS}`);
  });
});
