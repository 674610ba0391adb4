/** Contract 20-rfq, the table of messages: each with its fields and nothing else, its digits and its ids as they were published. */
import { io as ioNow } from "socket.io-client";
import { io as io40 } from "socket.io-client-4-0";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { EVENT_ID, cancel, create, distribute, inSeconds, quote, rank, rfqClients, say, tell, upToNow } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `m-${++last}`;

const MORE = { secret: "not for clients", traderId: "somebody", symbol: "X", eventId: "mine", status: "mine", serverTime: 1, tenant: "x" };

describe.each([
  ["4.8", ioNow],
  ["4.0", io40],
])("socket.io-client %s", (_version, io) => {
  it("is told of each event what the table names, and nothing else that the publisher wrote", async () => {
    const rfqId = newId();
    const later = "2031-01-02T03:04:05+01:00";
    const client = await connect({}, io);
    await client.ask("subscribe:trader");
    const { traderId: _trader, symbol: _symbol, ...more } = MORE;
    await tell(server, [create(rfqId, more)]);
    await client.first("rfq:created");
    await client.follow(rfqId);
    const { status: _status, ...rest } = MORE;
    await tell(server, [
      say("rfq.validated", rfqId, MORE),
      say("rfq.distributed", rfqId, { ...MORE, lpCount: 0, expiresAt: inSeconds(500) }),
      quote(rfqId, "q", { ...rest, bidPrice: 1, askPrice: null, lpName: null, bidSize: 5, askSize: "6", expiresAt: later, status: "odd" }),
      say("quotes.ranked", rfqId, { ...MORE, rankings: [{ quoteId: "q", ranking: 1, isBestBid: true, isBestAsk: false, note: "x" }] }),
      say("quote.expired", rfqId, { ...MORE, quoteId: "q", lpId: "other" }),
      say("rfq.quoted", rfqId, MORE),
      say("rfq.extended", rfqId, { ...MORE, newExpiresAt: later }),
      say("rfq.filled", rfqId, { ...MORE, tradeId: "t", price: "1.10", quantity: 7 }),
    ]);
    await client.first("rfq:filled");
    const eventId = expect.stringMatching(EVENT_ID);
    const symbol = "EUR/USD";
    expect(client.steps(rfqId)).toEqual([
      [
        "rfq:created",
        {
          rfqId,
          symbol,
          side: "buy",
          quantity: 1_000_000,
          status: "pending",
          expiresAt: expect.any(String),
          serverTime: expect.any(Number),
          eventId,
        },
      ],
      ["rfq:status", { rfqId, status: "validated", eventId }],
      ["rfq:distributed", { rfqId, status: "distributed", lpCount: 0, eventId }],
      ["quote:received", { rfqId, quoteId: "q", lpId: "lp-q", bidPrice: 1, status: "odd", eventId }],
      ["quotes:ranked", { rfqId, rankings: [{ quoteId: "q", ranking: 1, isBestBid: true, isBestAsk: false }], eventId }],
      ["quote:expired", { rfqId, quoteId: "q", lpId: "other", eventId }],
      ["rfq:status", { rfqId, status: "quoted", eventId }],
      ["rfq:extended", { rfqId, newExpiresAt: "2031-01-02T02:04:05.000Z", eventId }],
      ["rfq:filled", { rfqId, symbol, tradeId: "t", price: "1.10", quantity: 7, eventId }],
    ]);
    const ids = client.steps(rfqId).map(([, body]) => String(body["eventId"]));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    expect(client.all("rfq:created")[0]?.["serverTime"]).toBeGreaterThan(Date.now() - 30_000);
  });

  it("tells the ends to those on the RFQ, those on its trader's feed, and once to those on both", async () => {
    const ends = { filled: { tradeId: "t", price: 0, quantity: "1.0" }, expired: {}, cancelled: { reason: "" } };
    const trader = await connect({}, io);
    await trader.ask("subscribe:trader", { traderId: "ann" });
    const both = await connect({}, io);
    await both.ask("subscribe:trader", null);
    const follower = await connect({}, io);
    for (const [name, fields] of Object.entries(ends)) {
      const rfqId = newId();
      await tell(server, [create(rfqId)]);
      for (const each of [both, follower]) await each.follow(rfqId);
      await tell(server, [quote(rfqId, "q", { askPrice: 1 }), say(`rfq.${name}`, rfqId, fields)]);
      for (const each of [trader, both, follower]) await upToNow(server, each);
      const step = [`rfq:${name}`, { rfqId, symbol: "EUR/USD", ...fields, eventId: expect.stringMatching(EVENT_ID) }];
      expect(trader.steps(rfqId)).toEqual([["rfq:created", expect.anything()], step]);
      expect(follower.steps(rfqId)).toEqual([["quote:received", expect.anything()], step]);
      expect(both.steps(rfqId)).toEqual([["rfq:created", expect.anything()], ["quote:received", expect.anything()], step]);
    }
  });
});

