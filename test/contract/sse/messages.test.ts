/** Contract 50-sse "Wire format" and its table of events: every field of every message, on every stream. */
import { EventSource } from "eventsource";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "../server.ts";
import { ID, ISO, alert, blocksOf, closeReaders, fresh, idsOf, order, position, read, say } from "./reader.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: {
      BROADTAPE_LIMIT_HEARTBEAT_MS: "400",
      BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000",
      BROADTAPE_PUBLIC_TENANT: "tenant",
    },
  });
});
afterAll(() => server.remove());
afterEach(closeReaders);

const user = async (word: string, permissions: readonly string[] = []) => {
  const sub = fresh(word);
  return { sub, bearer: await token({ sub, permissions }) };
};
const register = (strategyId: string, userId: string) =>
  say(server, { type: "strategy.registered", data: { strategyId, userId, name: "A strategy" } });

describe("every stream", () => {
  it("begins with `connected`, whose client id names user, stream and a time of its own", async () => {
    const { sub, bearer } = await user("first");
    const strategyId = fresh("strategy");
    await register(strategyId, sub);
    for (const name of ["orders", "positions", "trading", "ai-decisions", "strategies", "alerts", "prices"]) {
      const path = `/api/stream/${name}${name === "strategies" ? `/${strategyId}` : ""}`;
      const [one, other] = await Promise.all([read(server, path, { bearer }), read(server, path, { bearer })]);
      const [a, b] = [await one.first("connected"), await other.first("connected")];
      expect(one.text().startsWith("event: connected\ndata: {")).toBe(true);
      expect(a.data).toEqual({ clientId: expect.any(String), stream: name, timestamp: expect.stringMatching(ISO) });
      expect(a.data["clientId"]).toBe(`${sub}-${name}-${Date.parse(a.data.timestamp)}`);
      expect(b.data["clientId"]).not.toBe(a.data["clientId"]);
      closeReaders();
    }
    const nobody = await read(server, "/api/stream/prices", { bearer: null });
    expect((await nobody.first("connected")).data["clientId"]).toMatch(/^anonymous-prices-\d{13}$/);
  });

  it("says with each event how long to wait before coming back, ids of the log, and beats without one when it is quiet", async () => {
    const { sub, bearer } = await user("quiet");
    const stream = await read(server, "/api/stream/trading", { bearer });
    const [id = ""] = await say(server, order(sub));
    await stream.first("order:update", (data) => data["orderId"] === "o-1");
    const beat = await stream.first("heartbeat", (data) => data["lastEventId"] === id);
    expect(beat.data).toEqual({ timestamp: expect.stringMatching(ISO), lastEventId: id });
    expect(stream.text()).toContain(": keepalive\n\nevent: heartbeat\ndata: {");
    expect(stream.comments).toContain(" keepalive".trim());
    for (const block of blocksOf(stream.text())) {
      expect(block).toMatch(/^event: [a-z:]+\ndata: \{.*\}\n(id: \d{13}-[0-9a-z]{14}\n)?retry: 5000$/);
      if (block.startsWith("event: heartbeat")) expect(block).not.toContain("\nid:");
      if (block.startsWith('event: order:update\ndata: {"orderId"')) expect(block).toContain(`\nid: ${id}\n`);
    }
  });

  it("is told of agents of the tenant, and of no others'", async () => {
    const { sub, bearer } = await user("agents");
    const strategyId = fresh("strategy");
    await register(strategyId, sub);
    const names = ["orders", "positions", "trading", "ai-decisions", `strategies/${strategyId}`, "alerts", "prices"];
    const streams = await Promise.all(names.map((name) => read(server, `/api/stream/${name}`, { bearer })));
    for (const stream of streams) await stream.first("connected");
    await say(server, { type: "agent.status", data: { agentId: "theirs", status: "busy" } }, "another");
    const [id] = await say(server, { type: "agent.status", data: { agentId: "a-1", status: "busy", load: "0.50", apiKey: "k" } });
    for (const stream of streams) {
      const event = await stream.first("agent:status");
      expect(event.id).toBe(id);
      expect(event.data).toEqual({
        agentId: "a-1",
        status: "busy",
        load: "0.50",
        apiKey: "[redacted]",
        timestamp: expect.stringMatching(ISO),
        eventId: id,
      });
    }
    for (const stream of streams) expect(stream.all("agent:status")).toHaveLength(1);
  });

  it("lets no line break of a value begin a field, in any spelling", async () => {
    const { sub, bearer } = await user("breaks");
    const stream = await read(server, "/api/stream/alerts", { bearer });
    await stream.first("connected");
    const nasty = "a\nid: 1\r\nevent: evil\rdata: {}\n\n\u2028b\u2029c\u0085d\u0000e\ufeff\ud83d\udcb9";
    await say(server, alert(sub, nasty));
    expect((await stream.first("alert:new")).data["message"]).toBe(nasty);
    expect(blocksOf(stream.text())).toHaveLength(2);
    expect(stream.text()).not.toContain("\r");
  });
});

