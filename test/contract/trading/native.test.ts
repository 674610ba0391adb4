/** Contract 60-native: trading as topics: filters, history, snapshots of now and then, prices that move, teams and monitors. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Client, type Told, nativeClients } from "../native-client.ts";
import { type TestServer, bestPrice, publish, publisherToken, startTestServer, until } from "../server.ts";
import { type Body, type Claims, MONITOR, balance, bearer, created, idOf, order, position, say, tell, trade } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { open, end } = nativeClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;
const newSymbol = () => `SYM${++last}`;
const OWN = ["orders:me", "positions:me", "trades:me", "balances:me"];
const REVALUED = "trading.position.revalued";

async function connect(claims: Claims): Promise<Client> {
  const client = open({ bearer: await bearer(claims) });
  await client.first("welcome");
  return client;
}
async function follow(client: Client, topics: readonly string[], more: Body = {}): Promise<Told & { cut: string; states: Body }> {
  const before = client.told.filter(({ type }) => type === "subscribed").length;
  client.say({ type: "subscribe", id: 1, topics, ...more });
  const told = await client.first("subscribed", before);
  const snapshots = told["snapshots"] as { topic: string; state: Body }[];
  return { ...told, cut: String(told["cut"]), states: Object.fromEntries(snapshots.map(({ topic, state }) => [topic, state])) };
}
const events = (client: Client): Told[] =>
  client.told.flatMap((each) => (each.type === "batch" ? (each["events"] as Told[]) : each.type === "event" ? [each] : []));
const ids = (client: Client) =>
  events(client)
    .filter(({ event }) => event !== REVALUED)
    .map(({ data }) => idOf(data as Body));
/** Resolves when the client was told everything that was published before. */
async function upToNow(client: Client): Promise<void> {
  const before = client.told.filter(({ type }) => type === "subscribed").length;
  client.say({ type: "subscribe", id: "flush", topics: ["agents"], snapshot: false });
  await client.first("subscribed", before);
}
async function get(claims: Claims, path: string) {
  const response = await fetch(`${server.url}/api/v1/topics/${path}`, { headers: { authorization: `Bearer ${await bearer(claims)}` } });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Body & { events: Told[]; state: Body } };
}
async function price(symbol: string, bid: string, ask: string, tenantId = "tenant"): Promise<string> {
  const { status, body, text } = await publish(server.url, bestPrice(symbol, bid, ask), { bearer: await publisherToken(tenantId) });
  if (status !== 200) throw new Error(text);
  return body.results[0]?.eventId ?? "";
}

const all = (sub: string, name: string) => [
  say("order.created", sub, order(`o${name}`)),
  say("trade.executed", sub, trade(`t${name}`)),
  say("position.opened", sub, position(`p${name}`)),
  say("balance.updated", sub, balance("USD", "1.50")),
];

