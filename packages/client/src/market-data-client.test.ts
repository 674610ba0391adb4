import { describe, expect, it } from "vitest";
import { FakeEnvironment, idOf, settled } from "../testing/fake-environment.ts";
import { MarketDataClient, type PriceCallback } from "./market-data-client.ts";

const priceAt = (symbol: string, bid: number, offset: number) => ({
  symbol,
  bestBid: { price: bid, size: 1, source: "A" },
  timestamp: offset,
  eventId: idOf(offset),
});

async function connected() {
  const environment = new FakeEnvironment();
  const errors: unknown[] = [];
  const client = new MarketDataClient({ url: "http://test", environment, onError: (error) => errors.push(error) });
  await settled();
  environment.link.welcome();
  const price = async (symbol: string, bid: number, offset: number) => {
    const { eventId, ...data } = priceAt(symbol, bid, offset);
    environment.link.say({
      type: "event",
      topic: `symbol:${symbol}`,
      event: "market-data.best-price",
      eventId,
      time: "",
      data,
      key: symbol,
    });
    await settled();
  };
  return { environment, client, errors, price };
}

describe("prices", () => {
  it("come as they stand and then as they change, and name what cannot be had", async () => {
    const { environment, client, price } = await connected();
    const bids: unknown[] = [];
    const result = client.subscribe(["EUR/USD", "NONE", "MUCH"], ({ bestBid }) => bids.push(bestBid?.price));
    await settled();
    const [request] = environment.link.said("subscribe");
    expect(request?.topics).toEqual(["symbol:EUR/USD", "symbol:NONE", "symbol:MUCH"]);
    environment.link.say({
      type: "subscribed",
      ...(request?.id !== undefined && { id: request.id }),
      results: [
        { topic: "symbol:EUR/USD", ok: true },
        { topic: "symbol:NONE", ok: false, code: "BAD_REQUEST" },
        { topic: "symbol:MUCH", ok: false, code: "LIMIT_REACHED" },
      ],
      cut: idOf(1),
      snapshots: [{ topic: "symbol:EUR/USD", state: priceAt("EUR/USD", 1.1, 1) }],
    });
    expect(await result).toEqual({ subscribed: ["EUR/USD"], errors: ["NONE: invalid symbol", "MUCH: max subscriptions reached"] });
    await price("EUR/USD", 1.2, 2);
    expect(bids).toEqual([1.1, 1.2]);
  });

  it("are subscribed to once for many callbacks, and for as long as one wants them", async () => {
    const { environment, client, price } = await connected();
    const told: string[] = [];
    const [first, second] = [() => told.push("first"), () => told.push("second")];
    void client.subscribe(["EUR/USD"], first);
    void client.subscribe(["EUR/USD"], second);
    await settled();
    environment.link.accept({}, idOf(0));
    expect(environment.link.said("subscribe")).toHaveLength(1);
    expect(await client.unsubscribe(["EUR/USD"], first)).toEqual({ unsubscribed: ["EUR/USD"] });
    await price("EUR/USD", 1, 1);
    expect(told).toEqual(["second"]);
    expect(environment.link.said("unsubscribe")).toEqual([]);
    client.removeCallback("EUR/USD", second);
    client.removeCallback("EUR/USD", second);
    await settled();
    expect(environment.link.said("unsubscribe").map(({ topics }) => topics)).toEqual([["symbol:EUR/USD"]]);
  });

  it("reach the other callbacks when one throws", async () => {
    const { environment, client, errors, price } = await connected();
    const bids: unknown[] = [];
    void client.subscribe(["EUR/USD"], () => {
      throw new Error("a callback's own fault");
    });
    void client.subscribe(["EUR/USD"], ({ bestBid }) => bids.push(bestBid?.price));
    await settled();
    environment.link.accept({}, idOf(0));
    await price("EUR/USD", 1, 1);
    await price("EUR/USD", 2, 2);
    expect(bids).toEqual([1, 2]);
    expect(errors).toHaveLength(2);
  });

  it("come again after a lost connection, without anybody asking", async () => {
    const { environment, client, price } = await connected();
    const bids: unknown[] = [];
    void client.subscribe(["EUR/USD"], ({ bestBid }) => bids.push(bestBid?.price), { maxUpdatesPerSecond: 5 });
    await settled();
    environment.link.accept({}, idOf(0));
    await price("EUR/USD", 1, 1);
    expect(client.isConnected()).toBe(true);
    environment.link.end();
    expect(client.isConnected()).toBe(false);
    await environment.pass(2000);
    environment.link.welcome();
    await settled();
    expect(environment.link.said("subscribe")).toMatchObject([{ topics: ["symbol:EUR/USD"], maxUpdatesPerSecond: 5 }]);
    environment.link.accept({ "symbol:EUR/USD": priceAt("EUR/USD", 3, 3) }, idOf(3));
    await price("EUR/USD", 4, 4);
    expect(bids.at(-1)).toBe(4);
    client.disconnect();
    expect(environment.link.isClosed).toBe(true);
    expect(environment.alarms).toBe(0);
  });

  it("end for all only when as many references are given back as there are", async () => {
    const { environment, client, price } = await connected();
    const told: string[] = [];
    for (const name of ["first", "second"]) void client.subscribe(["EUR/USD", "XAU/USD"], ({ symbol }) => told.push(`${name} ${symbol}`));
    await settled();
    environment.link.accept({ "symbol:EUR/USD": null, "symbol:XAU/USD": null });
    expect(await client.unsubscribe(["EUR/USD", "EUR/USD", "NONE"])).toEqual({ unsubscribed: ["EUR/USD"] });
    await price("EUR/USD", 1, 1);
    expect(told.splice(0)).toEqual(["first EUR/USD", "second EUR/USD"]);
    expect(await client.unsubscribe(["EUR/USD"])).toEqual({ unsubscribed: ["EUR/USD"] });
    expect(await client.unsubscribe(["EUR/USD"])).toEqual({ unsubscribed: [] });
    await price("EUR/USD", 2, 2);
    await price("XAU/USD", 3, 3);
    expect(told).toEqual(["first XAU/USD", "second XAU/USD"]);
    expect(environment.link.said("unsubscribe").map(({ topics }) => topics)).toEqual([["symbol:EUR/USD"]]);
  });

  it("count references anew after the end", async () => {
    const { environment, client, price } = await connected();
    let told = 0;
    for (let round = 0; round < 2; round++) {
      for (let each = 0; each < 2; each++) void client.subscribe(["A"], () => (told += 1));
      await settled();
      environment.link.accept({ "symbol:A": null }, idOf(round));
      for (let each = 0; each < (round === 0 ? 2 : 1); each++) await client.unsubscribe(["A"]);
      await settled();
    }
    await price("A", 1, 5);
    expect(told).toBe(2);
  });

  it("come once to a callback that asks twice, at the rate it asked for last", async () => {
    const { environment, client, price } = await connected();
    const bids: unknown[] = [];
    const callback: PriceCallback = ({ bestBid }) => bids.push(bestBid?.price);
    void client.subscribe(["EUR/USD"], callback, { maxUpdatesPerSecond: 1 });
    await settled();
    environment.link.accept({ "symbol:EUR/USD": null });
    expect(await client.subscribe(["EUR/USD"], callback, { maxUpdatesPerSecond: 9 })).toEqual({ subscribed: ["EUR/USD"] });
    await price("EUR/USD", 1, 1);
    expect(bids).toEqual([1]);
    expect(environment.link.said("update")).toMatchObject([{ maxUpdatesPerSecond: 9 }]);
    client.removeCallback("EUR/USD", callback);
    await price("EUR/USD", 2, 2);
    expect(bids).toEqual([1]);
  });

  it("are known at once to who comes later, without asking the server again", async () => {
    const { environment, client } = await connected();
    void client.subscribe(["EUR/USD"], () => undefined);
    await settled();
    environment.link.accept({ "symbol:EUR/USD": priceAt("EUR/USD", 7, 1) }, idOf(1));
    const bids: unknown[] = [];
    expect(await client.subscribe(["EUR/USD"], ({ bestBid }) => bids.push(bestBid?.price))).toEqual({ subscribed: ["EUR/USD"] });
    expect([bids, environment.link.said("subscribe").length]).toEqual([[7], 1]);
  });

  it("that nobody will answer for are told so: let go meanwhile, or the connection closed", async () => {
    const { client } = await connected();
    const callback = () => undefined;
    const [letGo, closed] = [client.subscribe(["A"], callback), client.subscribe(["B"], callback)];
    client.removeCallback("A", callback);
    client.tape.close();
    expect([await letGo, await closed]).toEqual([
      { subscribed: [], errors: ["A: unsubscribed"] },
      { subscribed: [], errors: ["B: connection closed"] },
    ]);
    expect(await client.subscribe(["C"], callback)).toEqual({ subscribed: [], errors: ["C: connection closed"] });
  });

  it("over a connection of somebody else's end without it", async () => {
    const { environment, client, price } = await connected();
    const face = new MarketDataClient({ tape: client.tape });
    const told: unknown[] = [];
    void face.subscribe(["EUR/USD"], (each) => told.push(each));
    await settled();
    environment.link.accept({ "symbol:EUR/USD": null });
    face.disconnect();
    await price("EUR/USD", 1, 1);
    expect([told, environment.link.isClosed, client.isConnected()]).toEqual([[], false, true]);
    expect(environment.link.said("unsubscribe")).toHaveLength(1);
  });
});