describe("orders", () => {
  it("become order:update and order:fill with the fields of the contract, digits as they were published", async () => {
    const { sub, bearer } = await user("orders");
    const stream = await read(server, "/api/stream/orders", { bearer });
    await stream.first("order:update");
    const time = "2026-01-02T12:30:00.5+01:00";
    await say(server, { ...order(sub, { id: "o-1", quantity: "10.00" }), time });
    await say(server, order(sub, { status: "partially_filled", filledQuantity: "4.0", averagePrice: "150.250" }, "filled"));
    await say(server, order(sub, { status: "working", filledQuantity: "10", averagePrice: "150.30" }, "filled"));
    await say(server, order(sub, { id: "o-2", status: "canceled" }, "cancelled", { reason: "too late" }));
    await say(server, order(sub, { id: "o-3", status: "rejected" }, "rejected", { reason: "no money" }));
    await say(server, order(sub, { id: "o-4", status: "cancelled" }, "cancelled"));
    await stream.first("order:update", (data) => data["orderId"] === "o-4");
    const head = { timestamp: expect.stringMatching(ISO), eventId: expect.stringMatching(ID) };
    const told = stream.events.slice(2).map(({ name, data }) => [name, data]);
    const line = { symbol: "AAPL", side: "buy", qty: "10", filledQty: "0", ...head };
    expect(told).toEqual([
      ["order:update", { ...line, orderId: "o-1", qty: "10.00", status: "new", timestamp: "2026-01-02T11:30:00.500Z" }],
      ["order:fill", { orderId: "o-1", symbol: "AAPL", status: "partially_filled", filledQty: "4.0", filledAvgPrice: "150.250", ...head }],
      ["order:fill", { orderId: "o-1", symbol: "AAPL", status: "filled", filledQty: "10", filledAvgPrice: "150.30", ...head }],
      ["order:update", { ...line, orderId: "o-2", status: "canceled", reason: "too late" }],
      ["order:update", { ...line, orderId: "o-3", status: "rejected", reason: "no money" }],
      ["order:update", { ...line, orderId: "o-4", status: "cancelled" }],
    ]);
    for (const { data, id } of stream.events.slice(2)) expect(data.eventId).toBe(id);
  });

  it("keep the digits of numbers too", async () => {
    const { sub, bearer } = await user("digits");
    const stream = await read(server, "/api/stream/orders", { bearer });
    await stream.first("order:update");
    const text = JSON.stringify(order(sub)).replace('"quantity":"10"', '"quantity":12345678901234567890.10');
    expect((await publish(server.url, text)).status).toBe(200);
    const { text: told } = await stream.first("order:update", (data) => data["orderId"] === "o-1");
    expect(told).toContain('"qty":12345678901234567890.10,');
  });
});

