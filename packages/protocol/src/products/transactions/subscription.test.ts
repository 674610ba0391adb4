import { describe, expect, it } from "vitest";
import { Refusal } from "../../errors.ts";
import { feedEventOf } from "./events.ts";
import { subscribed, subscriptionOfQuery, subscriptionRequest, unsubscribed } from "./subscription.ts";

const ofQuery = (query: string) => subscriptionOfQuery(new URLSearchParams(query));
const refusalOf = (query: string) => {
  try {
    ofQuery(query);
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code, path: error.details.path, message: error.message };
    throw error;
  }
  return undefined;
};

describe("a subscription", () => {
  it("is to transactions and balances where no events are named", () => {
    expect(subscribed(undefined, {})).toEqual({ events: ["transaction", "balance"], filters: {} });
    expect(subscribed(undefined, { events: null, filters: null })).toEqual({ events: ["transaction", "balance"], filters: {} });
  });

  it("has events added by a second request, and its filters replaced", () => {
    const first = subscribed(undefined, { events: ["fraud", "transaction", "fraud"], filters: { minAmount: 1 } });
    expect(first).toEqual({ events: ["transaction", "fraud"], filters: { minAmount: 1 } });
    expect(subscribed(first, { events: ["wallet"], filters: { status: "FAILED" } })).toEqual({
      events: ["transaction", "wallet", "fraud"],
      filters: { status: "FAILED" },
    });
    expect(subscribed(first, { events: ["fraud"] })).toEqual({ events: ["transaction", "fraud"], filters: {} });
  });

  it("loses what is unsubscribed, subscribed or not, and keeps its filters", () => {
    const all = subscribed(undefined, { events: ["transaction", "fraud"], filters: { minAmount: 1 } });
    expect(unsubscribed(all, ["fraud", "wallet"])).toEqual({ events: ["transaction"], filters: { minAmount: 1 } });
    expect(unsubscribed(all, ["transaction", "fraud"]).events).toEqual([]);
  });

  it.each([
    [{ events: ["transaction", "news"] }, "events.1"],
    [{ events: [] }, "events"],
    [{ events: "transaction" }, "events"],
    [{ filters: { amount: 1 } }, "filters.amount"],
    [{ filters: { minAmount: 2, maxAmount: 1 } }, "filters.minAmount"],
    [{ filters: [] }, "filters"],
  ])("is not asked for with %j, and the bad field is named", (request, path) => {
    expect(subscriptionRequest.safeParse(request).error?.issues[0]?.path.join(".")).toBe(path);
  });

  it("tells an event by its type, and nothing of other products", () => {
    expect(["created", "updated", "completed"].map((each) => feedEventOf(`transaction.${each}`))).toEqual(Array(3).fill("transaction"));
    expect(["wallet.balance", "wallet.changed", "fraud.alert"].map(feedEventOf)).toEqual(["balance", "wallet", "fraud"]);
    expect(["rfq.created", "transaction", "toString", ""].map(feedEventOf)).toEqual(Array(4).fill(undefined));
  });
});

describe("a subscription in a query string", () => {
  it("reads as its JSON would", () => {
    expect(ofQuery("events=transaction,balance&minAmount=0&maxAmount=1000.50&status=SUCCESS,FAILED&currency=NGN&type=TRANSFER")).toEqual({
      events: ["transaction", "balance"],
      filters: { minAmount: "0", maxAmount: "1000.50", status: ["SUCCESS", "FAILED"], currency: ["NGN"], type: ["TRANSFER"] },
    });
  });

  it("takes lists with commas, repeated, with spaces, and one name with a comma", () => {
    expect(ofQuery("status=a,b&status=c&events=%20transaction%20,%20fraud,&counterparty=Doe,%20John")).toEqual({
      events: ["transaction", "fraud"],
      filters: { status: ["a", "b", "c"], counterparty: "Doe, John" },
    });
  });

  it.each(["", "events=&minAmount=&status=,", "token=x&clientId=tab&window=5&ack=none&EIO=4&_=1"])("says nothing in %j", (query) => {
    expect(ofQuery(query)).toEqual({});
  });

  it.each([
    ["events=transaction,news", "events"],
    ["minAmount=low", "minAmount"],
    ["minAmount=%201", "minAmount"],
    ["minAmount=2&maxAmount=1", "minAmount"],
    ["minAmount=1&minAmount=2", "minAmount"],
    ["counterparty=a&counterparty=b", "counterparty"],
    ["currency=N+GN", "currency"],
    [`status=${"x".repeat(65)}`, "status"],
    [`status=${Array(101).fill("a").join(",")}`, "status"],
    [`events=${Array(65).fill("fraud").join(",")}`, "events"],
  ])("is refused in %j, and the parameter is named", (query, path) => {
    expect(refusalOf(query)).toMatchObject({ code: "BAD_REQUEST", path });
  });
});
