import { describe, expect, expectTypeOf, it } from "vitest";
import { type EventData, catalogue, jsonSchemaOf } from "./catalogue.ts";
import { ExactNumber, type JsonNumber, parseJson } from "./json.ts";

const side = { price: 1.1, size: 5, source: "LP1" };
const ofRfq = { traderId: "ann", symbol: "EUR/USD" };
const transaction = {
  id: "t1",
  amount: "50000.00",
  currency: "NGN",
  type: "TRANSFER",
  status: "SUCCESS",
  createdAt: "2026-11-21T12:00:00.000Z",
};
const balances = { availableBalance: 1, ledgerBalance: "1.00", pendingAmount: 0, lockedAmount: 0 };
const order = {
  id: "o1",
  symbol: "AAPL",
  side: "buy" as const,
  type: "limit",
  quantity: "10",
  price: "187.50",
  status: "open",
  filledQuantity: "0",
  averagePrice: null,
  createdAt: "2026-11-21T12:00:00.000Z",
};
const position = {
  id: "p1",
  symbol: "AAPL",
  side: "long" as const,
  quantity: "10",
  entryPrice: "187.50",
  currentPrice: 188,
  unrealizedPnL: "5.00",
  unrealizedPnLPercent: "0.2667",
  realizedPnL: "0",
  totalPnL: "5.00",
  status: "open",
  openedAt: 1_800_000_000_000,
};
const trade = {
  id: "t1",
  orderId: "o1",
  symbol: "AAPL",
  side: "buy",
  type: "entry" as const,
  quantity: "10",
  price: "187.50",
  value: "1875.00",
  fee: "1.00",
  executedAt: "2026-11-21T12:00:00.000Z",
};
const samples = {
  "market-data.best-price": { symbol: "EUR/USD", bestBid: side, bestAsk: side, midPrice: 1.1, spread: 0, spreadBps: 0, timestamp: 1 },
  "market-data.quote": { symbol: "EUR/USD", source: "LP1", bid: 1.1, bidSize: 1, ask: 1.2, askSize: 1, timestamp: 1 },
  "market-data.quote-stale": { symbol: "EUR/USD", source: "LP1", quoteOffset: 1 },
  "rfq.created": {
    rfqId: "r1",
    traderId: "ann",
    symbol: "EUR/USD",
    side: "buy",
    quantity: "1000000.00",
    expiresAt: "2026-11-21T12:00:00Z",
    status: "pending",
  },
  "rfq.validated": { rfqId: "r1", ...ofRfq },
  "rfq.distributed": { rfqId: "r1", lpCount: 4, expiresAt: 1_800_000_000_000, ...ofRfq },
  "quote.received": {
    rfqId: "r1",
    quoteId: "q1",
    lpId: "lp1",
    lpName: "LP One",
    bidPrice: 1.1,
    askPrice: "1.2",
    bidSize: 1,
    askSize: 1,
    status: "valid",
    expiresAt: "2026-11-21T12:00:00+01:00",
    ...ofRfq,
  },
  "quotes.ranked": { rfqId: "r1", rankings: [{ quoteId: "q1", ranking: 1, isBestBid: true, isBestAsk: false }], ...ofRfq },
  "quote.expired": { rfqId: "r1", quoteId: "q1", lpId: "lp1", ...ofRfq },
  "rfq.quoted": { rfqId: "r1", ...ofRfq },
  "rfq.filled": { rfqId: "r1", tradeId: "t1", price: 1.1, quantity: 5, ...ofRfq },
  "rfq.expired": { rfqId: "r1", ...ofRfq },
  "rfq.cancelled": { rfqId: "r1", reason: "changed my mind", ...ofRfq },
  "rfq.extended": { rfqId: "r1", newExpiresAt: "2026-11-21T12:00:00.000Z", ...ofRfq },
  "transaction.created": { userId: "ann", transaction },
  "transaction.updated": { userId: "ann", transaction: { ...transaction, fees: 0, meta: { channel: "app" } } },
  "transaction.completed": { userId: "ann", transaction: { ...transaction, counterpartyName: "Ben", counterpartyPhone: "080" } },
  "wallet.balance": { userId: "ann", wallet: { currency: "NGN", ...balances } },
  "wallet.changed": { userId: "ann", wallet: { currency: "NGN", action: "FROZEN", status: "FROZEN" } },
  "fraud.alert": { userId: "ann", alert: { transactionId: "t1", riskScore: 0.9, reason: "odd", action: "REVIEW" } },
  "trading.order.created": { userId: "ann", order },
  "trading.order.submitted": { userId: "ann", order: { ...order, price: null } },
  "trading.order.filled": { userId: "ann", order: { ...order, averagePrice: 187.5, filledAt: 1_800_000_000_000 } },
  "trading.order.cancelled": { userId: "ann", order: { ...order, status: "canceled" }, reason: "changed my mind" },
  "trading.order.rejected": { userId: "ann", order, reason: "no funds" },
  "trading.position.opened": { userId: "ann", position },
  "trading.position.updated": { userId: "ann", position: { ...position, side: "short" } },
  "trading.position.closed": { userId: "ann", position: { ...position, closedAt: "2026-11-21T12:00:00+01:00" } },
  "trading.trade.executed": { userId: "ann", trade },
  "trading.balance.updated": { userId: "ann", balance: { currency: "USD", total: "10000.00", available: 9000, locked: 1000 } },
  "alert.triggered": { userId: "ann", alertId: "a1", level: "warning", message: "EUR/USD is above 1.10" },
  "ai.decision": { userId: "ann" },
  "strategy.registered": { strategyId: "s1", userId: "ann", name: "Mean reversion" },
  "strategy.signal": {
    strategyId: "s1",
    userId: "ann",
    signal: "oversold",
    symbol: "EUR/USD",
    action: "buy",
    confidence: 0.9,
    reasoning: "RSI",
    details: { rsi: 12 },
  },
  "strategy.status": { strategyId: "s1", userId: "ann", status: "error", error: "no prices", details: null },
  "agent.status": { agentId: "ag1", status: "busy" },
} satisfies { [T in keyof typeof catalogue]: EventData<T> };