describe("digits", () => {
  const DIGITS = [
    "1.0850",
    '"1.10"',
    "1e3",
    "1E-7",
    "-0.00",
    "0",
    '"-3.50"',
    `${"9".repeat(15)}.${"1".repeat(15)}`,
    "123456789012345678901234567890",
  ];

  it.each(DIGITS)("%s reaches clients byte for byte, live, in the state and resumed", async (digits) => {
    const rfqId = newId();
    const event = (type: string, fields: string) => `{"type":"${type}","data":{"rfqId":"${rfqId}",${fields}}}`;
    const client = await connect();
    await client.ask("subscribe:trader");
    const [created] = await tell(server, [
      event("rfq.created", `"traderId":"ann","symbol":"EUR/USD","side":"two-way","quantity":${digits},"expiresAt":"${inSeconds(60)}"`),
    ]);
    await client.first("rfq:created");
    await client.follow(rfqId);
    await tell(server, [
      event("quote.received", `"quoteId":"q","lpId":"lp","bidPrice":${digits},"askPrice":${digits},"status":"valid"`),
      event("rfq.filled", `"tradeId":"t","price":${digits},"quantity":${digits}`),
    ]);
    await client.first("rfq:filled");
    const resumed = await connect();
    await resumed.follow(rfqId, created);
    for (const { texts, name } of [
      { texts: client.texts, name: "live" },
      { texts: resumed.texts, name: "resumed" },
    ]) {
      const has = (...parts: string[]) => expect({ name, has: texts.some((text) => parts.every((part) => text.includes(part))) });
      has('"quote:received"', `"bidPrice":${digits},`, `"askPrice":${digits},`).toEqual({ name, has: true });
      has('"rfq:filled"', `"price":${digits},`, `"quantity":${digits},`).toEqual({ name, has: true });
      has('"success":true', `"quantity":${digits},`).toEqual({ name, has: true });
    }
    const state = resumed.texts.find((text) => text.includes('"success":true'));
    for (const field of ["bidPrice", "askPrice", "bestBid", "bestAsk"]) expect(state).toContain(`"${field}":${digits}`);
    expect(state).toContain('"spread":0');
    expect(client.texts.some((text) => text.includes('"rfq:created"') && text.includes(`"quantity":${digits},`))).toBe(true);
  });

  it.each(["1e400", '"1e3"', '"+1"', '"1."', '" 1"', '"NaN"', "true", '""', "[]", `"${"1".repeat(41)}"`])(
    "%s is no price",
    async (digits) => {
      const rfqId = newId();
      await tell(server, [create(rfqId)]);
      const event = `{"type":"quote.received","data":{"rfqId":"${rfqId}","quoteId":"q","lpId":"l","status":"valid","bidPrice":${digits}}}`;
      await expect(tell(server, [event])).rejects.toThrow(/422 .*data\.bidPrice/);
    },
  );
});

describe("ids and texts", () => {
  it.each(["constructor", "0", "a:b", "a/b=c+d~e", "rfq:x", "hasOwnProperty", `x${"y".repeat(127)}`, "A@B#1"])(
    "an RFQ may be called %s",
    async (rfqId) => {
      await tell(server, [create(rfqId)]);
      const client = await connect();
      await client.follow(rfqId);
      await tell(server, [distribute(rfqId), quote(rfqId, "q", { askPrice: 1 }), cancel(rfqId)]);
      await client.first("rfq:cancelled");
      expect(client.steps(rfqId).map(([step]) => step)).toEqual(["rfq:distributed", "quote:received", "rfq:cancelled"]);
      expect(client.all("rfq:countdown").every((tick) => tick["rfqId"] === rfqId)).toBe(true);
    },
  );

  it.each(["constructor", "__proto__", "toString", "1", "ключ ☃ 😀", ' "\\\n\u2028', "\u0000", "x".repeat(128)])(
    "a quote may be called %j: changed, ranked and expired like any other",
    async (quoteId) => {
      const rfqId = newId();
      const lpName = `Bänk „${quoteId.slice(0, 20)}“ 银行`;
      await tell(server, [create(rfqId), quote(rfqId, "first", { askPrice: 2 })]);
      const client = await connect();
      await client.follow(rfqId);
      await tell(server, [quote(rfqId, quoteId, { askPrice: 1, lpName, lpId: quoteId })]);
      const watcher = await connect();
      const before = await watcher.follow(rfqId);
      expect(before.rfq.quotes[0]).toEqual({
        id: quoteId,
        lpId: quoteId,
        lpName,
        askPrice: 1,
        ranking: 1,
        isBestBid: false,
        isBestAsk: true,
        status: "valid",
      });
      await tell(server, [quote(rfqId, quoteId, { askPrice: 3, lpId: quoteId }), rank(rfqId, [[quoteId, 1, true, false]])]);
      expect((await watcher.follow(rfqId)).rfq.quotes).toMatchObject([
        { id: quoteId, askPrice: 3, ranking: 1, isBestBid: true, isBestAsk: false },
        { id: "first", ranking: 2, isBestAsk: true },
      ]);
      await tell(server, [say("quote.expired", rfqId, { quoteId, lpId: quoteId }), say("rfq.cancelled", rfqId, { reason: lpName })]);
      expect((await client.first("quotes:ranked"))["rankings"]).toMatchObject([{ quoteId }]);
      expect(await client.first("quote:expired")).toMatchObject({ quoteId });
      expect(await client.first("rfq:cancelled")).toMatchObject({ reason: lpName });
      expect(client.all("quote:received")).toMatchObject([{ quoteId, lpName }, { quoteId }]);
    },
  );
});