describe("the trading stream", () => {
  it("tells of orders, positions and trades in the order in which they happened, a batch in one piece", async () => {
    const { sub, bearer } = await user("desk");
    const stream = await read(server, "/api/stream/trading", { bearer });
    await stream.first("position:update");
    const trade = {
      id: "t-1",
      orderId: "o-1",
      symbol: "AAPL",
      side: "buy",
      type: "entry",
      quantity: "10",
      price: "150.10",
      value: "1501.00",
      fee: "0.10",
      executedAt: 1735819800000,
    };
    const ids = await say(server, [
      order(sub, { status: "filled", filledQuantity: "10", averagePrice: "150.10" }, "filled"),
      { type: "trading.trade.executed", data: { userId: sub, trade } },
      { type: "trading.balance.updated", data: { userId: sub, balance: { currency: "USD", total: "1", available: "1", locked: "0" } } },
      position(sub, { entryPrice: "150.10", currentPrice: "150.10" }),
    ]);
    await stream.first("position:update", (data) => data["snapshot"] === undefined);
    expect(stream.events.slice(3).map(({ name, id }) => [name, id])).toEqual([
      ["order:fill", ids[0]],
      ["trade:new", ids[1]],
      ["position:update", ids[3]],
    ]);
    expect(stream.all("trade:new")[0]?.data).toEqual({
      tradeId: "t-1",
      orderId: "o-1",
      symbol: "AAPL",
      side: "buy",
      type: "entry",
      quantity: "10",
      price: "150.10",
      value: "1501.00",
      fee: "0.10",
      executedAt: "2025-01-02T12:10:00.000Z",
      timestamp: expect.stringMatching(ISO),
      eventId: ids[1],
    });
    expect(stream.events.at(-1)?.data).toEqual({
      positions: [{ symbol: "AAPL", quantity: "10", entryPrice: "150.10", currentPrice: "150.10", unrealizedPnL: "0", realizedPnL: "0" }],
      totalValue: "1501",
      timestamp: expect.stringMatching(ISO),
      eventId: ids[3],
    });
  });
});

describe("the other streams", () => {
  it("tell of decisions with whatever their maker put into them, strategies, alerts of each level", async () => {
    const { sub, bearer } = await user("others");
    const strategyId = fresh("strategy");
    await register(strategyId, sub);
    const [decisions, strategy, alerts] = await Promise.all(
      ["ai-decisions", `strategies/${strategyId}`, "alerts"].map((name) => read(server, `/api/stream/${name}?replay=none`, { bearer })),
    );
    for (const each of [decisions, strategy, alerts]) await each?.first("connected");
    const head = { timestamp: expect.stringMatching(ISO), eventId: expect.stringMatching(ID) };
    await say(server, { type: "ai.decision", data: { userId: sub, model: "m", why: { deep: ["x", 1.5] } } });
    expect((await decisions?.first("ai:decision"))?.data).toEqual({ userId: sub, model: "m", why: { deep: ["x", 1.5] }, ...head });
    const signal = { strategyId, signal: "cross", symbol: "AAPL", action: "buy", confidence: "0.90", reasoning: "up" };
    await say(server, { type: "strategy.signal", data: signal });
    await say(server, { type: "strategy.status", data: { strategyId, status: "error", error: "broke" } });
    await strategy?.first("strategy:update", (data) => data["status"] === "error");
    expect(strategy?.all("strategy:update").map(({ data }) => data)).toMatchObject([
      { ...signal, ...head },
      { strategyId, status: "error", error: "broke", ...head },
    ]);
    for (const level of ["info", "warning", "error"]) await say(server, alert(sub, "look", level));
    await alerts?.first("alert:new", (data) => data["level"] === "error");
    expect(alerts?.all("alert:new").map(({ data }) => data)).toEqual(
      ["info", "warning", "error"].map((level) => ({ alertId: expect.any(String), level, message: "look", ...head })),
    );
  });

  it("are read by EventSource, whose last event id is the newest event's", async () => {
    const { sub, bearer } = await user("source");
    const source = new EventSource(`${server.url}/api/stream/alerts?token=${bearer}`);
    await new Promise((resolve) => source.addEventListener("connected", resolve));
    const event = new Promise<MessageEvent>((resolve) => source.addEventListener("alert:new", (each) => resolve(each)));
    const [id] = await say(server, alert(sub, "hello"));
    expect((await event).lastEventId).toBe(id);
    source.close();
  });
});

