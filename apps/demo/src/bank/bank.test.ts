import Big from "big.js";
import { describe, expect, it } from "vitest";
import { seeded } from "../desk/random.ts";
import { Bank } from "./bank.ts";
import type { BankEvent } from "./events.ts";
import { KeptBooks, nameOf, transactionIn } from "./kept-books.ts";
import { type BankRecord, readRecords } from "./records.ts";
import { type Wallet, emptyWallet } from "./wallet.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const NOW = Date.UTC(2026, 0, 5, 9);

const payment: BankRecord = {
  userId: "ada",
  currency: "GBP",
  type: "CARD_PAYMENT",
  amount: "13.5",
  counterpartyName: "trainline",
  meta: {},
};
const transfer = (type: BankRecord["type"], label?: BankRecord["label"]): BankRecord => ({
  ...payment,
  currency: "USD",
  type,
  ...(label && { label }),
});
/** Lets turns pass without touching a wallet that the test looks at. */
const elsewhere: BankRecord = { ...payment, userId: "ben" };

function setUp({ wallets = [], ledgers = {} }: { wallets?: readonly Wallet[]; ledgers?: Record<string, string> } = {}) {
  let ids = 0;
  const bank = new Bank({ wallets, newId: () => `tx-${++ids}`, random: seeded(seed) });
  const books = new KeptBooks(ledgers);
  const take = (events: BankEvent[]) => {
    books.take(events);
    return events;
  };
  const turns = (...records: readonly BankRecord[]) => records.flatMap((record) => take(bank.turn(record, NOW)));
  const balances = (events: readonly BankEvent[]) =>
    events.flatMap((event) => (event.type === "wallet.balance" ? [event.data.wallet] : []));
  return { bank, books, take, turns, balances };
}
const many = (count: number, record: BankRecord) => Array.from({ length: count }, () => record);
const idOf = (events: readonly BankEvent[], wanted: string) =>
  events.map(transactionIn).find((each) => each?.type === wanted)?.id ?? "none";