describe("the own topics", () => {
  it("agree at one cut, then tell a batch as one, with its fields alone", async () => {
    const sub = newUser();
    await tell(server, all(sub, "1"));
    const client = await connect({ sub });
    const { states, results, cut } = await follow(client, OWN);
    expect(results).toEqual(OWN.map((topic) => ({ topic, ok: true })));
    expect(states).toEqual({
      [`orders:${sub}`]: { orders: [order("o1").order], eventId: expect.any(String) },
      [`positions:${sub}`]: { positions: [position("p1").position], totalValue: "1000", eventId: expect.any(String) },
      [`trades:${sub}`]: { trades: [trade("t1").trade], eventId: expect.any(String) },
      [`balances:${sub}`]: { balances: [balance("USD", "1.50").balance], eventId: expect.any(String) },
    });
    const given = all(sub, "2").map((event) => ({ ...event, data: { ...event.data, apiKey: "internal" } }));
    const told = await tell(server, [...given, ...all(`${sub}x`, "3")]);
    const batch = await client.first("batch");
    expect((batch["events"] as Told[]).map(({ topic, event, eventId, data }) => ({ topic, event, eventId, data }))).toEqual(
      all(sub, "2").map(({ type, data }, index) => ({
        topic: `${["orders", "trades", "positions", "balances"][index] ?? ""}:${sub}`,
        event: type,
        eventId: told[index],
        data,
      })),
    );
    expect(told.every((eventId) => eventId > cut)).toBe(true);
    expect(JSON.stringify(client.told)).not.toContain("internal");
  });

  it("go on after a cursor, in order, then the state", async () => {
    const sub = newUser();
    const client = await connect({ sub });
    const { cut } = await follow(client, OWN);
    for (const name of ["1", "2", "3"]) await tell(server, all(sub, name));
    const other = await connect({ sub });
    const { states } = await follow(other, OWN, { after: cut });
    expect(ids(other)).toEqual(["1", "2", "3"].flatMap((name) => [`o${name}`, `t${name}`, `p${name}`, "USD"]));
    expect((states[`orders:${sub}`] as { orders: Body[] }).orders).toHaveLength(3);
    await until(() => ids(client).length === 12);
    for (const each of [client, other])
      expect(events(each).map(({ eventId }) => eventId)).toEqual(events(client).map(({ eventId }) => eventId));
  });

  it.each([
    [{ "order.symbol": "AAPL" }, ["b"]],
    [{ "order.symbol": ["AAPL", "TSLA"], "order.side": "sell" }, ["c"]],
    [{ "order.quantity": { min: "0.30", max: "0.30000000000000004" } }, ["a", "c"]],
    [{ "order.price": { min: 1 }, "order.status": "open" }, ["a", "b", "c"]],
    [{ "order.id": "nobody" }, []],
  ])("tell what passes %j, in the log's digits", async (filters, expected) => {
    const sub = newUser();
    const client = await connect({ sub });
    const [after] = await tell(server, [created("somebody", "x")]);
    await follow(client, ["orders:me"], { filters });
    await tell(server, [
      created(sub, "a", { quantity: "0.3" }),
      created(sub, "b", { symbol: "AAPL", quantity: "0.29" }),
      created(sub, "c", { symbol: "TSLA", side: "sell", quantity: "0.30000000000000004" }),
      created(sub, "d", { price: null, status: "new", quantity: "0.300000000000000041" }),
    ]);
    await upToNow(client);
    expect(ids(client)).toEqual(expected);
    const resumed = await connect({ sub });
    await follow(resumed, ["orders:me"], { filters, after });
    expect(ids(resumed)).toEqual(expected);
  });

  it.each([
    [{ internalDesk: "x" }],
    [{ "order.createdAt": "x" }],
    [{ "order.quantity": { min: "ten" } }],
    [{ "order.symbol": { like: "A" } }],
    ["x"],
    [5],
  ])("refuse the filters %j, and follow nothing", async (filters) => {
    const sub = newUser();
    const client = await connect({ sub });
    client.say({ type: "subscribe", id: 1, topics: ["orders:me"], filters });
    expect(await client.first("error")).toMatchObject({ code: "BAD_REQUEST" });
    await tell(server, [created(sub, "a")]);
    await upToNow(client);
    expect(ids(client)).toEqual([]);
  });

  it("may be read as history, page by page, and as they stood at any event of it", async () => {
    const sub = newUser();
    const steps = [
      created(sub, "a"),
      say("order.filled", sub, order("a", { filledQuantity: "1", status: "partially_filled" })),
      created(`${sub}x`, "foreign"),
      created(sub, "b"),
      say("order.cancelled", sub, { ...order("a", { status: "cancelled" }), reason: "no need", internal: "x" }),
    ];
    const told: string[] = [];
    for (const step of steps) told.push(...(await tell(server, [step])));
    const pages: string[] = [];
    for (let after = ""; ;) {
      const { status, body, text } = await get({ sub }, `orders:me/events?limit=2${after}`);
      expect(status).toBe(200);
      expect(text).not.toContain("internal");
      if (body.events.length === 0) break;
      pages.push(...body.events.map(({ eventId }) => String(eventId)));
      after = `&after=${pages.at(-1) ?? ""}`;
    }
    expect(pages).toEqual(told.filter((_, index) => index !== 2));
    const stood: unknown[] = [];
    for (const at of told) {
      const { body } = await get({ sub }, `orders:me/snapshot?at=${at}`);
      stood.push((body.state["orders"] as Body[]).map(({ id, status }) => [id, status]));
    }
    expect(stood).toEqual([
      [["a", "open"]],
      [["a", "partially_filled"]],
      [["a", "partially_filled"]],
      [
        ["a", "partially_filled"],
        ["b", "open"],
      ],
      [
        ["a", "cancelled"],
        ["b", "open"],
      ],
    ]);
  });
});

