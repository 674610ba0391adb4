/** The SDK's client of the money feed against the real server, over a line that is cut at random moments. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { TransactionFeedClient, type TransactionFeedClientOptions } from "@broadtape/client/transactions";
import { Line } from "./line.ts";
import { type TestServer, startTestServer, token, until } from "./server.ts";
import { balance, feedClients, fraudAlert, payment, tell } from "./transactions/feed-client.ts";

let server: TestServer;
let line: Line;
beforeAll(async () => {
  // Failed callbacks get their event again soon.
  server = await startTestServer({ env: { BROADTAPE_LIMIT_REDELIVER_MS: "200" } });
  line = await Line.open(() => server.url);
});
const { plain, end } = feedClients(() => server);
afterAll(async () => {
  end();
  line.close();
  await server.remove();
});

/** Many cuts in a row make the back-off long, which is right, and no part of this test. */
const environment = {
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, Math.min(ms, 500));
    return () => clearTimeout(timer);
  },
};

/** A seeded generator (mulberry32), so that a failing run repeats. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function open(sub: string, options: TransactionFeedClientOptions = {}): TransactionFeedClient {
  const own = { url: line.url, token: () => token({ sub }), clientId: "phone", reconnectionDelay: 10, environment };
  return new TransactionFeedClient({ ...own, ...options });
}

const isLive = (client: TransactionFeedClient) =>
  until(
    () => client.state === "live",
    () => client.status.get(),
  );

const TRANSACTIONS = 500;

it("hands out 500 transactions once each and acknowledges them all, wherever the line is cut and a callback fails", async () => {
  const chance = chances(Number(process.env["BROADTAPE_TEST_SEED"] ?? 1));
  const client = open("ann", { window: 32, onError: () => undefined });
  const handled = new Map<string, number>();
  const failed = new Map<string, number>();
  const amounts = new Set<string>();
  client.on("transaction", async ({ eventId, transaction: { amount } }) => {
    // Not as often as an event is sent on one connection.
    const failures = failed.get(eventId) ?? 0;
    const isFailing = failures < 3 && chance() < 0.1;
    if (isFailing) failed.set(eventId, failures + 1);
    await new Promise((resolve) => setTimeout(resolve, chance() * 10));
    if (isFailing) throw new Error("once more");
    handled.set(eventId, (handled.get(eventId) ?? 0) + 1);
    amounts.add(String(amount));
  });
  await isLive(client);
  const published: string[] = [];
  while (published.length < TRANSACTIONS) {
    const first = published.length;
    const count = Math.min(TRANSACTIONS - first, 1 + Math.floor(chance() * 20));
    const payments = Array.from({ length: count }, (_, index) => payment("ann", `t-${first + index}`, { amount: `${first + index}.10` }));
    published.push(...(await tell(server, payments)));
    if (chance() < 0.5) line.cut();
    await new Promise((resolve) => setTimeout(resolve, chance() * 30));
    if (chance() < 0.3) line.cut();
  }
  await until(
    () => handled.size === TRANSACTIONS,
    () => [client.status.get(), handled.size, published.filter((id) => !handled.has(id))],
  );
  expect([...handled.keys()].sort()).toEqual([...published].sort());
  expect([...handled.values()].every((count) => count === 1)).toBe(true);
  expect(amounts).toEqual(new Set(published.map((_, index) => `${index}.10`)));
  expect(client.transactions()[0]?.transaction.id).toBe(`t-${TRANSACTIONS - 1}`);
  // Whatever is pending comes before it once more, and is acknowledged.
  const [last] = await tell(server, [payment("ann", "last")]);
  await until(() => handled.has(last ?? ""));
  client.disconnect();
  // The server has heard its last words.
  await until(async () => {
    const metrics = await Promise.all(server.nodeUrls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    return !/^broadtape_connections\{.*\} [1-9]/m.test(metrics.join("\n"));
  });
  const device = await plain({ sub: "ann" }, "?clientId=phone");
  await tell(server, [payment("ann", "next")]);
  expect(await device.idsUpTo("next")).toEqual(["next"]);
  expect(device.told[0]).toMatchObject({ type: "connected", resumed: true });
});

it("shows the balances as they stand, digit for digit, and follows what it subscribes to", async () => {
  await tell(server, [balance("bob", "NGN", "50000.00"), balance("bob", "USD", "1.5")]);
  const client = open("bob");
  const refusals: (string | undefined)[] = [];
  client.on("error", ({ path }) => refusals.push(path));
  const alerts: string[] = [];
  client.on("fraud", ({ alert }) => alerts.push(`${alert.transactionId} ${String(alert.riskScore)}`));
  await isLive(client);
  const shown = () => client.balances().map(({ currency, availableBalance }) => `${currency} ${String(availableBalance)}`);
  await until(() => shown().join() === "NGN 50000.00,USD 1.5", shown);
  await expect(client.subscribe({ events: ["fraud"], filters: { minAmount: "5.00" } })).resolves.toEqual({
    events: expect.arrayContaining(["transaction", "balance", "fraud"]),
    filters: { minAmount: "5.00" },
  });
  await expect(client.subscribe({ filters: { minAmount: "5", maxAmount: "1" } })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  expect(refusals).toEqual(["filters.minAmount"]);
  line.cut();
  await tell(server, [fraudAlert("bob"), balance("bob", "NGN", "49999.90"), payment("bob", "small", { amount: "4.99" })]);
  await until(
    () => alerts.length > 0 && shown()[0] === "NGN 49999.90",
    () => [alerts, shown()],
  );
  expect([alerts, client.transactions()]).toEqual([["t 0.970"], []]);
  client.disconnect();
});

it("ends with a clear error where another device takes its name, and lives over a token's end", async () => {
  const errors: string[] = [];
  const first = open("cid", { token: () => token({ sub: "cid", ttlMs: 3000 }) });
  let cuts = 0;
  first.on("disconnected", () => (cuts += 1));
  first.on("error", ({ code }) => errors.push(code));
  await isLive(first);
  await new Promise((resolve) => setTimeout(resolve, 4000));
  expect([first.state, cuts, errors]).toEqual(["live", 0, []]);
  const second = open("cid");
  await until(() => first.state === "closed");
  expect([errors, first.status.get().reason]).toEqual([["REPLACED"], "REPLACED"]);
  await isLive(second);
  second.disconnect();
});
