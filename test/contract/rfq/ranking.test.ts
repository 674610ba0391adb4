/** Contract 20-rfq "`ranking`, `isBestBid` and `isBestAsk`", 70-details "ranking by the view". */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { type State, create, lapse, quote, rank, rfqClients, tell } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `k-${++last}`;

async function stateOf(rfqId: string): Promise<State> {
  const client = await connect();
  return (await client.follow(rfqId)).rfq;
}

const order = ({ quotes }: State) => quotes.map(({ id, ranking, isBestBid, isBestAsk }) => [id, ranking, isBestBid, isBestAsk]);
const [yes, no] = [true, false];

describe("ranking by the view", () => {
  it("buy: lowest ask first, then first come; quotes without an ask after them", async () => {
    const rfqId = newId();
    await tell(server, [
      create(rfqId, { side: "buy" }),
      quote(rfqId, "none"),
      quote(rfqId, "bid-only", { bidPrice: 99 }),
      quote(rfqId, "tie-1", { askPrice: "1.10" }),
      quote(rfqId, "tie-2", { askPrice: 1.1 }),
      quote(rfqId, "zero", { askPrice: 0, bidPrice: 98 }),
      quote(rfqId, "minus", { askPrice: "-0.5" }),
      quote(rfqId, "dear", { askPrice: 9 }),
    ]);
    expect(order(await stateOf(rfqId))).toEqual([
      ["minus", 1, no, yes],
      ["zero", 2, no, no],
      ["tie-1", 3, no, no],
      ["tie-2", 4, no, no],
      ["dear", 5, no, no],
      ["none", 6, no, no],
      ["bid-only", 7, yes, no],
    ]);
  });

  it("sell: highest bid first; a bid of zero is above one below", async () => {
    const rfqId = newId();
    const bids = { a: -2, b: "-0.5", c: 0, d: "0.00", e: undefined, f: 3 };
    await tell(server, [create(rfqId, { side: "sell" }), ...Object.entries(bids).map(([id, bidPrice]) => quote(rfqId, id, { bidPrice }))]);
    expect(order(await stateOf(rfqId)).map(([id]) => id)).toEqual(["f", "c", "d", "b", "a", "e"]);
  });

  it("two-way: narrowest first, crossed before locked; those with one price last, first come", async () => {
    const rfqId = newId();
    await tell(server, [
      create(rfqId, { side: "two-way" }),
      quote(rfqId, "one", { askPrice: 1 }),
      quote(rfqId, "wide", { bidPrice: 1, askPrice: 2 }),
      quote(rfqId, "locked", { bidPrice: "0.3", askPrice: 0.3 }),
      quote(rfqId, "other", { bidPrice: 5 }),
      quote(rfqId, "narrow", { bidPrice: 0.1, askPrice: 0.2 }),
      quote(rfqId, "as-narrow", { bidPrice: 0.2, askPrice: 0.3 }),
      quote(rfqId, "crossed", { bidPrice: 2, askPrice: 1 }),
    ]);
    const state = await stateOf(rfqId);
    expect(order(state).map(([id]) => id)).toEqual(["crossed", "locked", "narrow", "as-narrow", "wide", "one", "other"]);
    expect(state.composite).toEqual({ bestBid: 5, bestAsk: 0.2, spread: -4.8, quoteCount: 7 });
  });

  it("beyond a binary float: digits decide, not their nearest double", async () => {
    const rfqId = newId();
    const digits = ["1.00000000000000000002", "1.00000000000000000001", '"1.00000000000000000000"'];
    await tell(server, [
      create(rfqId),
      ...digits.map(
        (price, index) =>
          `{"type":"quote.received","data":{"rfqId":"${rfqId}","quoteId":"q${index}","lpId":"l","askPrice":${price},"bidPrice":1,"status":"valid"}}`,
      ),
    ]);
    const client = await connect();
    const { rfq } = await client.follow(rfqId);
    expect(order(rfq).map(([id]) => id)).toEqual(["q2", "q1", "q0"]);
    expect(rfq.composite).toMatchObject({ bestAsk: "1.00000000000000000000", spread: 0 });
  });
});

describe("quotes.ranked", () => {
  it("says the order of what it names; the view numbers on after the highest, best first", async () => {
    const rfqId = newId();
    await tell(server, [
      create(rfqId),
      ...[5, 4, 3, 2].map((askPrice) => quote(rfqId, `q${askPrice}`, { askPrice })),
      rank(rfqId, [
        ["q5", 7, no, yes],
        ["q4", 3],
        ["nobody", 50, yes, yes],
      ]),
    ]);
    expect(order(await stateOf(rfqId))).toEqual([
      ["q4", 3, no, no],
      ["q5", 7, no, yes],
      ["q2", 8, no, yes],
      ["q3", 9, no, no],
    ]);
    await tell(server, [quote(rfqId, "q1", { askPrice: 1 })]);
    expect(order(await stateOf(rfqId)).slice(1)).toEqual([
      ["q5", 7, no, yes],
      ["q1", 8, no, yes],
      ["q2", 9, no, no],
      ["q3", 10, no, no],
    ]);
    await tell(server, [rank(rfqId, [["q1", 1, no, yes]])]);
    expect(order(await stateOf(rfqId)).map(([id, ranking]) => [id, ranking])).toEqual([
      ["q1", 1],
      ["q2", 2],
      ["q3", 3],
      ["q4", 4],
      ["q5", 5],
    ]);
    await tell(server, [rank(rfqId, [])]);
    expect(order(await stateOf(rfqId))[0]).toEqual(["q1", 1, no, yes]);
  });

  it("keeps ties in the order of their arrival, and ranks named before they came", async () => {
    const rfqId = newId();
    await tell(server, [
      create(rfqId),
      rank(rfqId, [
        ["b", 2],
        ["a", 2],
        ["c", 1],
      ]),
    ]);
    await tell(
      server,
      ["a", "b", "c"].map((id) => quote(rfqId, id, { askPrice: 1 })),
    );
    expect(order(await stateOf(rfqId)).map(([id, ranking]) => [id, ranking])).toEqual([
      ["c", 1],
      ["a", 2],
      ["b", 2],
    ]);
  });

  it("counts for a quote that still stands: one that lapsed or was rejected is not best", async () => {
    const rfqId = newId();
    await tell(server, [
      create(rfqId),
      quote(rfqId, "a", { askPrice: 1 }),
      quote(rfqId, "b", { askPrice: 2 }),
      quote(rfqId, "c", { askPrice: 3 }),
      rank(rfqId, [
        ["a", 1, yes, yes],
        ["b", 2],
        ["c", 3],
      ]),
      lapse(rfqId, "a"),
    ]);
    const lapsed = await stateOf(rfqId);
    expect(lapsed.quotes.find(({ id }) => id === "a")).toMatchObject({ status: "expired", isBestBid: false, isBestAsk: false });
    expect(lapsed.composite).toEqual({ bestAsk: 2, quoteCount: 2 });
    expect(lapsed.quotes.map(({ ranking }) => ranking)).toEqual(lapsed.quotes.map(({ ranking }) => ranking).toSorted());
    await tell(server, [quote(rfqId, "b", { askPrice: 2, status: "rejected" })]);
    expect((await stateOf(rfqId)).composite).toEqual({ bestAsk: 3, quoteCount: 1 });
  });
});
