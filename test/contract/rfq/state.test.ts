/** Contract 20-rfq `RfqState`: what an RFQ looks like after each of its steps. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { type Body, type State, create, distribute, lapse, quote, rfqClients, say, tell } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newId = () => `s-${++last}`;

async function stateOf(rfqId: string): Promise<State> {
  const client = await connect();
  return (await client.follow(rfqId)).rfq;
}

const [yes, no] = [true, false];

describe("a quote", () => {
  it("told again is the same quote changed: what it no longer names is gone, and its place among ties stays", async () => {
    const rfqId = newId();
    await tell(server, [
      create(rfqId),
      quote(rfqId, "a", { askPrice: 2, bidPrice: 1, lpName: "A" }),
      quote(rfqId, "b", { askPrice: 2, bidSize: 5, askSize: "6", expiresAt: 1, margin: 1 }),
      quote(rfqId, "a", { askPrice: "2.0", lpId: "other" }),
    ]);
    const { quotes, composite } = await stateOf(rfqId);
    expect(quotes).toEqual([
      { id: "a", lpId: "other", lpName: "other", askPrice: "2.0", ranking: 1, isBestBid: no, isBestAsk: yes, status: "valid" },
      { id: "b", lpId: "lp-b", lpName: "lp-b", askPrice: 2, ranking: 2, isBestBid: no, isBestAsk: no, status: "valid" },
    ]);
    expect(composite).toEqual({ bestAsk: "2.0", quoteCount: 2 });
  });

  it("that lapsed stands again when it changes", async () => {
    const rfqId = newId();
    await tell(server, [create(rfqId), quote(rfqId, "a", { askPrice: 1 }), lapse(rfqId, "a")]);
    expect(await stateOf(rfqId)).toMatchObject({ quotes: [{ status: "expired" }], composite: { quoteCount: 0 } });
    await tell(server, [lapse(rfqId, "a"), quote(rfqId, "a", { askPrice: 2 })]);
    expect(await stateOf(rfqId)).toMatchObject({
      quotes: [{ status: "valid", askPrice: 2, isBestAsk: true }],
      composite: { bestAsk: 2, quoteCount: 1 },
    });
  });

  it.each(["rejected", "expired", "VALID", "pending", "withdrawn"])("of status %s does not count", async (status) => {
    const rfqId = newId();
    await tell(server, [create(rfqId), quote(rfqId, "a", { askPrice: 0, bidPrice: 7, status }), quote(rfqId, "b", { bidPrice: -1 })]);
    const { quotes, composite } = await stateOf(rfqId);
    expect(composite).toEqual({ bestBid: -1, quoteCount: 1 });
    expect(quotes.find(({ id }) => id === "a")).toMatchObject({ status, isBestBid: false, isBestAsk: false });
  });
});

describe("an RFQ", () => {
  it("shows after each step the status, the fields and the quotes that it has then", async () => {
    const rfqId = newId();
    const shown = async (step: Body) => {
      const answer = await (await connect()).follow(rfqId);
      const { rfq, eventId } = answer;
      expect(Object.keys(answer).toSorted()).toEqual(["eventId", "rfq", "serverTime", "success"]);
      expect(Object.keys(rfq).toSorted()).toEqual(["composite", "quotes", "rfq"]);
      expect(rfq.rfq).toEqual({
        id: rfqId,
        symbol: "EUR/USD",
        side: "buy",
        quantity: 1_000_000,
        expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        timeRemaining: expect.toSatisfy(Number.isInteger),
        ...step,
      });
      expect(eventId).toBe(newest);
    };
    let newest: string | undefined;
    const step = async (event: ReturnType<typeof say>) => {
      [newest] = await tell(server, [event]);
    };
    await step(create(rfqId, { expiresAt: "2000-01-01T00:00:00Z", status: "quoted" }));
    await shown({ status: "pending", expiresAt: "2000-01-01T00:00:00.000Z", timeRemaining: 0 });
    await step(say("rfq.validated", rfqId));
    await shown({ status: "validated", timeRemaining: 0 });
    const end = Date.now() + 3_600_000;
    await step(say("rfq.distributed", rfqId, { lpCount: 2, expiresAt: end }));
    await shown({
      status: "distributed",
      expiresAt: new Date(end).toISOString(),
      timeRemaining: expect.toSatisfy((left) => left >= 3590 && left < 3600),
    });
    await step(quote(rfqId, "q", { askPrice: 1 }));
    await shown({ status: "distributed" });
    await step(say("rfq.quoted", rfqId));
    await shown({ status: "quoted" });
    await step(say("rfq.extended", rfqId, { newExpiresAt: "2100-01-01T00:00:00.5+02:00" }));
    await shown({ status: "quoted", expiresAt: "2099-12-31T22:00:00.500Z" });
    await step(lapse(rfqId, "q"));
    await step(say("rfq.expired", rfqId));
    await shown({ status: "expired" });
  });

  it("that is over is still shown, to those who come later", async () => {
    const rfqId = newId();
    await tell(server, [
      create(rfqId),
      distribute(rfqId),
      quote(rfqId, "q", { askPrice: 1 }),
      say("rfq.filled", rfqId, { tradeId: "t", price: 1, quantity: 1 }),
    ]);
    expect(await stateOf(rfqId)).toMatchObject({
      rfq: { status: "filled" },
      quotes: [{ id: "q", ranking: 1 }],
      composite: { bestAsk: 1, quoteCount: 1 },
    });
  });
});
