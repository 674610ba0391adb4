import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExactNumber, parseJson } from "../../json.ts";
import { compareDecimals } from "../../money.ts";
import { type SymbolState, foldBestPrice, foldQuote, foldQuoteStale } from "./best-price.ts";
import { type QuoteData, bestPriceData, quoteData } from "./schema.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const STALE_MS = 30_000;

const quoteOf = (json: string): QuoteData => quoteData.parse({ symbol: "EUR/USD", timestamp: 5, ...(parseJson(json) as object) });
const quote = (source: string, bid: number | null, ask: number | null): QuoteData => ({
  symbol: "EUR/USD",
  source,
  bid,
  ask,
  timestamp: 5,
});
const priceOf = (json: string) => foldBestPrice(undefined, bestPriceData.parse(parseJson(json))).price;

/** Folds quotes in order; each a second after the one before, unless it says when. */
function foldAll(quotes: readonly (QuoteData & { at?: number })[]): SymbolState {
  let state: SymbolState | undefined;
  for (const [index, each] of quotes.entries()) {
    state = foldQuote(state, each, { offset: index + 1, storedAt: each.at ?? index * 1000 }, STALE_MS);
  }
  if (state === undefined) throw new Error("no quotes");
  return state;
}

describe("quotes of several sources", () => {
  it("give the highest bid and the lowest ask, each with its source", () => {
    const { price } = foldAll([quote("A", 1.1, 1.3), quote("B", 1.2, 1.4), quote("C", 1.0, 1.25)]);
    expect(price).toMatchObject({ bestBid: { price: 1.2, source: "B" }, bestAsk: { price: 1.25, source: "C" } });
  });

  it("give the best of each source's last quote, whatever came before", () => {
    const arbitrary = fc.record({
      source: fc.constantFrom("A", "B", "C"),
      bid: fc.option(fc.integer({ min: -20, max: 20 }).map((units) => units / 8)),
      ask: fc.option(fc.integer({ min: -20, max: 20 }).map((units) => units / 8)),
    });
    fc.assert(
      fc.property(fc.array(arbitrary, { minLength: 1, maxLength: 20 }), (all) => {
        const { price, quotes } = foldAll(all.map(({ source, bid, ask }) => quote(source, bid, ask)));
        const last = [...new Map(all.map((each) => [each.source, each])).values()];
        const bids = last.flatMap(({ bid }) => (bid === null ? [] : [bid]));
        const asks = last.flatMap(({ ask }) => (ask === null ? [] : [ask]));
        expect(price.bestBid?.price).toBe(bids.length === 0 ? undefined : Math.max(...bids));
        expect(price.bestAsk?.price).toBe(asks.length === 0 ? undefined : Math.min(...asks));
        expect(new Set(quotes.map(({ source }) => source)).size).toBe(quotes.length);
        expect(quotes.map(({ offset }) => offset)).toEqual(quotes.map(({ offset }) => offset).sort((a, b) => a - b));
      }),
      { seed, numRuns: 500 },
    );
  });

  it("keep to the one that came first among equals, in decimals", () => {
    const { price } = foldAll([quoteOf('{"source":"A","bid":1.10,"ask":1.20}'), quoteOf('{"source":"B","bid":1.1,"ask":1.2}')]);
    expect(price).toMatchObject({ bestBid: { price: new ExactNumber("1.10"), source: "A" }, bestAsk: { source: "A" } });
  });

  it("are told apart where a binary float could not", () => {
    const { price } = foldAll([quoteOf('{"source":"A","bid":10000000000000000.1}'), quoteOf('{"source":"B","bid":10000000000000000.2}')]);
    expect(price.bestBid).toEqual({ price: new ExactNumber("10000000000000000.2"), source: "B" });
  });

  it("show a crossed book as it is", () => {
    expect(foldAll([quote("A", 1.5, null), quote("B", null, 1.25)]).price).toEqual({
      symbol: "EUR/USD",
      bestBid: { price: 1.5, source: "A" },
      bestAsk: { price: 1.25, source: "B" },
      midPrice: 1.375,
      spread: -0.25,
      spreadBps: -1818.181818181818,
      timestamp: 5,
    });
  });

  it("show one side alone, and derive nothing from it", () => {
    expect(foldAll([quote("A", null, 1.2)]).price).toEqual({ symbol: "EUR/USD", bestAsk: { price: 1.2, source: "A" }, timestamp: 5 });
  });

  it("leave the price when their source withdraws", () => {
    const { price, quotes } = foldAll([quote("A", 1.1, 1.2), quote("A", null, null)]);
    expect(price).toEqual({ symbol: "EUR/USD", timestamp: 5 });
    expect(quotes).toEqual([]);
  });

  it("keep their digits and sizes", () => {
    const { price } = foldAll([quoteOf('{"source":"A","bid":1.10,"bidSize":1000000.00,"ask":1.20,"askSize":5}')]);
    expect(JSON.stringify(price)).toBe(
      '{"symbol":"EUR/USD","bestBid":{"price":1.10,"size":1000000.00,"source":"A"},"bestAsk":{"price":1.20,"size":5,"source":"A"},' +
        '"midPrice":1.15,"spread":0.1,"spreadBps":869.565217391304,"timestamp":5}',
    );
  });
});

