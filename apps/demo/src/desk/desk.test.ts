import { describe, expect, it } from "vitest";
import { ExactNumber } from "@broadtape/protocol/json";
import { compareDecimals } from "@broadtape/protocol/money";
import { rankedQuotes } from "@broadtape/protocol/products/rfq/ranking";
import { type Rfq, foldRfq } from "@broadtape/protocol/products/rfq/state";
import type { Order } from "./desk.ts";
import { PROVIDERS } from "./providers.ts";
import { recordedDesk } from "./recorded-desk.ts";

const ada = { userId: "ada", tenant: "demo-bank" };
const order: Order = { symbol: "EURUSD", side: "buy", quantity: "1000000", seconds: 30 };

describe("the desk", () => {
  it("publishes an RFQ's life in order: created, validated, distributed, quoted by several, expired when time is up", async () => {
    const { desk, clock, events, rfqs, typesOf } = recordedDesk();
    const { rfq } = await desk.request(ada, order);
    expect(events[0]).toMatchObject({
      type: "rfq.created",
      tenant: "demo-bank",
      data: {
        traderId: "ada",
        symbol: "EURUSD",
        side: "buy",
        quantity: 1_000_000,
        expiresAt: new Date(clock.now() + 30_000).toISOString(),
      },
    });
    await clock.pass(29_999);
    const types = typesOf(rfq.id);
    expect(types.slice(0, 3)).toEqual(["rfq.created", "rfq.validated", "rfq.distributed"]);
    const quoted = types.indexOf("rfq.quoted");
    expect(types.slice(quoted - 2, quoted + 1)).toEqual(["quote.received", "quotes.ranked", "rfq.quoted"]);
    expect(types.lastIndexOf("rfq.quoted")).toBe(quoted);
    expect(new Set(rfqs.get(rfq.id)?.quotes.map(({ lpId }) => lpId))).toEqual(new Set(PROVIDERS.map(({ id }) => id)));
    expect(types).not.toContain("rfq.expired");
    // The countdown shows its 0 before the RFQ is gone; nobody deals in between.
    await clock.pass(50);
    await expect(desk.accept(ada, rfq.id)).rejects.toMatchObject({ statusCode: 409, message: "the RFQ's time is up" });
    await clock.pass(51);
    expect(typesOf(rfq.id).at(-1)).toBe("rfq.expired");
    expect([clock.waiting, desk.openCount]).toEqual([0, 0]);
  });

  it("lets quotes change under their id, lapse and come again under another, each by its provider's habits", async () => {
    const { desk, clock, events } = recordedDesk();
    await desk.request(ada, { ...order, seconds: 300 });
    await clock.pass(300_000);
    const received = events.flatMap((each) => (each.type === "quote.received" ? [each.data] : []));
    const of = (lpId: string) => received.filter((each) => each.lpId === lpId);
    const changes = new Map(PROVIDERS.map(({ id }) => [id, of(id).length / new Set(of(id).map(({ quoteId }) => quoteId)).size]));
    expect(Math.min(...changes.values())).toBeGreaterThan(1);
    // The machine looks often, the old bank keeps its word for long.
    expect(of("lp-brightwater").length).toBeGreaterThan(2 * of("lp-alder").length);
    const lives = (lpId: string) => new Set(of(lpId).map(({ quoteId }) => quoteId)).size;
    expect(lives("lp-brightwater")).toBeGreaterThan(lives("lp-alder"));
    expect(events.some(({ type }) => type === "quote.expired")).toBe(true);
  });

  it("quotes the sides that were asked for, around the market of now", async () => {
    const { desk, clock, events, prices } = recordedDesk();
    const sides = { buy: ["askPrice"], sell: ["bidPrice"], "two-way": ["bidPrice", "askPrice"] };
    for (const side of ["buy", "sell", "two-way"] as const) {
      const { rfq } = await desk.request(ada, { ...order, side });
      await clock.pass(4000);
      const quotes = events.flatMap((each) =>
        each.type === "quote.received" && each.data.rfqId === rfq.id && each.data.status === "valid" ? [each.data] : [],
      );
      for (const quote of quotes) expect(Object.keys(quote).filter((name) => name.endsWith("Price"))).toEqual(sides[side]);
    }
    prices.take({ symbol: "EURUSD", source: "A", bid: "1.50000", ask: "1.50010" });
    const before = events.length;
    await clock.pass(5000);
    const changed = events
      .slice(before)
      .flatMap((each) => (each.type === "quote.received" ? [each.data.askPrice ?? each.data.bidPrice] : []));
    expect(changed.length).toBeGreaterThan(3);
    for (const price of changed) expect(price).toMatchObject({ digits: expect.stringMatching(/^1\.(499|500)\d\d$/) });
  });

  it("says how quotes rank whenever that changes, as the server's view would rank them, and does not repeat itself", async () => {
    const { desk, clock, events } = recordedDesk();
    const { rfq } = await desk.request(ada, { ...order, side: "two-way", seconds: 60 });
    await clock.pass(61_000);
    let folded: Rfq | undefined;
    let last: unknown;
    let changes = 0;
    for (const [index, event] of events.entries()) {
      folded = foldRfq(folded, event);
      if (event.type === "quotes.ranked") {
        expect(event.data.rankings).not.toEqual(last);
        last = event.data.rankings;
        changes++;
      }
      // What belongs together is written at one time.
      if (folded === undefined || events[index + 1]?.at === event.at) continue;
      const standing = rankedQuotes({ ...folded, ranks: {} }).filter(({ status }) => status === "valid");
      const said = rankedQuotes(folded).filter(({ status }) => status === "valid");
      expect(said).toEqual(standing);
    }
    expect(folded?.id).toBe(rfq.id);
    expect(changes).toBeGreaterThan(5);
    expect(changes).toBeLessThan(events.filter(({ type }) => type === "quote.received" || type === "quote.expired").length);
  });

  it("declines what is too much for a provider", async () => {
    const { desk, clock, rfqs } = recordedDesk();
    const { rfq } = await desk.request(ada, { ...order, quantity: "50000000" });
    await clock.pass(3000);
    const rejected = rfqs.get(rfq.id)?.quotes.filter(({ status }) => status === "rejected");
    expect(rejected?.map(({ lpId }) => lpId).sort()).toEqual(["lp-brightwater", "lp-copperfield", "lp-dunmore"]);
  });

  it("deals at the best price that stands, and at nothing else afterwards", async () => {
    const { desk, clock, events, rfqs } = recordedDesk();
    const { rfq } = await desk.request(ada, { ...order, quantity: new ExactNumber("1000000.50"), side: "two-way" });
    await expect(desk.accept(ada, rfq.id, { side: "sell" })).rejects.toMatchObject({ statusCode: 409, message: "no quote stands" });
    await clock.pass(4000);
    await expect(desk.accept(ada, rfq.id)).rejects.toMatchObject({ statusCode: 400 });
    const standing = rfqs.get(rfq.id)?.quotes.filter(({ status }) => status === "valid") ?? [];
    const bids = standing.map(({ bidPrice }) => bidPrice!).sort(compareDecimals);
    const trade = await desk.accept(ada, rfq.id, { side: "sell" });
    expect([String(trade.price), trade.quantity, trade.side]).toEqual([String(bids.at(-1)), 1_000_000.5, "sell"]);
    expect(events.at(-1)).toMatchObject({ type: "rfq.filled", data: { rfqId: rfq.id, tradeId: trade.tradeId, price: trade.price } });
    await expect(desk.accept(ada, rfq.id, { side: "sell" })).rejects.toMatchObject({ statusCode: 409, message: "the RFQ is filled" });
    await expect(desk.cancel(ada, rfq.id)).rejects.toMatchObject({ statusCode: 409 });
    expect(clock.waiting).toBe(0);
  });

  it("deals at the quote that was named, while it stands", async () => {
    const { desk, clock, rfqs } = recordedDesk();
    const { rfq } = await desk.request(ada, order);
    await clock.pass(3000);
    const quote = rfqs.get(rfq.id)?.quotes.findLast(({ status }) => status === "valid");
    await expect(desk.accept(ada, rfq.id, { quoteId: "none" })).rejects.toMatchObject({ statusCode: 409 });
    await expect(desk.accept(ada, rfq.id, { quoteId: quote?.id, side: "sell" })).rejects.toMatchObject({ statusCode: 400 });
    const { price, lpId } = await desk.accept(ada, rfq.id, { quoteId: quote?.id });
    expect([String(price), lpId]).toEqual([String(quote?.askPrice), quote?.lpId]);
  });

  it("stores what a deal makes of the books together with it, and lets an RFQ stand whose deal they object to", async () => {
    const answers = { objection: undefined as string | undefined };
    const { desk, clock, rfqs, alongside } = recordedDesk(1, {
      objectionTo: () => answers.objection,
      settle: (trader, { symbol, side, quantity }, write) => write([`${trader.userId} ${side} ${String(quantity)} ${symbol}`]),
    });
    const { rfq } = await desk.request(ada, order);
    await clock.pass(3000);
    answers.objection = "not enough available balance";
    await expect(desk.accept(ada, rfq.id)).rejects.toMatchObject({ statusCode: 409, message: "not enough available balance" });
    expect([rfqs.get(rfq.id)?.status, alongside]).toEqual(["quoted", []]);
    answers.objection = undefined;
    await desk.accept(ada, rfq.id);
    expect([rfqs.get(rfq.id)?.status, alongside]).toEqual(["filled", [["ada buy 1000000 EURUSD"]]]);
  });

  it("cancels for its trader alone; another's RFQ is as unknown as none", async () => {
    const { desk, events } = recordedDesk();
    const { rfq } = await desk.request(ada, order);
    for (const other of [
      { userId: "ben", tenant: "demo-bank" },
      { userId: "ada", tenant: "other" },
    ])
      await expect(desk.cancel(other, rfq.id)).rejects.toMatchObject({ statusCode: 404, message: `there is no RFQ ${rfq.id}` });
    await expect(desk.accept(ada, "none")).rejects.toMatchObject({ statusCode: 404, message: "there is no RFQ none" });
    await desk.cancel(ada, rfq.id);
    expect(events.at(-1)).toMatchObject({ type: "rfq.cancelled", data: { reason: "cancelled by the trader" } });
  });

  it("takes 20 open RFQs of a trader and 200 in all", async () => {
    const { desk } = recordedDesk();
    const trader = (n: number) => ({ userId: `user-${Math.floor(n / 20)}`, tenant: "demo-bank" });
    for (let n = 0; n < 20; n++) await desk.request(trader(n), order);
    await expect(desk.request(trader(0), order)).rejects.toMatchObject({ statusCode: 429 });
    for (let n = 20; n < 200; n++) await desk.request(trader(n), order);
    await expect(desk.request(ada, order)).rejects.toMatchObject({ statusCode: 429 });
  });

  it.each([
    { symbol: "XYZ" },
    { quantity: 0 },
    { quantity: "-1" },
    { quantity: "50000000.01" },
    { quantity: "1.001" },
    { seconds: 4 },
    { seconds: 301 },
    { seconds: 10.5 },
  ])("refuses an order with %o", async (wrong) => {
    const { desk, events } = recordedDesk();
    await expect(desk.request(ada, { ...order, ...wrong })).rejects.toMatchObject({ statusCode: 400 });
    expect(events).toEqual([]);
  });

  it("lets an RFQ go when the log contradicts it, and takes none while the server does not keep up", async () => {
    const { desk, clock, server } = recordedDesk();
    const { rfq } = await desk.request(ada, order);
    server.refuses = true;
    await clock.pass(1000);
    expect([clock.waiting, desk.openCount]).toEqual([0, 0]);
    await expect(desk.accept(ada, rfq.id)).rejects.toMatchObject({ statusCode: 409 });
    await expect(desk.request(ada, order)).rejects.toMatchObject({ statusCode: 503 });
    server.refuses = false;
    server.isBehind = true;
    await expect(desk.request(ada, order)).rejects.toMatchObject({ statusCode: 503 });
  });

  it("leaves nothing open when it closes", async () => {
    const { desk, clock, rfqs } = recordedDesk();
    for (let n = 0; n < 3; n++) await desk.request(ada, order);
    desk.close("the desk closed");
    expect([...rfqs.values()].map(({ status }) => status)).toEqual(["cancelled", "cancelled", "cancelled"]);
    expect(clock.waiting).toBe(0);
    await expect(desk.request(ada, order)).rejects.toMatchObject({ statusCode: 503 });
  });
});
