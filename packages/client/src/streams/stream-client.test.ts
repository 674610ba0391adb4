import { describe, expect, it } from "vitest";
import { idOf } from "../../testing/fake-environment.ts";
import { FakeStreamEnvironment, TIME, turn } from "../../testing/fake-streams.ts";
import { StreamClient, type StreamClientOptions } from "./stream-client.ts";

async function open(options: Partial<StreamClientOptions> = {}, environment = new FakeStreamEnvironment()) {
  const errors: unknown[] = [];
  const client = new StreamClient({
    url: "https://tape.example/",
    stream: "orders",
    environment,
    onError: (error) => errors.push(error),
    ...options,
  });
  const told: unknown[] = [];
  for (const name of ["order:update", "order:fill", "alert:new", "resync", "limit"] as const)
    client.on(name, (message) => told.push([name, message]));
  await turn();
  return { client, environment, errors, told, state: () => client.status.get().state };
}

const line = (orderId: string, over: object = {}) => ({
  orderId,
  symbol: "AAPL",
  side: "buy",
  qty: "10",
  status: "open",
  filledQty: "0",
  ...over,
});
const snapshot = (...orders: readonly object[]) => ({ snapshot: true, orders });

describe("a stream is asked for", () => {
  it.each([
    ["with a token in a header", { token: "secret" }, "/api/stream/orders", "include", { Authorization: "Bearer secret" }],
    ["with a token that is fetched", { token: async () => "fresh" }, "/api/stream/orders", "include", { Authorization: "Bearer fresh" }],
    ["with the browser's cookie", {}, "/api/stream/orders", "include", {}],
    [
      "for some symbols, by anybody",
      { stream: "prices", symbols: ["B", "A/B"] },
      "/api/stream/prices?symbols=A%2FB%2CB",
      "same-origin",
      {},
    ],
    ["for somebody of one's team", { stream: "trading", userId: "ben" }, "/api/stream/trading?userId=ben", "include", {}],
    ["for a strategy", { stream: "strategies", strategyId: "a/b" }, "/api/stream/strategies/a%2Fb", "include", {}],
  ] as const)("%s", async (_case, options, path, credentials, headers) => {
    const { environment } = await open(options);
    expect(environment.stream.url).toBe(`https://tape.example${path}`);
    expect(environment.stream.init).toMatchObject({ credentials, cache: "no-store" });
    expect(environment.stream.headers).toEqual({ Accept: "text/event-stream", ...headers });
  });

  it("and not where the request makes no sense", () => {
    expect(() => new StreamClient({ url: "http://test", stream: "strategies" })).toThrow("strategyId");
  });
});