describe("the demo's bank", () => {
  it("tells of the whole recording twice what the server takes, and balances that are the sum of all transactions", () => {
    const { books, bank, take, turns } = setUp();
    const records = readRecords();
    turns(...records, ...records);
    take(bank.end());
    expect([...books.accounts.keys()].sort()).toEqual(["ada GBP", "ada USD", "ben GBP", "ben USD", "cleo GBP", "cleo USD"]);
    for (const { open, status, told } of books.accounts.values()) {
      expect([open.size, status]).toEqual([0, "ACTIVE"]);
      expect(told).toMatchObject({ pendingAmount: "0.00", lockedAmount: "0.00" });
    }
    const counts = Object.groupBy(books.events, nameOf);
    expect(counts["BLOCK"]?.length).toBeGreaterThan(5);
    expect(counts["REVIEW"]?.length).toBeGreaterThan(50);
    expect(counts["ALLOWED"]?.length).toBe(counts["REVIEW"]?.length);
    expect(counts["transaction.created"]?.length).toBeGreaterThan(2 * records.length);
  });

  it("opens a wallet at its first use, and pays in what goes out", () => {
    const { turns } = setUp();
    const events = turns(payment);
    expect(events.map(({ type }) => type)).toEqual([
      "wallet.changed",
      "transaction.created",
      "transaction.completed",
      "wallet.balance",
      "transaction.created",
      "wallet.balance",
    ]);
    expect(events[0]?.data).toEqual({ userId: "ada", wallet: { currency: "GBP", action: "CREATED", status: "ACTIVE" } });
    expect(events[4]?.data).toMatchObject({ transaction: { amount: "13.50", status: "PENDING", createdAt: "2026-01-05T09:00:00.000Z" } });
    expect(events[5]?.data).toEqual({
      userId: "ada",
      wallet: {
        currency: "GBP",
        availableBalance: "4986.50",
        ledgerBalance: "5000.00",
        pendingAmount: "13.50",
        lockedAmount: "0.00",
      },
    });
    expect(turns(payment).map(({ type }) => type)).not.toContain("wallet.changed");
  });

  it("pays in as many thousands as it takes", () => {
    const { turns, balances } = setUp();
    expect(balances(turns({ ...payment, amount: "10000.01" })).at(-1)).toMatchObject({ availableBalance: "4999.99" });
  });

  it("completes a transaction a few turns later, and tells the balance with it", () => {
    const { books, turns } = setUp();
    const id = idOf(turns(payment), "CARD_PAYMENT");
    const events = turns(...many(3, elsewhere));
    expect(books.storyOf(id)).toEqual(["transaction.created PENDING", "transaction.completed SUCCESS"]);
    const at = events.findIndex((event) => event.type === "transaction.completed" && transactionIn(event)?.id === id);
    expect(events[at + 1]).toMatchObject({ type: "wallet.balance", data: { userId: "ada", wallet: { ledgerBalance: "4986.50" } } });
  });

  it("holds a suspect transfer back until it is reviewed", () => {
    const { books, turns, balances } = setUp();
    const id = idOf(turns(transfer("TRANSFER_OUT", "suspect")), "TRANSFER_OUT");
    const ofAda = balances(turns(...many(9, elsewhere))).filter(({ currency }) => currency === "USD");
    expect(books.storyOf(id)).toEqual([
      "transaction.created PENDING",
      "REVIEW",
      "transaction.updated UNDER_REVIEW",
      "ALLOWED",
      "transaction.completed SUCCESS",
    ]);
    expect(ofAda).toMatchObject([
      { availableBalance: "4986.50", ledgerBalance: "5000.00", pendingAmount: "0.00", lockedAmount: "13.50" },
      { availableBalance: "4986.50", ledgerBalance: "4986.50", pendingAmount: "0.00", lockedAmount: "0.00" },
    ]);
  });

  it.each(["TRANSFER_OUT", "TRANSFER_IN"] as const)(
    "blocks a laundering %s, freezes the wallet for a while, and takes nothing meanwhile",
    (type) => {
      const { books, turns } = setUp();
      const id = idOf(turns(transfer(type, "laundering")), type);
      turns(...many(3, elsewhere));
      expect(books.storyOf(id)).toEqual(["transaction.created PENDING", "BLOCK", "transaction.updated FAILED"]);
      expect(books.accounts.get("ada USD")).toMatchObject({ status: "FROZEN", open: new Map() });
      const refused = idOf(turns(transfer("TRANSFER_IN")), "TRANSFER_IN");
      expect(books.storyOf(refused)).toEqual(["transaction.created PENDING", "transaction.updated FAILED"]);
      // Another wallet of the same user is not touched.
      const paid = idOf(turns(payment), "CARD_PAYMENT");
      turns(...many(10, elsewhere));
      expect(books.storyOf(paid)).toContain("transaction.completed SUCCESS");
      expect(books.accounts.get("ada USD")?.status).toBe("ACTIVE");
    },
  );

  it("brings everything to its end at once when it closes", () => {
    const { books, bank, take, turns } = setUp();
    turns(payment, transfer("TRANSFER_OUT", "suspect"), transfer("TRANSFER_OUT", "laundering"), transfer("TRANSFER_IN"));
    take(bank.end());
    for (const { open, status } of books.accounts.values()) expect([open.size, status]).toEqual([0, "ACTIVE"]);
    expect(take(bank.end())).toEqual([]);
  });

  it("goes on from the wallets as they stand, and frees what an earlier start held back", () => {
    const wallets: Wallet[] = [
      { ...emptyWallet("ada", "GBP"), ledger: Big("100.10"), pending: Big("0.20"), locked: Big("0.1"), isFrozen: true },
      { ...emptyWallet("ben", "GBP"), ledger: Big("7") },
    ];
    const { bank, take, turns, balances } = setUp({ wallets, ledgers: { "ada GBP": "100.10", "ben GBP": "7" } });
    expect(take(bank.begin())).toEqual([
      {
        type: "wallet.balance",
        data: {
          userId: "ada",
          wallet: { currency: "GBP", availableBalance: "100.10", ledgerBalance: "100.10", pendingAmount: "0.00", lockedAmount: "0.00" },
        },
      },
      { type: "wallet.changed", data: { userId: "ada", wallet: { currency: "GBP", action: "UNFROZEN", status: "ACTIVE" } } },
    ]);
    const events = turns(payment);
    expect(events.map(({ type }) => type)).toEqual(["transaction.created", "wallet.balance"]);
    expect(balances(events)).toMatchObject([{ availableBalance: "86.60", ledgerBalance: "100.10" }]);
  });
});
