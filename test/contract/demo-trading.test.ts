/** The demo's trading, the way a page sees it: what becomes of a deal, what its users do by themselves, and the streams of part 5. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { demoClient } from "./demo-client.ts";
import { type Client, type Told, nativeClients } from "./native-client.ts";
import { type TestServer, startTestServer, until } from "./server.ts";

let server: TestServer;
const { open, end } = nativeClients(() => server);
const { get, signIn, requestQuotes, acceptBest, post } = demoClient(() => server);
beforeAll(async () => {
  // An order of each user's every 170 to 500 ms, a look at the prices every 33 ms.
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_SPEED: "6", DEMO_PACE: "30" } });
});
afterAll(async () => {
  end();
  await server.remove();
});

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
    readonly userId?: string;
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

it.concurrent("makes of a deal an order with its whole life, trades of all of its quantity, a position and a balance", async () => {
  const client = await follow("ada", ...TRADING);
  const bearer = await signIn("ada");
  const rfqId = await requestQuotes(bearer, { quantity: "4000000" });
  const deal = await acceptBest(bearer, rfqId);
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

it.concurrent(
  "shows every user a life of orders, positions, balances, alerts, signals and decisions, without anybody trading",
  async () => {
    const strategies = { ada: ["eurusd", "nzdusd"], ben: ["nzdusd", "xauusd"], cleo: ["eurusd", "nzdusd"] };
    const wanted = ["created", "submitted", "filled", "cancelled"].map((deed) => `trading.order.${deed}`);
    wanted.push("trading.position.updated", "trading.trade.executed", "trading.balance.updated");
    wanted.push("alert.triggered", "ai.decision", "strategy.signal", "agent.status");
    const clients = await Promise.all(
      (["ada", "ben", "cleo"] as const).map(async (user) => {
        const own = strategies[user].map((symbol) => `strategy:demo-crossover-${symbol}-${user}`);
        const bearer = await signIn(user);
        // They are there as soon as the demo is.
        for (const topic of own) await until(async () => (await get(`/api/v1/topics/${topic}/snapshot`, bearer)).status === 200);
        return follow(user, ...TRADING, ...own, "alerts:me", "decisions:me", "agents");
      }),
    );
    for (const client of clients) await until(() => wanted.every((type) => eventsOf(client).some(({ event }) => event === type)));
  },
);

it.concurrent("keeps the desks of two tenants apart: what one's monitor is told of, what its traders ask for and deal in", async () => {
  const [mia, dan] = [await follow("mia", "trading:monitor"), await follow("dan", "trading:monitor")];
  const cleo = await signIn("cleo");
  const rfqId = await requestQuotes(cleo);
  for (const user of ["ada", "mia"]) {
    const bearer = await signIn(user);
    expect(await get(`/api/v1/topics/rfq:${rfqId}/snapshot`, bearer)).toMatchObject({ status: 403 });
    for (const deed of ["accept", "cancel"])
      expect(await post(`/api/demo/rfqs/${rfqId}/${deed}`, {}, bearer)).toMatchObject({ status: 404 });
  }
  expect((await get("/api/v1/topics/trader:cleo/snapshot", await signIn("mia"))).body["state"]).toBeNull();
  const seen = await get("/api/v1/topics/trader:cleo/snapshot", await signIn("dan"));
  expect(seen.body["state"]).toMatchObject({ rfqs: expect.arrayContaining([expect.objectContaining({ id: rfqId })]) });

  const { tradeId } = await acceptBest(cleo, rfqId);
  const dealOf = (client: Client) => eventsOf(client).some(({ data }) => data.order?.id === `demo-order-${String(tradeId)}`);
  await until(() => dealOf(dan));
  const usersOf = (client: Client) => [...new Set(eventsOf(client).map(({ data }) => data.userId))].sort();
  await until(() => usersOf(mia).length > 1);
  expect([usersOf(mia), usersOf(dan), dealOf(mia)]).toEqual([["ada", "ben"], ["cleo"], false]);
});