describe("a silent source", () => {
  it("is dropped at another's quote once it has been silent for so long by the server's clock, and not before", () => {
    const first = { ...quote("A", 1.2, 1.3), timestamp: 999_999, at: 0 };
    const just = foldAll([first, { ...quote("B", 1.1, 1.4), at: STALE_MS - 1 }]);
    expect(just.price.bestBid?.source).toBe("A");
    const late = foldAll([first, { ...quote("B", 1.1, 1.4), at: STALE_MS }]);
    expect(late.price.bestBid?.source).toBe("B");
    expect(late.quotes.map(({ source }) => source)).toEqual(["B"]);
  });

  it("is dropped at the server's word, and the next best stands", () => {
    const state = foldAll([quote("A", 1.2, 1.3), quote("B", 1.1, 1.4)]);
    const after = foldQuoteStale(state, { symbol: "EUR/USD", source: "A", quoteOffset: 1 }, { offset: 3, storedAt: 31_000 });
    expect(after?.price).toMatchObject({ bestBid: { source: "B" }, bestAsk: { source: "B" }, timestamp: 31_000 });
    const none = foldQuoteStale(after, { symbol: "EUR/USD", source: "B", quoteOffset: 2 }, { offset: 4, storedAt: 32_000 });
    expect(none?.price).toEqual({ symbol: "EUR/USD", timestamp: 32_000 });
  });

  it("is not silent when it has quoted since: the server's word is void and the state the same object", () => {
    const state = foldAll([quote("A", 1.2, 1.3), quote("A", 1.1, 1.4)]);
    const word = { symbol: "EUR/USD", source: "A", quoteOffset: 1 };
    expect(foldQuoteStale(state, word, { offset: 3, storedAt: 30_000 })).toBe(state);
    expect(foldQuoteStale(undefined, word, { offset: 3, storedAt: 30_000 })).toBeUndefined();
  });

  it("does not take away a best price that the publisher made itself since", () => {
    const quoted = foldAll([quote("A", 1.2, 1.3)]);
    const given = foldBestPrice(quoted, { symbol: "EUR/USD", bestBid: { price: 2, size: 1, source: "desk" }, timestamp: 9 });
    const after = foldQuoteStale(given, { symbol: "EUR/USD", source: "A", quoteOffset: 1 }, { offset: 3, storedAt: 30_000 });
    expect(after?.price).toEqual(given.price);
    expect(after?.quotes).toEqual([]);
    const quotedAgain = foldQuote(given, quote("B", 1.1, 1.4), { offset: 3, storedAt: 2000 }, STALE_MS);
    expect(quotedAgain.price.bestBid?.source).toBe("A");
  });
});