describe("a stream of orders", () => {
  it("is the snapshot, then what becomes of each: nothing goes back, and a fill says less than an order", async () => {
    const { client, environment, state } = await open();
    expect(state()).toBe("connecting");
    await environment.stream.greet();
    expect(state()).toBe("live");
    await environment.stream.tell("order:update", 1, line("early"));
    expect(client.stores.orders.get()).toEqual([]);
    await environment.stream.tell("order:update", 5, snapshot(line("o1"), line("o2")));
    const before = client.stores.orders.get();
    expect(client.stores.orders.get()).toBe(before);
    await environment.stream.tell("order:fill", 7, {
      orderId: "o1",
      symbol: "AAPL",
      status: "filled",
      filledQty: "10",
      filledAvgPrice: "1.50",
    });
    await environment.stream.tell("order:update", 6, line("o1"));
    expect(client.stores.orders.get()).toEqual([
      { ...line("o1", { status: "filled", filledQty: "10" }), filledAvgPrice: "1.50", timestamp: TIME, eventId: idOf(7) },
      { ...line("o2"), timestamp: TIME, eventId: idOf(5) },
    ]);
  });

  it("tells each message once, however often it comes", async () => {
    const { environment, told } = await open();
    await environment.stream.greet();
    for (const offset of [1, 2, 1, 2, 3]) await environment.stream.tell("order:update", offset, line(`o${offset}`));
    expect(told.map((each) => (each as [string, { orderId: string }])[1].orderId)).toEqual(["o1", "o2", "o3"]);
  });

  it("goes on after what is malformed, and says so", async () => {
    const { client, environment, errors } = await open();
    await environment.stream.greet();
    await environment.stream.tell("order:update", 1, snapshot(line("o1")));
    for (const data of ["{", "null", "[]", '{"status":"open"}', '{"snapshot":true,"orders":[7],"eventId":"x"}', '{"snapshot":true}'])
      await environment.stream.sayText(`event: order:update\ndata: ${data}\nid: ${idOf(2)}\n\n`);
    await environment.stream.sayText("no field at all\nretry: soon\n\n");
    expect(errors.map((error) => (error as { code: string }).code)).toEqual(Array.from({ length: 8 }, () => "MALFORMED"));
    await environment.stream.tell("order:update", 3, line("o2"));
    expect(client.stores.orders.get().map(({ orderId }) => orderId)).toEqual(["o1", "o2"]);
    await environment.stream.end();
    await environment.wait(5000);
    expect(environment.stream.headers["Last-Event-ID"]).toBe(idOf(3));
  });

  it("begins anew where it was cut off before its snapshot: ids of what was missed are no place to go on from", async () => {
    const { client, environment } = await open();
    await environment.stream.greet();
    await environment.stream.tell("order:update", 2, line("o2"));
    await environment.stream.end();
    await environment.wait(20_000);
    expect(environment.stream.headers["Last-Event-ID"]).toBeUndefined();
    await environment.stream.greet();
    await environment.stream.tell("order:update", 2, line("o2"));
    await environment.stream.tell("order:update", 2, snapshot(line("o1"), line("o2")));
    expect(client.stores.orders.get().map(({ orderId }) => orderId)).toEqual(["o1", "o2"]);
    await environment.stream.end();
    await environment.wait(20_000);
    expect(environment.stream.headers["Last-Event-ID"]).toBe(idOf(2));
  });

  it("keeps every digit, and survives a callback that throws", async () => {
    const { client, environment, errors } = await open();
    client.on("order:update", () => {
      throw new Error("mine");
    });
    await environment.stream.greet();
    const body = `{"snapshot":true,"orders":[{"orderId":"o1","symbol":"A","status":"open","qty":1.10}],"eventId":"${idOf(1)}","timestamp":"${TIME}"}`;
    await environment.stream.sayText(`event: order:update\ndata: ${body}\n\n`);
    expect(String(client.stores.orders.get()[0]?.qty)).toBe("1.10");
    expect(errors).toEqual([new Error("mine")]);
  });
});