describe("somebody else's topics", () => {
  it("are for those who have the user in their team, orders to balances, live, missed, past and present", async () => {
    const sub = newUser();
    const lead: Claims = { sub: newUser(), team: [sub] };
    const topics = OWN.map((topic) => topic.replace("me", sub));
    const client = await connect(lead);
    const { cut, results } = await follow(client, topics);
    expect(results).toEqual(topics.map((topic) => ({ topic, ok: true })));
    await tell(server, [...all(sub, "1"), ...all("somebody", "2")]);
    await client.first("batch");
    expect(ids(client)).toEqual(["o1", "t1", "p1", "USD"]);
    const again = await connect(lead);
    await follow(again, topics, { after: cut });
    expect(ids(again)).toEqual(["o1", "t1", "p1", "USD"]);
    expect((await get(lead, `balances:${sub}/events`)).body.events).toHaveLength(1);
    expect((await get(lead, `balances:${sub}/snapshot`)).text).toContain("1.50");
    client.say({ type: "reauthenticate", token: await bearer({ ...lead, team: [] }) });
    expect(await client.first("revoked")).toMatchObject({ topics });
    await tell(server, all(sub, "3"));
    await upToNow(client);
    expect(ids(client)).toHaveLength(4);
  });

  it.each<[string, Claims]>([
    ["of no team", {}],
    ["of another team", { team: ["somebody"] }],
    ["with permissions for other things", { permissions: ["stream:admin", "rfq:read:tenant", "rfq:read:team", MONITOR, "events:publish"] }],
    ["of a team named as a pattern", { team: ["*", "user-*", "me"] }],
  ])("are FORBIDDEN for who is %s, and do not tell whether they exist", async (_what, claims) => {
    const sub = newUser();
    await tell(server, all(sub, "1"));
    const viewer = { ...claims, sub: newUser() };
    const client = await connect(viewer);
    const topics = [sub, "nobody"].flatMap((user) => OWN.map((topic) => topic.replace("me", user)));
    const { results, snapshots } = await follow(client, topics);
    expect([results, snapshots]).toEqual([topics.map((topic) => ({ topic, ok: false, code: "FORBIDDEN" })), []]);
    for (const what of ["events", "snapshot"]) {
      const answers = await Promise.all([sub, "nobody"].map((user) => get(viewer, `orders:${user}/${what}`)));
      expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    }
    for (const topic of ["orders:*", "orders", "orders:", "trading", "trading:*", "trading:other", "orders:a,b"]) {
      const refused = await follow(client, [topic]);
      expect((refused["results"] as Body[])[0]?.["ok"]).toBe(false);
    }
    const namesake = await follow(await connect({ sub, tenantId: "other" }), OWN);
    expect(JSON.stringify(namesake["snapshots"])).not.toContain("o1");
  });
});

describe("trading:monitor", () => {
  it("tells the tenant's, with whose it is, filtered by user, and never a balance", async () => {
    const tenantId = newUser();
    const monitor = await connect({ sub: "eve", tenantId, permissions: [MONITOR] });
    const { cut } = await follow(monitor, [MONITOR]);
    const filtered = await connect({ sub: "eve", tenantId, permissions: [MONITOR] });
    await follow(filtered, [MONITOR], { filters: { userId: "ben" } });
    await tell(server, [...all("ann", "1"), ...all("ben", "2")], tenantId);
    await tell(server, all("ann", "3"));
    await monitor.first("batch");
    expect(events(monitor).map(({ data }) => (data as Body)["userId"])).toEqual(["ann", "ann", "ann", "ben", "ben", "ben"]);
    await upToNow(filtered);
    expect(ids(filtered)).toEqual(["o2", "t2", "p2"]);
    const history = await get({ sub: "eve", tenantId, permissions: [MONITOR] }, `${MONITOR}/events?after=${cut}`);
    expect(history.body.events).toHaveLength(6);
    const past = await get({ sub: "eve", tenantId, permissions: [MONITOR] }, `${MONITOR}/snapshot`);
    expect(Object.keys(past.body.state).toSorted()).toEqual(["eventId", "orders", "positions", "trades"]);
    expect([JSON.stringify(monitor.told), history.text, past.text].join()).not.toContain("balance");
    expect((await get({ sub: "eve", tenantId }, `${MONITOR}/events`)).status).toBe(403);
  });
});