describe("a best price made by the publisher", () => {
  const sides = '"bestBid":{"price":1.10,"size":1.0,"source":"A"},"bestAsk":{"price":1.30,"size":2,"source":"B"}';

  it("is passed on digit for digit, with what is missing derived in decimals", () => {
    expect(JSON.parse(JSON.stringify(priceOf(`{"symbol":"S",${sides},"timestamp":1}`)))).toMatchObject({ midPrice: 1.2, spread: 0.2 });
    expect(JSON.stringify(priceOf(`{"symbol":"S",${sides},"midPrice":1.2500,"timestamp":1}`))).toContain('"midPrice":1.2500,');
    expect(JSON.stringify(priceOf(`{"symbol":"S",${sides},"timestamp":1}`))).toContain(sides);
  });

  it("is passed on untouched where nothing is missing, even if it does not add up", () => {
    const text = `{"symbol":"S",${sides},"midPrice":9.0,"spread":8.0,"spreadBps":7.0,"timestamp":1}`;
    expect(JSON.parse(JSON.stringify(priceOf(text)))).toEqual(JSON.parse(text));
  });

  it("shows nothing that clients are not to see", () => {
    const text = `{"symbol":"S","bestBid":{"price":1,"size":1,"source":"A","counterparty":"x"},"timestamp":1,"margin":5}`;
    expect(priceOf(text)).toEqual({ symbol: "S", bestBid: { price: 1, size: 1, source: "A" }, timestamp: 1 });
  });

  it("may be one-sided, by null or by absence, as published", () => {
    expect(priceOf('{"symbol":"S","bestBid":null,"timestamp":1}')).toEqual({ symbol: "S", bestBid: null, timestamp: 1 });
    expect(priceOf('{"symbol":"S","timestamp":1}')).toEqual({ symbol: "S", timestamp: 1 });
  });

  it("has no basis points around a mid of zero, and one zero below it", () => {
    const at = (bid: number, ask: number) =>
      priceOf(
        `{"symbol":"S","bestBid":{"price":${bid},"size":1,"source":"A"},"bestAsk":{"price":${ask},"size":1,"source":"A"},"timestamp":1}`,
      );
    expect(at(-1, 1)).toMatchObject({ midPrice: 0, spread: 2 });
    expect(at(-1, 1)).not.toHaveProperty("spreadBps");
    expect(at(-37.63, -37.63)).toMatchObject({ midPrice: -37.63, spread: 0, spreadBps: 0 });
  });

  it("derives mid and spread exactly: bid + spread = ask and 2 mid = bid + ask", () => {
    const digits = fc
      .tuple(fc.bigInt({ min: 1n, max: 10n ** 18n }), fc.integer({ min: 0, max: 9 }))
      .map(([units, scale]) => `${units}e-${scale}`);
    fc.assert(
      fc.property(digits, digits, (bid, ask) => {
        const side = (price: string) => ({ price: new ExactNumber(price), size: 1, source: "A" });
        const { price } = foldBestPrice(undefined, { symbol: "S", bestBid: side(bid), bestAsk: side(ask), timestamp: 1 });
        const units = (text: string) => {
          const [whole = "", fraction = ""] = text.split(".");
          return BigInt(whole + fraction.padEnd(20, "0"));
        };
        expect(String(price.midPrice)).not.toContain("e");
        const plain = (text: string) => BigInt(text.split("e-")[0] ?? "") * 10n ** BigInt(20 - Number(text.split("e-")[1]));
        expect(units(String(price.spread)) + plain(bid)).toBe(plain(ask));
        expect(units(String(price.midPrice)) * 2n).toBe(plain(bid) + plain(ask));
        expect(compareDecimals(price.midPrice ?? 0, 0)).toBeGreaterThan(0);
      }),
      { seed, numRuns: 300 },
    );
  });
});