interface ObjectSchema {
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
}

const schemaOf = (type: keyof typeof catalogue) => jsonSchemaOf(catalogue[type].schema) as ObjectSchema;
const types = Object.keys(samples) as (keyof typeof samples)[];

describe("the catalogue", () => {
  it.each(types)("describes %s, and takes its sample", (type) => {
    expect(type).toMatch(/^[a-z-]+(\.[a-z-]+){1,2}$/);
    expect(catalogue[type].description).toMatch(/\.$/);
    expect(catalogue[type].schema.parse(samples[type])).toEqual(samples[type]);
  });

  it.each(types)("requires the same fields of %s in JSON Schema as in its checks", (type) => {
    const sample: Readonly<Record<string, unknown>> = samples[type];
    const schema = schemaOf(type);
    expect(schema.type).toBe("object");
    expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(sample).sort());
    const refusedWithout = Object.keys(sample).filter((key) => !catalogue[type].schema.safeParse({ ...sample, [key]: undefined }).success);
    expect([...schema.required].sort()).toEqual(refusedWithout.sort());
  });

  it("says number in JSON Schema where digits are kept", () => {
    const { properties } = schemaOf("market-data.quote");
    expect(properties["bid"]).toEqual({ type: ["number", "null"] });
  });

  it("gives TypeScript the types of its checks", () => {
    expectTypeOf<EventData<"market-data.quote">["symbol"]>().toEqualTypeOf<string>();
    expectTypeOf<EventData<"market-data.quote">["bid"]>().toEqualTypeOf<JsonNumber | null | undefined>();
    expectTypeOf<EventData<"market-data.quote-stale">["quoteOffset"]>().toEqualTypeOf<number>();
  });

  it("keeps what the server publishes itself to the server", () => {
    const internal = types.filter((type) => "internal" in catalogue[type]);
    expect(internal).toEqual(["market-data.quote-stale"]);
  });
});

describe("a published number", () => {
  const quote = (digits: string) =>
    catalogue["market-data.quote"].schema.safeParse({ ...samples["market-data.quote"], bid: parseJson(digits) });

  it.each(["0", "-37.63", "1.10", "1e-7", "1E+64", "0.000000000000000000000000000001", "9".repeat(64)])("may read %s", (digits) => {
    expect(quote(digits).success).toBe(true);
  });

  it.each(["1e65", "1E-65", "1e999999999", "-1e400", "9".repeat(65), `0.${"0".repeat(80)}1`])(
    "is refused as %s: arithmetic on it is not cheap",
    (digits) => {
      expect(quote(digits).success).toBe(false);
    },
  );

  it("is a number, not text, nor something that looks like one of ours", () => {
    for (const bid of ["1.1", true, {}, { digits: "1.1" }, [], NaN, Infinity]) {
      expect(catalogue["market-data.quote"].schema.safeParse({ ...samples["market-data.quote"], bid }).success).toBe(false);
    }
    expect(catalogue["market-data.quote"].schema.safeParse({ ...samples["market-data.quote"], bid: new ExactNumber("1.10") }).success).toBe(
      true,
    );
  });
});

describe("a symbol", () => {
  const isSymbol = (symbol: unknown) =>
    catalogue["market-data.quote"].schema.safeParse({ ...samples["market-data.quote"], symbol }).success;

  it("is what feeds call it, and never a pattern", () => {
    expect(["EUR/USD", "BTC-USDT", "BRK.B", "XBTUSD_220624", "ES=F", "a@b", "A".repeat(64)].filter((symbol) => !isSymbol(symbol))).toEqual(
      [],
    );
    expect(["", "*", "EUR*", "/USD", "EUR USD", "EUR,USD", "é", "A\n", "\u0000", "A".repeat(65), 7, null].filter(isSymbol)).toEqual([]);
  });
});