describe("positions as prices move", () => {
  const lines = (client: Client) => events(client).filter(({ event }) => event === REVALUED);
  const lineOf = ({ data }: Told) => data as { positions: Body[]; totalValue: string; userId: string };

  it("are told at the mid, long and short, of the symbol alone, conflated, with what all are worth, in decimals", async () => {
    const [sub, symbol] = [newUser(), newSymbol()];
    await tell(server, [
      say("position.opened", sub, position("long", { symbol, quantity: "0.1", entryPrice: "1.1", realizedPnL: "0.2" })),
      say("position.opened", sub, position("short", { symbol, side: "short", quantity: "0.3", entryPrice: "1.3" })),
      say("position.opened", sub, position("other", { symbol: newSymbol(), quantity: "1", currentPrice: "5.50" })),
      say("position.closed", sub, position("closed", { symbol, status: "closed" })),
    ]);
    const client = await connect({ sub });
    await follow(client, OWN);
    await price(symbol, "1.20", "1.22");
    const line = await until(() => lines(client)[0]);
    expect(line).toMatchObject({ type: "event", topic: `positions:${sub}`, key: symbol, eventId: expect.any(String) });
    expect(
      lineOf(line).positions.map(({ id, currentPrice, unrealizedPnL, unrealizedPnLPercent, totalPnL }) => [
        id,
        Number(currentPrice),
        unrealizedPnL,
        unrealizedPnLPercent,
        totalPnL,
      ]),
    ).toEqual([
      ["long", 1.21, "0.011", "10", "0.211"],
      ["short", 1.21, "0.027", "6.9231", "0.027"],
    ]);
    // 0.1 × 1.21 − 0.3 × 1.21 + 1 × 5.50
    expect(lineOf(line).totalValue).toBe("5.258");
    // At once: a slow machine would need as long for each as what is told takes.
    const prices = Array.from({ length: 30 }, (_, count) => bestPrice(symbol, `1.${30 + count}`, `1.${30 + count}`));
    expect((await publish(server.url, `[${prices.join()}]`)).status).toBe(200);
    await until(() => lines(client).some((each) => Number(lineOf(each).positions[0]?.["currentPrice"]) === 1.59));
    expect(lines(client).length).toBeLessThan(30);
    const told = lines(client).map((each) => Number(lineOf(each).positions[0]?.["currentPrice"]));
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    const { states } = await follow(client, ["positions:me"]);
    expect(
      (states[`positions:${sub}`] as { positions: Body[] }).positions.map(({ id, currentPrice }) => [id, Number(currentPrice)]),
    ).toEqual([
      ["long", 1.59],
      ["short", 1.59],
      ["other", 5.5],
    ]);
  });

  it("follow the own tenant's prices and the public ones, no other tenant's, and not older ones", async () => {
    const [sub, symbol] = [newUser(), newSymbol()];
    await price(symbol, "50", "50");
    await tell(server, [say("position.opened", sub, position("p", { symbol }))]);
    const [client, member] = [await connect({ sub }), await connect({ sub: newUser(), team: [sub] })];
    for (const each of [client, member]) await follow(each, [`positions:${sub}`]);
    await price(symbol, "60", "60", "other");
    await price(symbol, "70", "70", "public");
    await until(() => lines(client).length === 1 && lines(member).length === 1);
    await price(symbol, "80", "80");
    await until(() => lines(client).length === 2 && lines(member).length === 2);
    for (const each of [client, member])
      expect(lines(each).map((line) => Number(lineOf(line).positions[0]?.["currentPrice"]))).toEqual([70, 80]);
  });

  it("are told neither to monitors, nor of closed positions, nor to who follows orders alone, nor in the default namespace's words", async () => {
    const [sub, symbol] = [newUser(), newSymbol()];
    await tell(server, [say("position.opened", sub, position("p", { symbol })), say("position.opened", sub, position("q", { symbol }))]);
    const [owner, monitor, orders] = [await connect({ sub }), await connect({ sub, permissions: [MONITOR] }), await connect({ sub })];
    await follow(owner, ["positions:me"]);
    await follow(monitor, [MONITOR]);
    await follow(orders, ["orders:me"]);
    await tell(server, [say("position.closed", sub, position("q", { symbol, status: "closed" }))]);
    await price(symbol, "10", "20");
    await until(() => lines(owner)[0]);
    expect(lines(owner).flatMap((line) => lineOf(line).positions.map(({ id }) => id))).toEqual(["p"]);
    for (const each of [monitor, orders]) {
      await upToNow(each);
      expect(lines(each)).toEqual([]);
    }
    const { body } = await get({ sub }, "positions:me/events");
    expect(body.events.map(({ event }) => event)).toEqual([
      "trading.position.opened",
      "trading.position.opened",
      "trading.position.closed",
    ]);
  });

  it("are worth at a past event what they were worth then", async () => {
    const [sub, symbol] = [newUser(), newSymbol()];
    const [opened] = await tell(server, [say("position.opened", sub, position("p", { symbol }))]);
    await price(symbol, "200", "200");
    const [updated] = await tell(server, [say("position.updated", sub, position("p", { symbol, currentPrice: "150" }))]);
    const at = async (cursor = "") => {
      const { state } = (await get({ sub }, `positions:me/snapshot?at=${cursor}`)).body;
      return (state["positions"] as Body[]).map(({ currentPrice }) => Number(currentPrice));
    };
    expect(await at(opened)).toEqual([100]);
    expect(await at(updated)).toEqual([150]);
  });
});