describe("GET /api/stream/metrics", () => {
  it("tells anybody the totals, and operators the users of their own tenant", async () => {
    const tenantId = fresh("tenant");
    const bearerOf = (sub: string, permissions: readonly string[] = []) => token({ sub, tenantId, permissions });
    const [ann, ben] = [await bearerOf("ann"), await bearerOf("ben")];
    const readers = [
      await read(server, "/api/stream/orders", { bearer: ann }),
      await read(server, "/api/stream/alerts", { bearer: ann }),
      await read(server, "/api/stream/prices", { bearer: ben }),
      await read(server, "/api/stream/prices", { bearer: null }),
    ];
    for (const each of readers) await each.first("connected");
    const asNobody = await (await read(server, "/api/stream/metrics", { bearer: null })).json();
    expect(asNobody).toEqual({ timestamp: expect.stringMatching(ISO), totalClients: 4, totalUsers: 3, clientsPerUser: [] });
    for (const bearer of [ann, "nonsense"]) {
      expect(await (await read(server, "/api/stream/metrics", { bearer })).json()).toMatchObject({ totalClients: 4, clientsPerUser: [] });
    }
    const counts = async (bearer: string) => (await (await read(server, "/api/stream/metrics", { bearer })).json())["clientsPerUser"];
    expect(await counts(await bearerOf("op", ["stream:admin"]))).toEqual([
      { userId: "ann", clientCount: 2 },
      { userId: "ben", clientCount: 1 },
    ]);
    expect(await counts(await token({ permissions: ["stream:admin"], tenantId: "another" }))).toEqual([]);
    readers[0]?.close();
    await until(async () => (await (await read(server, "/api/stream/metrics", { bearer: null })).json())["totalClients"] === 3);
  });
});

describe("POST /api/stream/test", () => {
  const path = "/api/stream/test";
  it("reaches every client of the operator's tenant, and answers how many", async () => {
    const tenantId = fresh("tenant");
    const mine = await read(server, "/api/stream/orders", { bearer: await token({ tenantId }) });
    const zipped = await read(server, "/api/stream/prices", { bearer: await token({ tenantId }), gzip: true });
    const theirs = await read(server, "/api/stream/orders");
    for (const each of [mine, zipped, theirs]) await each.first("connected");
    const admin = await token({ tenantId, permissions: ["stream:admin"] });
    const answer = await read(server, path, { method: "POST", bearer: admin, body: '{"message":"is\\nanybody there?"}' });
    expect([answer.status, await answer.json()]).toEqual([200, { clients: 2 }]);
    for (const each of [mine, zipped]) {
      expect((await each.first("test")).data).toEqual({ message: "is\nanybody there?", timestamp: expect.stringMatching(ISO) });
    }
    const bare = await read(server, path, { method: "POST", bearer: admin });
    expect([bare.status, await bare.json()]).toEqual([200, { clients: 2 }]);
    expect(theirs.all("test")).toEqual([]);
  });

  it("is for operators: 401, 403, 400", async () => {
    const admin = await token({ permissions: ["stream:admin"] });
    for (const [bearer, body, status, error] of [
      [null, "{}", 401, "Unauthorized"],
      ["nonsense", "{}", 401, "Unauthorized"],
      [await token(), "{}", 403, "Forbidden"],
      [admin, "{", 400, "Bad Request"],
      [admin, '{"message":5}', 400, "Bad Request"],
      [admin, JSON.stringify({ message: "x".repeat(1025) }), 400, "Bad Request"],
    ] as const) {
      const answer = await read(server, path, { method: "POST", bearer, body });
      expect(answer.status).toBe(status);
      expect(await answer.json()).toEqual({ error, message: expect.any(String), statusCode: status });
    }
    const preflight = await read(server, path, { method: "OPTIONS", bearer: null });
    expect([preflight.status, preflight.headers["access-control-allow-methods"]]).toEqual([200, "POST, OPTIONS"]);
  });
});

describe("ids", () => {
  it("grow on each stream and name each event once", async () => {
    const { sub, bearer } = await user("ids");
    const stream = await read(server, "/api/stream/trading", { bearer });
    await stream.first("position:update");
    for (let batch = 0; batch < 5; batch++) {
      await publish(server.url, bestPrice("AAPL", `${batch + 1}.0`, `${batch + 1}.5`));
      const drafts = Array.from({ length: 20 }, (_, each) => order(sub, { id: `o-${batch}-${each}` }));
      idsOf(await publish(server.url, drafts));
    }
    await stream.first("order:update", (data) => data["orderId"] === "o-4-19");
    const ids = stream
      .all("order:update")
      .slice(1)
      .map(({ id }) => id ?? "");
    expect(ids).toHaveLength(100);
    expect(ids).toEqual([...new Set(ids)].sort());
  });
});
