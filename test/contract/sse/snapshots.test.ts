/** Contract 50-sse: what stands when a stream begins, positions, and what they are worth as prices move (70-details "positions"). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "../server.ts";
import { ID, ISO, closeReaders, fresh, order, position, read, say } from "./reader.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
afterEach(closeReaders);

const user = async (word: string) => {
  const sub = fresh(word);
  return { sub, bearer: await token({ sub }) };
};
const price = async (symbol: string, bid: string, ask: string, tenantid = "tenant") => {
  expect((await publish(server.url, bestPrice(symbol, bid, ask, { tenantid }))).status).toBe(200);
};
const open = async (bearer: string, path = "positions") => {
  const stream = await read(server, `/api/stream/${path}?replay=none`, { bearer });
  const snapshot = await stream.first("position:update", (data) => data["snapshot"] === true);
  return { stream, snapshot };
};

describe("the snapshot", () => {
  it("of orders holds each as it stands, with the id of the event that it stands at", async () => {
    const { sub, bearer } = await user("orders");
    await say(server, order(sub, { id: "o-1" }));
    await say(server, order(sub, { id: "o-2", side: "sell" }));
    const ids = await say(server, order(sub, { id: "o-1", status: "filled", filledQuantity: "10", averagePrice: "150.20" }, "filled"));
    const stream = await read(server, "/api/stream/orders?replay=none", { bearer });
    const { data, id } = await stream.first("order:update");
    const line = { symbol: "AAPL", qty: "10" };
    expect(data).toEqual({
      snapshot: true,
      orders: [
        { ...line, orderId: "o-1", side: "buy", status: "filled", filledQty: "10", filledAvgPrice: "150.20" },
        { ...line, orderId: "o-2", side: "sell", status: "new", filledQty: "0" },
      ],
      timestamp: expect.stringMatching(ISO),
      eventId: ids[0],
    });
    expect(id).toBe(ids[0]);
  });

  it("of who has nothing is empty", async () => {
    const { bearer } = await user("nobody");
    const stream = await read(server, "/api/stream/trading", { bearer });
    const { data } = await stream.first("position:update");
    expect(stream.names()).toEqual(["connected", "order:update", "position:update"]);
    expect(stream.all("order:update")[0]?.data).toMatchObject({ snapshot: true, orders: [] });
    expect(data).toMatchObject({ snapshot: true, positions: [], totalValue: "0", eventId: expect.stringMatching(ID) });
  });

  it("of several messages gives a cursor with the last of them only: who is cut off in between has not had it all", async () => {
    const { sub, bearer } = await user("cut");
    await say(server, [order(sub), position(sub)]);
    const stream = await read(server, "/api/stream/trading?replay=none", { bearer });
    const positions = await stream.first("position:update");
    expect(stream.text().match(/^id: /gm)).toEqual(["id: "]);
    expect(stream.text()).toMatch(/"snapshot":true,"positions".*\nid: /);
    expect(positions.id).toBe(positions.data.eventId);
    const again = await read(server, "/api/stream/trading?lastEventId=nonsense", { bearer });
    await again.first("position:update");
    expect(again.names()).toEqual(["connected", "resync", "order:update", "position:update"]);
    expect(again.text().match(/^id: /gm)).toEqual(["id: "]);
  });
});

describe("positions", () => {
  it("are opened, updated, closed with quantity 0 and what was made, and are gone from snapshots then", async () => {
    const { sub, bearer } = await user("life");
    const { stream } = await open(bearer);
    await say(server, position(sub, { id: "p-1", symbol: "ONE" }));
    await say(server, position(sub, { id: "p-2", symbol: "TWO", side: "short", quantity: "5", currentPrice: "20.5" }));
    await say(server, position(sub, { id: "p-1", symbol: "ONE", quantity: "8", realizedPnL: "1.20" }, "updated"));
    const closed = { id: "p-1", symbol: "ONE", status: "closed", realizedPnL: "3.40", closedAt: "2026-01-03T00:00:00Z" };
    await say(server, position(sub, closed, "closed"));
    await stream.first("position:update", ({ positions: [first] }) => first?.["quantity"] === "0");
    const told = stream
      .all("position:update")
      .slice(1)
      .map(({ data }) => [data.positions, data["totalValue"]]);
    const one = { symbol: "ONE", entryPrice: "100.10", currentPrice: "100.10", unrealizedPnL: "0", realizedPnL: "0" };
    expect(told).toEqual([
      [[{ ...one, quantity: "10" }], "1001"],
      [[{ ...one, symbol: "TWO", quantity: "5", currentPrice: "20.5" }], "898.5"],
      [[{ ...one, quantity: "8", realizedPnL: "1.20" }], "698.3"],
      [[{ ...one, quantity: "0", realizedPnL: "3.40" }], "-102.5"],
    ]);
    const { snapshot } = await open(bearer);
    expect(snapshot.data.positions).toMatchObject([{ symbol: "TWO", quantity: "5" }]);
    expect(snapshot.data["totalValue"]).toBe("-102.5");
    await say(server, position(sub, { id: "p-1", symbol: "ONE" }, "updated"));
  });
});

describe("a price", () => {
  it("re-values long and short positions at the mid, in decimals, and what all are worth", async () => {
    const { sub, bearer } = await user("valued");
    const symbol = fresh("VAL");
    await say(server, [
      position(sub, { id: "l", symbol, quantity: "3", entryPrice: "0.1", currentPrice: "0.1" }),
      position(sub, { id: "s", symbol, side: "short", quantity: "1", entryPrice: "0.3", currentPrice: "0.3", unrealizedPnL: 0 }),
      position(sub, { id: "o", symbol: fresh("STILL"), quantity: "1", entryPrice: "7", currentPrice: "7" }),
    ]);
    const { stream, snapshot } = await open(bearer);
    expect(snapshot.data["totalValue"]).toBe("7");
    await price(symbol, "0.15", "0.25");
    const { data, id } = await stream.first("position:update", (each) => each["snapshot"] === undefined);
    expect(data).toEqual({
      positions: [
        {
          symbol,
          quantity: "3",
          entryPrice: "0.1",
          currentPrice: expect.stringMatching(/^0\.20?$/),
          unrealizedPnL: "0.3",
          realizedPnL: "0",
        },
        { symbol, quantity: "1", entryPrice: "0.3", currentPrice: expect.stringMatching(/^0\.20?$/), unrealizedPnL: 0.1, realizedPnL: "0" },
      ],
      totalValue: "7.4",
      timestamp: expect.stringMatching(ISO),
      eventId: expect.stringMatching(ID),
    });
    expect(id).toMatch(ID);
    const { snapshot: later } = await open(bearer, "trading");
    expect(later.data).toMatchObject({
      totalValue: "7.4",
      positions: [{ unrealizedPnL: "0.3" }, { unrealizedPnL: 0.1 }, { currentPrice: "7" }],
    });
  });

  it("of the public tenant counts too, the newer of both; another tenant's never", async () => {
    const { sub, bearer } = await user("public");
    const symbol = fresh("PUB");
    await say(server, position(sub, { symbol }));
    const { stream } = await open(bearer);
    await price(symbol, "1", "1", "foreign");
    await price(symbol, "111", "111", "public");
    const shown = async (currentPrice: string) =>
      stream.first("position:update", ({ positions: [first] }) => first?.["currentPrice"] === currentPrice);
    await shown("111");
    await price(symbol, "112", "112", "tenant");
    await shown("112");
    await price(symbol, "113", "113", "public");
    await shown("113");
    expect(stream.text()).not.toContain('"currentPrice":"1"');
  });

  it("that has no two sides, or comes before the position, changes nothing", async () => {
    const { sub, bearer } = await user("before");
    const symbol = fresh("BEF");
    await price(symbol, "500", "500");
    await say(server, position(sub, { symbol }));
    const { stream, snapshot } = await open(bearer);
    expect(snapshot.data.positions).toMatchObject([{ currentPrice: "100.10", unrealizedPnL: "0" }]);
    await say(server, { type: "market-data.best-price", data: { symbol, bestBid: null, bestAsk: null, timestamp: 1735819800000 } });
    await price(symbol, "101", "101");
    await stream.first("position:update", (data) => data["snapshot"] === undefined);
    expect(stream.all("position:update")).toHaveLength(2);
  });

  it("moves positions at most ten times a second, each time to the newest", async () => {
    const { sub, bearer } = await user("often");
    const symbol = fresh("OFT");
    await say(server, position(sub, { symbol }));
    const { stream } = await open(bearer);
    for (let each = 1; each <= 60; each++) await price(symbol, String(200 + each), String(200 + each));
    await stream.first("position:update", ({ positions: [first] }) => first?.["currentPrice"] === "260");
    const moved = stream.all("position:update").slice(1);
    const took = (moved.at(-1)?.at ?? 0) - (moved[0]?.at ?? 0);
    expect(moved.length).toBeLessThanOrEqual(2 + took / 95);
    const prices = moved.map(({ data }) => Number(data.positions[0]?.["currentPrice"]));
    expect(prices).toEqual([...prices].sort((a, b) => a - b));
  });

  it("is told of once more to who comes back with a cursor, without an id, and not where nothing moved", async () => {
    const { sub, bearer } = await user("back");
    const symbol = fresh("BCK");
    const [id = ""] = await say(server, position(sub, { symbol }));
    const back = async () => {
      const stream = await read(server, "/api/stream/positions", { bearer, headers: { "Last-Event-ID": id } });
      await stream.first("connected");
      return stream;
    };
    const still = await back();
    await price(symbol, "120.10", "120.10");
    expect((await still.first("position:update")).data.positions).toMatchObject([{ unrealizedPnL: "200" }]);
    expect(still.all("position:update")).toHaveLength(1);
    const behind = await back();
    await behind.first("position:update");
    expect(behind.text()).toContain('"currentPrice":"120.1"');
    // The price is newer than the cursor, and its own message may tell it as well.
    await say(server, position(sub, { symbol, quantity: "11" }, "updated"));
    await behind.first("position:update", ({ positions: [first] }) => first?.["quantity"] === "11");
    const before = behind.all("position:update").slice(0, -1);
    expect(before.map(({ data, id: own }) => [data.positions[0]?.["currentPrice"], own])).toEqual([["120.1", undefined]]);
    await until(() => behind.all("position:update").at(-1)?.id !== undefined);
  });
});