describe("other streams", () => {
  it("positions: values change, a quantity of zero takes a position away for good", async () => {
    const { client, environment } = await open({ stream: "positions" });
    await environment.stream.greet("ann", "positions");
    const at = (symbol: string, quantity: string, currentPrice: string) => ({ symbol, quantity, currentPrice });
    expect(client.stores.portfolio.get()).toEqual({ positions: [], totalValue: undefined });
    await environment.stream.tell("position:update", 1, {
      snapshot: true,
      positions: [at("A", "1", "2"), at("B", "3", "4")],
      totalValue: "14",
    });
    await environment.stream.tell("position:update", 2, { positions: [at("A", "1", "3")], totalValue: "15" });
    await environment.stream.tell("position:update", 3, { positions: [at("B", "0", "4")], totalValue: "3" });
    const portfolio = client.stores.portfolio.get();
    expect(portfolio).toEqual({ positions: [at("A", "1", "3")], totalValue: "3" });
    await environment.stream.tell("position:update", 2, { positions: [at("B", "3", "5")], totalValue: "18" });
    expect(client.stores.portfolio.get()).toBe(portfolio);
  });

  it("prices: each symbol's newest, also of several at one moment", async () => {
    const { client, environment } = await open({ stream: "prices", symbols: ["A", "B"] });
    await environment.stream.greet("anonymous", "prices");
    for (const symbol of ["A", "B"]) await environment.stream.tell("price:update", 4, { symbol, initializing: true });
    await environment.stream.tell("price:update", 6, { symbol: "A", price: 1.5 });
    await environment.stream.tell("price:update", 5, { symbol: "A", price: 9 });
    expect([...client.stores.prices.get()].map(([symbol, { price }]) => [symbol, price])).toEqual([
      ["A", 1.5],
      ["B", undefined],
    ]);
  });

  it("alerts: the newest thousand, each once, the newest last", async () => {
    const { client, environment } = await open({ stream: "alerts" });
    await environment.stream.greet("ann", "alerts");
    const alerts = Array.from({ length: 1002 }, (_, index) => {
      const data = { alertId: `a${index}`, level: "info", message: "m", timestamp: TIME, eventId: idOf(index + 1) };
      return `event: alert:new\ndata: ${JSON.stringify(data)}\nid: ${idOf(index + 1)}\n\n`;
    });
    await environment.stream.sayText(alerts.join(""));
    await environment.stream.tell("alert:new", 2000, { alertId: "a2", level: "error", message: "again" });
    const shown = client.stores.alerts.get();
    expect([shown.length, shown[0]?.alertId, shown.at(-1)?.message]).toEqual([1000, "a3", "again"]);
  });

  it("trades, decisions, strategies and agents: what was said of late", async () => {
    const { client, environment } = await open({ stream: "trading" });
    await environment.stream.greet("ann", "trading");
    await environment.stream.tell("trade:new", 1, { tradeId: "t", orderId: "o", symbol: "A" });
    await environment.stream.tell("ai:decision", 2, { model: "m" });
    await environment.stream.tell("strategy:update", 3, { strategyId: "s" });
    await environment.stream.tell("agent:status", 4, { agentId: "g", status: "up" });
    await environment.stream.tell("agent:status", 5, { agentId: "g", status: "down" });
    const { trades, decisions, strategy, agents } = client.stores;
    expect([trades, decisions, strategy, agents].map((store) => store.get().length)).toEqual([1, 1, 1, 1]);
    expect(agents.get()[0]?.status).toBe("down");
  });
});

