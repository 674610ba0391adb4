import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber, parseJson } from "../../json.ts";
import { rfqMessageOf, rfqStateOf } from "./messages.ts";
import { compositeOf, rankedQuotes } from "./ranking.ts";
import { quoteReceived, rfqCreated } from "./schema.ts";
import { type Rfq, type RfqEvent, foldRfq, isFinal, mayBecome, secondsLeft } from "./state.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const rfqId = "r1";
const created = (side = "buy"): RfqEvent => ({
  type: "rfq.created",
  data: {
    rfqId,
    traderId: "ann",
    symbol: "EUR/USD",
    side,
    quantity: new ExactNumber("1000000.00"),
    expiresAt: "2026-11-21T13:00:00+01:00",
  },
});
const of = (type: string, data: object = {}): RfqEvent => ({ type, data: { rfqId, ...data } });
const quote = (quoteId: string, bidPrice?: unknown, askPrice?: unknown, status = "valid"): RfqEvent =>
  of("quote.received", { quoteId, lpId: `lp-${quoteId}`, status, bidPrice, askPrice });
const ranked = (...ids: string[]): RfqEvent =>
  of("quotes.ranked", {
    rankings: ids.map((quoteId, index) => ({ quoteId, ranking: index + 1, isBestBid: index === 0, isBestAsk: index === 0 })),
  });

function fold(...events: RfqEvent[]): Rfq {
  let rfq: Rfq | undefined;
  for (const event of events) rfq = foldRfq(rfq, event);
  if (rfq === undefined) throw new Error("nothing was created");
  return rfq;
}

const order = (rfq: Rfq) => rankedQuotes(rfq).map(({ id }) => id);

describe("the lifecycle", () => {
  it("goes forward, may skip, and never leaves its end", () => {
    expect(fold(created()).status).toBe("pending");
    expect(fold(created(), of("rfq.quoted")).status).toBe("quoted");
    expect(fold(created(), of("rfq.quoted"), of("rfq.validated")).status).toBe("quoted");
    const filled = fold(created(), of("rfq.filled", { tradeId: "t", price: 1, quantity: 1 }));
    for (const event of [
      of("rfq.cancelled", { reason: "x" }),
      quote("late", 1, 2),
      ranked("late"),
      of("rfq.extended", { newExpiresAt: 1 }),
    ]) {
      expect(foldRfq(filled, event)).toBe(filled);
    }
    expect(mayBecome("pending", "filled")).toBe(true);
    expect(mayBecome("quoted", "distributed")).toBe(false);
    expect(mayBecome("filled", "filled")).toBe(false);
  });

  it("has nothing of what was never created", () => {
    expect(foldRfq(undefined, quote("q", 1, 2))).toBeUndefined();
  });

  it("keeps time: distribution may set the end, an extension moves it", () => {
    expect(fold(created()).expiresAt).toBe("2026-11-21T12:00:00.000Z");
    expect(fold(created(), of("rfq.distributed", { lpCount: 1, expiresAt: 0 })).expiresAt).toBe("1970-01-01T00:00:00.000Z");
    expect(fold(created(), of("rfq.extended", { newExpiresAt: 1000 })).expiresAt).toBe("1970-01-01T00:00:01.000Z");
    expect([secondsLeft(5000, 0), secondsLeft(5000, 1), secondsLeft(5000, 4001), secondsLeft(5000, 5000), secondsLeft(5000, 9000)]).toEqual(
      [5, 4, 0, 0, 0],
    );
  });
});

