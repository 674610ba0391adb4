import { describe, expect, it } from "vitest";
import { interleave, readRecords } from "./records.ts";

const records = readRecords();
const of = (userId: string, currency: string) => records.filter((each) => each.userId === userId && each.currency === currency);

describe("the recorded payments", () => {
  it("are all there, as recorded: a transfer between two users is one of each", () => {
    expect(records.filter(({ currency }) => currency === "GBP")).toHaveLength(388);
    expect(records.filter(({ currency }) => currency === "USD")).toHaveLength(451 + 2 + 19);
    expect(["ada", "ben", "cleo"].map((user) => [of(user, "GBP").length, of(user, "USD").length])).toEqual([
      [97, 225],
      [194, 19],
      [97, 228],
    ]);
    for (const { amount } of records) expect(amount).toMatch(/^\d+(\.\d{1,2})?$/);
    expect(of("ada", "GBP")[0]).toEqual({
      userId: "ada",
      currency: "GBP",
      type: "CARD_PAYMENT",
      amount: "147.16",
      counterpartyName: "insightly crm",
      description: "Software Rental",
      meta: { recording: "oxford-cards-201701", date: "01/01/2017", reference: "733390292" },
    });
  });

  it("are refunds where the recording is negative", () => {
    const refunds = records.filter(({ type }) => type === "CARD_REFUND");
    expect(refunds).toHaveLength(8);
    expect(refunds).toContainEqual(expect.objectContaining({ amount: "131.94", counterpartyName: "ecp-090-oxford" }));
  });

  it("carry the recording's labels", () => {
    const labels = Object.groupBy(records, ({ label }) => label ?? "none");
    expect(labels.laundering).toHaveLength(25 + 5);
    const [first] = labels.laundering ?? [];
    expect(first).toMatchObject({
      userId: "ada",
      type: "TRANSFER_OUT",
      amount: "18.23",
      counterpartyName: "Account 9619",
      meta: { step: "51" },
    });
    expect(labels.suspect?.length).toBeGreaterThan(50);
    expect(labels.none?.length).toBeGreaterThan(700);
  });

  it("follow one another in their own order, spread over the whole", () => {
    expect(interleave<number | string>([1, 2], ["a", "b", "c", "d"])).toEqual(["a", 1, "b", "c", 2, "d"]);
    expect(interleave([], ["a"])).toEqual(["a"]);
    const half = records.slice(0, records.length / 2);
    expect(half.filter(({ currency }) => currency === "GBP").length).toBeCloseTo(194, -1);
  });
});