describe("a stream that ends", () => {
  it("is opened again where it was, after what the server asked for, later each time, and not by all at once", async () => {
    const { environment, state } = await open();
    await environment.stream.greet();
    await environment.stream.tell("order:update", 9, snapshot(line("o1")));
    await environment.stream.fail();
    expect(state()).toBe("stale");
    const waits: number[] = [];
    for (let failure = 0; failure < 6; failure++) {
      const before = environment.now();
      const asked = environment.streams.length;
      environment.chance = failure % 2;
      while (environment.streams.length === asked) await environment.wait(500);
      waits.push(environment.now() - before);
      await environment.stream.fail();
    }
    // Each wait was asked for when the attempt before it ended.
    expect(waits).toEqual([5000, 10_000, 30_000, 20_000, 30_000, 20_000]);
    expect(environment.stream.headers["Last-Event-ID"]).toBe(idOf(9));
  });

  it("shows since when, while it comes back and until it has", async () => {
    const { client, environment, state } = await open();
    await environment.stream.greet();
    const heardAt = environment.now();
    await environment.wait(1000);
    await environment.stream.end();
    expect(client.status.get()).toMatchObject({ state: "stale", staleSince: heardAt });
    await environment.wait(10_000);
    await environment.stream.accept();
    expect(client.status.get()).toMatchObject({ state: "resuming", staleSince: heardAt });
    await environment.stream.say("connected", { clientId: "ann-orders-2", stream: "orders", timestamp: TIME });
    expect(client.status.get()).toEqual({ state: "live", staleSince: undefined, reason: undefined, httpStatus: undefined });
    expect(state()).toBe("live");
  });

  it("is ended by ninety seconds of silence, and a heartbeat or a comment is none", async () => {
    const { environment, state } = await open();
    await environment.stream.greet();
    const { stream } = environment;
    await stream.tell("order:update", 1, snapshot());
    await environment.wait(80_000);
    await stream.sayText(": keepalive\n\n");
    await environment.wait(80_000);
    await stream.say("heartbeat", { timestamp: TIME, lastEventId: idOf(77) });
    await environment.wait(89_000);
    expect([state(), stream.isAborted]).toEqual(["live", false]);
    await environment.wait(1000);
    expect([state(), stream.isAborted]).toEqual(["stale", true]);
    await environment.wait(10_000);
    // A quiet stream's cursor is fresh all the same.
    expect(environment.streams.map(({ headers }) => headers["Last-Event-ID"])).toEqual([undefined, idOf(77)]);
  });

  it("waits as long as it is told to: by an answer, and by a server that goes", async () => {
    const { environment } = await open();
    await environment.stream.refuse(429, {}, { "Retry-After": "7" });
    await environment.wait(6999);
    expect(environment.streams.length).toBe(1);
    await environment.wait(1);
    expect(environment.streams.length).toBe(2);
    await environment.stream.greet();
    await environment.stream.say("error", { code: "SHUTTING_DOWN", reconnectAfterMs: 1234 });
    expect(environment.streams[1]?.isAborted).toBe(true);
    await environment.wait(1233);
    expect(environment.streams.length).toBe(2);
    await environment.wait(1);
    expect(environment.streams.length).toBe(3);
  });

  it("comes back at once when the network does, and a request that nobody answers is given up", async () => {
    const { environment } = await open();
    await environment.wait(30_000);
    expect(environment.stream.isAborted).toBe(true);
    environment.comeOnline();
    await turn();
    expect(environment.streams.length).toBe(2);
    await environment.stream.refuse(503);
    await environment.wait(60_000);
    expect(environment.streams.length).toBeGreaterThan(2);
  });

  it("is told of a gap that cannot be filled, and begins anew from the snapshot", async () => {
    const { client, environment, told } = await open();
    await environment.stream.greet();
    await environment.stream.tell("order:update", 50, snapshot(line("o1")));
    await environment.stream.end();
    await environment.wait(10_000);
    await environment.stream.greet();
    await environment.stream.say("resync", { reason: "unknown" });
    await environment.stream.tell("order:update", 3, snapshot(line("o2")));
    expect(told.at(-2)).toEqual(["resync", { reason: "unknown" }]);
    expect(client.stores.orders.get().map(({ orderId }) => orderId)).toEqual(["o2"]);
  });
});

