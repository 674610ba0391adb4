/** The demo's trading, the way a page sees it: what becomes of a deal, what its users do by themselves, and the streams of part 5. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Client, type Told, nativeClients } from "./native-client.ts";
import { type TestServer, startTestServer, until } from "./server.ts";

let server: TestServer;
const { open, end } = nativeClients(() => server);
beforeAll(async () => {
  // An order of each user's every 250 to 750 ms, a look at the prices every 50 ms.
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "20" } });
});
afterEach(end);
afterAll(() => server.remove());

interface Entity {
  readonly id: string;
  readonly symbol: string;
  readonly side: string;
  readonly status: string;
  readonly quantity: string;
  readonly realizedPnL: string;
}
interface TradingEvent {
  /** Ascends as text. */
  readonly eventId: string;
  readonly event: string;
  readonly data: {
    readonly order?: Entity & { readonly type: string; readonly filledQuantity: string; readonly averagePrice: string | null };
    readonly position?: Entity;
    readonly trade?: {
      readonly id: string;
      readonly orderId: string;
      readonly type: string;
      readonly quantity: string;
      readonly price: string;
    };
    readonly balance?: { readonly total: string };
    readonly reason?: string;
  };
}

async function post(path: string, body: unknown, bearer?: string) {
  const answer = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const signIn = async (user: string) => String((await post("/api/demo/session", { user })).body["token"]);

async function follow(user: string, ...topics: string[]): Promise<Client> {
  const client = open({ bearer: await signIn(user) });
  await client.first("welcome");
  client.say({ type: "subscribe", id: 1, topics });
  const { results } = await client.first("subscribed");
  expect(results).toMatchObject(topics.map(() => ({ ok: true })));
  return client;
}
const TRADING = ["orders:me", "positions:me", "trades:me", "balances:me"];

const eventsOf = ({ told }: Client) =>
  told.flatMap((each) =>
    each.type === "batch" ? (each["events"] as Told[]) : each.type === "event" ? [each] : [],
  ) as unknown as TradingEvent[];

it("makes of a deal an order with its whole life, trades of all of its quantity, a position and a balance", async () => {
  const client = await follow("ada", ...TRADING);
  const bearer = await signIn("ada");
  const request = { symbol: "EURUSD", side: "buy", quantity: "4000000", seconds: 60 };
  const rfqId = await until(async () => {
    const { status, body } = await post("/api/demo/rfqs", request, bearer);
    return status === 201 ? String(body["rfqId"]) : undefined;
  });
  const deal = await until(async () => {
    const { status, body } = await post(`/api/demo/rfqs/${rfqId}/accept`, {}, bearer);
    return status === 200 ? body : undefined;
  });
  const orderId = `demo-order-${String(deal["tradeId"])}`;
  const own = () => eventsOf(client).filter(({ data }) => data.order?.id === orderId || data.trade?.orderId === orderId);
  await until(() => own().some(({ data }) => data.order?.status === "filled"));
  const story = own().flatMap(({ event, data }) => (data.order === undefined ? [] : [`${event} ${data.order.status}`]));
  expect(story).toEqual([
    "trading.order.created pending",
    "trading.order.submitted submitted",
    "trading.order.filled partially_filled",
    "trading.order.filled filled",
  ]);
  const trades = await until(() => {
    const made = own().flatMap(({ data }) => (data.trade === undefined ? [] : [data.trade]));
    return made.reduce((sum, { quantity }) => sum + Number(quantity), 0) === 4_000_000 && made;
  });
  for (const { price } of trades) expect(price).toBe(String(deal["price"]));
  const last = own().findLast(({ data }) => data.trade !== undefined)?.eventId ?? "";
  const after = (kind: "position" | "balance") => eventsOf(client).some(({ eventId, data }) => eventId > last && data[kind] !== undefined);
  await until(() => after("position") && after("balance"));
});

it("shows every user a life of orders, positions, balances, alerts, signals and decisions, without anybody trading", async () => {
  const strategies = { ada: ["eurusd", "nzdusd"], ben: ["nzdusd", "xauusd"] };
  const wanted = ["created", "submitted", "filled", "cancelled"].map((deed) => `trading.order.${deed}`);
  wanted.push("trading.position.updated", "trading.trade.executed", "trading.balance.updated");
  wanted.push("alert.triggered", "ai.decision", "strategy.signal", "agent.status");
  const clients = await Promise.all(
    (["ada", "ben"] as const).map((user) => {
      const own = strategies[user].map((symbol) => `strategy:demo-crossover-${symbol}-${user}`);
      return follow(user, ...TRADING, ...own, "alerts:me", "decisions:me", "agents");
    }),
  );
  for (const client of clients) await until(() => wanted.every((type) => eventsOf(client).some(({ event }) => event === type)));
});

it.each(["SIGTERM", "SIGKILL"] as const)(
  "goes on from the accounts as they stand when the server ends with %s and begins anew",
  async (signal) => {
    const bearer = await signIn("ada");
    const historyOf = (topic: string, after?: string) => eventsAfter({ topic: `${topic}:ada`, bearer, after });
    await until(async () => (await historyOf("positions")).length > 0);
    const beforeEnd = (await historyOf("orders")).at(-1)?.eventId ?? "";
    await server.kill(signal);
    server = await server.restart();
    const before = (await historyOf("orders")).at(-1)?.eventId;
    // First the demo is there again, then its orders are filled.
    await until(async () => (await historyOf("orders", before)).length > 0);
    await until(async () => (await historyOf("trades", before)).length >= 2);

    const trades = await historyOf("trades");
    expect(new Set(trades.map(({ data }) => data.trade?.id)).size).toBe(trades.length);
    // Over all starts of the demo: of each symbol one position is open at a time, and what was opened is what was closed.
    const open = new Map<string, string>();
    for (const { event, data } of await historyOf("positions")) {
      const { id = "", symbol = "" } = data.position ?? {};
      expect(open.get(symbol)).toBe(event === "trading.position.opened" ? undefined : id);
      if (event === "trading.position.closed") open.delete(symbol);
      else open.set(symbol, id);
    }
    // What was open when it ended is at its end now; a deal that was filled in part is filled up.
    const orders = await historyOf("orders");
    const newest = new Map(orders.map(({ data }) => [data.order?.id, data.order?.status]));
    const begunBefore = orders.filter(({ eventId }) => eventId <= beforeEnd);
    for (const { data } of begunBefore) expect(["filled", "cancelled", "rejected"]).toContain(newest.get(data.order?.id));
  },
);

/** All events of a topic after one of them, else from the first. */
async function eventsAfter(of: { topic: string; bearer: string; after?: string | undefined }): Promise<readonly TradingEvent[]> {
  const headers = { authorization: `Bearer ${of.bearer}` };
  const events: TradingEvent[] = [];
  for (let after = of.after ?? ""; ;) {
    const answer = await fetch(`${server.url}/api/v1/topics/${of.topic}/events?limit=1000&after=${after}`, { headers });
    const page = (await answer.json()) as { events: TradingEvent[]; next: string; complete: boolean };
    events.push(...page.events);
    if (page.complete) return events;
    after = page.next;
  }
}