describe("ranking", () => {
  it("by the view: a buyer's lowest ask, a seller's highest bid, the narrowest two-way price; ties and no price first come", () => {
    const quotes = [quote("a", 1, 5), quote("b", 3, 4), quote("c", undefined, 4), quote("d", 2), quote("e", 3, 9)];
    expect(order(fold(created("buy"), ...quotes))).toEqual(["b", "c", "a", "e", "d"]);
    expect(order(fold(created("sell"), ...quotes))).toEqual(["b", "e", "d", "a", "c"]);
    expect(order(fold(created("two-way"), ...quotes))).toEqual(["b", "a", "e", "c", "d"]);
  });

  it("as the last quotes.ranked said, the others after it, what is gone last; numbers go on", () => {
    const rfq = fold(created("buy"), quote("a", 1, 1), quote("b", 1, 2), quote("c", 1, 3), quote("d", 1, 0, "rejected"), ranked("c", "b"));
    expect(rankedQuotes(rfq).map(({ id, ranking, isBestAsk }) => [id, ranking, isBestAsk])).toEqual([
      ["c", 1, true],
      ["b", 2, false],
      ["a", 3, true],
      ["d", 4, false],
    ]);
    const without = fold(created("buy"), quote("a", 1, 1), quote("b", 1, 2), ranked("b"), of("quote.expired", { quoteId: "b", lpId: "x" }));
    expect(order(without)).toEqual(["a", "b"]);
  });

  it.each(["constructor", "toString", "__proto__"])("by the view, of a quote called %s that nothing named", (id) => {
    expect(rankedQuotes(fold(created("buy"), quote(id, 1, 2), ranked()))).toMatchObject([
      { id, ranking: 1, isBestBid: true, isBestAsk: true },
    ]);
    expect(rankedQuotes(fold(created("buy"), quote(id, 1, 2), quote("b", 1, 1), ranked(id)))).toMatchObject([
      { id, ranking: 1 },
      { id: "b" },
    ]);
  });

  it("a changed quote keeps its place among equals", () => {
    expect(order(fold(created("buy"), quote("a", 1, 2), quote("b", 1, 1), quote("a", 1, 1)))).toEqual(["a", "b"]);
  });

  it("gives every quote a number of its own, best first, whatever comes", () => {
    const event = fc.oneof(
      fc
        .tuple(
          fc.constantFrom("a", "b", "c", "d"),
          fc.option(fc.integer({ min: -3, max: 3 })),
          fc.option(fc.integer({ min: -3, max: 3 })),
          fc.constantFrom("valid", "rejected"),
        )
        .map(([id, bid, ask, status]) => quote(id, bid ?? undefined, ask ?? undefined, status)),
      fc.constantFrom("a", "b").map((quoteId) => of("quote.expired", { quoteId, lpId: "x" })),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const rfq = fold(created("buy"), ...events);
        const all = rankedQuotes(rfq);
        expect(all.map(({ ranking }) => ranking)).toEqual(all.map((_, index) => index + 1));
        const asks = all.flatMap(({ status, askPrice }) => (status === "valid" && typeof askPrice === "number" ? [askPrice] : []));
        expect(asks).toEqual([...asks].sort((a, b) => a - b));
        const { bestAsk, bestBid, spread, quoteCount } = compositeOf(rfq);
        expect(bestAsk).toBe(asks[0]);
        expect(quoteCount).toBe(rfq.quotes.filter(({ status }) => status === "valid").length);
        if (typeof bestAsk === "number" && typeof bestBid === "number") expect(spread).toBe(bestAsk - bestBid);
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe("what is shown", () => {
  it("keeps digits, and computes the spread in decimals", () => {
    const data = quoteReceived.parse(
      parseJson(`{"rfqId":"r1","quoteId":"q","lpId":"l","status":"valid","bidPrice":1.10,"askPrice":"1.30"}`),
    );
    const state = rfqStateOf(fold(created(), { type: "quote.received", data }), Date.parse("2026-11-21T11:59:30.001Z"));
    expect(JSON.stringify(state)).toBe(
      '{"rfq":{"id":"r1","status":"pending","symbol":"EUR/USD","side":"buy","quantity":1000000.00,"expiresAt":"2026-11-21T12:00:00.000Z","timeRemaining":29},' +
        '"quotes":[{"id":"q","lpId":"l","lpName":"l","bidPrice":1.10,"askPrice":"1.30","status":"valid","ranking":1,"isBestBid":true,"isBestAsk":true}],' +
        '"composite":{"bestBid":1.10,"bestAsk":"1.30","spread":0.2,"quoteCount":1}}',
    );
  });

  it("of the events is their part 2 message, allow-listed", () => {
    const data = { rfqId, quoteId: "q", lpId: "l", bidPrice: 1, status: "valid", margin: 5, counterparty: "x" };
    expect(rfqMessageOf("quote.received", data, 0)).toEqual({
      name: "quote:received",
      body: { rfqId, quoteId: "q", lpId: "l", bidPrice: 1, status: "valid" },
    });
    expect(rfqMessageOf("market-data.quote", data, 0)).toBeUndefined();
  });

  it("takes only ids that fit in a topic's name", () => {
    const sample = created().data as object;
    for (const bad of ["", " ", "a b", "*", "a,b", "x".repeat(129), "\u0000"])
      expect(rfqCreated.safeParse({ ...sample, rfqId: bad }).success).toBe(false);
    expect(rfqCreated.safeParse({ ...sample, rfqId: "3f0c-11/2:x" }).success).toBe(true);
    expect(isFinal("expired")).toBe(true);
  });
});