describe("a stream is closed", () => {
  it.each([401, 403, 404])("by the answer %d, which its status shows, and is not asked for again", async (httpStatus) => {
    const { client, environment } = await open({ token: "stale" });
    await environment.stream.refuse(httpStatus, { error: "No", message: "No valid session found", statusCode: httpStatus });
    expect(client.status.get()).toMatchObject({ state: "closed", reason: "No valid session found", httpStatus });
    await environment.wait(3_600_000);
    environment.comeOnline();
    await environment.wait(1000);
    expect([environment.streams.length, environment.alarms, environment.watchers]).toEqual([1, 0, 0]);
  });

  it("by a limit, until somebody opens it: tabs do not evict each other for ever", async () => {
    const { client, environment, told } = await open();
    await environment.stream.greet();
    await environment.stream.tell("order:update", 3, snapshot(line("o1")));
    await environment.stream.say("limit", { reason: "connections", max: 10, reconnect: false });
    expect(client.status.get()).toMatchObject({ state: "closed", reason: "LIMIT_REACHED" });
    expect(told.at(-1)).toEqual(["limit", { reason: "connections", max: 10, reconnect: false }]);
    await environment.wait(3_600_000);
    expect(environment.streams.length).toBe(1);
    client.connect();
    await turn();
    expect(client.status.get().state).toBe("connecting");
    expect(environment.stream.headers["Last-Event-ID"]).toBe(idOf(3));
  });

  it("by a refused token only after a function has given another one", async () => {
    const tokens: string[] = [];
    const { client, environment } = await open({ token: () => `token ${tokens.push("")}` });
    await environment.stream.refuse(401);
    await environment.wait(0);
    expect(environment.streams.map(({ headers }) => headers["Authorization"])).toEqual(["Bearer token 1", "Bearer token 2"]);
    await environment.stream.greet();
    await environment.stream.say("error", { code: "TOKEN_EXPIRED" });
    await environment.wait(10_000);
    expect(environment.stream.headers["Authorization"]).toBe("Bearer token 3");
    await environment.stream.refuse(401);
    await environment.wait(20_000);
    await environment.stream.refuse(401);
    expect(client.status.get()).toMatchObject({ state: "closed", httpStatus: 401 });
  });

  it("by us, and nothing is left of it", async () => {
    const { client, environment } = await open();
    await environment.stream.greet();
    client.close();
    await turn();
    expect([environment.stream.isAborted, environment.alarms, environment.watchers]).toEqual([true, 0, 0]);
    expect(client.status.get()).toMatchObject({ state: "closed", reason: "closed by the client" });
  });

  it("and what a token's function throws is told, and tried again", async () => {
    let isDown = true;
    const token = () => (isDown ? Promise.reject(new Error("no login")) : Promise.resolve("t"));
    const { environment, errors } = await open({ token });
    expect([errors, environment.streams.length]).toEqual([[new Error("no login")], 0]);
    isDown = false;
    await environment.wait(2000);
    expect(environment.streams.length).toBe(1);
  });
});

describe("a page that is loaded again", () => {
  function storage() {
    const kept = new Map<string, string>();
    return { kept, getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
  }

  it("shows what it showed once the server has said whose it is, and is told what came meanwhile", async () => {
    const persist = { key: "page", storage: storage() };
    const first = await open({ persist });
    await first.environment.stream.greet();
    await first.environment.stream.tell("order:update", 5, snapshot(line("o1")));
    first.environment.hide();
    const { client, environment, told } = await open({ persist });
    expect(environment.stream.headers["Last-Event-ID"]).toBe(idOf(5));
    expect(client.stores.orders.get()).toEqual([]);
    await environment.stream.greet();
    await environment.stream.tell("order:update", 6, line("o2"));
    expect(client.stores.orders.get().map(({ orderId }) => orderId)).toEqual(["o1", "o2"]);
    expect(told.length).toBe(1);
  });

  it("shows another user nothing of it, and begins anew", async () => {
    const persist = { key: "page", storage: storage() };
    const first = await open({ persist });
    await first.environment.stream.greet("ann");
    await first.environment.stream.tell("order:update", 5, snapshot(line("o1")));
    first.client.close();
    const { client, environment } = await open({ persist });
    await environment.stream.greet("ben");
    await environment.wait(0);
    expect(environment.streams.map(({ headers }) => headers["Last-Event-ID"])).toEqual([idOf(5), undefined]);
    await environment.stream.greet("ben");
    expect([client.stores.orders.get(), client.status.get().state]).toEqual([[], "live"]);
  });

  it.each(["nonsense", '{"user":"ann","cursor":"x","state":"{}"}'])("takes nothing from a storage that holds %s", async (text) => {
    const kept = storage();
    kept.setItem("page:/api/stream/orders", text);
    const { client, environment } = await open({ persist: { key: "page", storage: kept } });
    await environment.stream.greet();
    await environment.wait(0);
    if (environment.streams.length > 1) await environment.stream.greet();
    await environment.stream.tell("order:update", 5, snapshot(line("o1")));
    expect(client.stores.orders.get().length).toBe(1);
  });
});
