/** The demo's bank, the way a page sees it: a user's transactions, wallets and alerts over the native protocol. */
import Big from "big.js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { demoClient } from "./demo-client.ts";
import { type Client, type Told, nativeClients } from "./native-client.ts";
import { type TestServer, startTestServer, until } from "./server.ts";

let server: TestServer;
const { open, end } = nativeClients(() => server);
const { signIn } = demoClient(() => server);
beforeAll(async () => {
  // A transaction every 25 to 67 ms.
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_PACE: "60" } });
});
afterAll(async () => {
  end();
  await server.remove();
});

interface Money {
  /** Ascends as text. */
  readonly eventId: string;
  readonly event: string;
  readonly data: {
    readonly userId: string;
    readonly transaction?: { readonly id: string; readonly amount: string; readonly currency: string; readonly type: string };
    readonly wallet?: {
      readonly currency: string;
      readonly availableBalance?: string;
      readonly ledgerBalance?: string;
      readonly pendingAmount?: string;
      readonly lockedAmount?: string;
      readonly action?: string;
    };
    readonly alert?: { readonly transactionId: string; readonly action: string };
  };
}
async function follow(user: string): Promise<Client> {
  const client = open({ bearer: await signIn(user) });
  await client.first("welcome");
  client.say({ type: "subscribe", id: 1, topics: ["transactions:me", "wallets:me", "fraud:me"] });
  const { results } = await client.first("subscribed");
  expect(results).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
  return client;
}

const eventsOf = ({ told }: Client) =>
  told.flatMap((each) => (each.type === "batch" ? (each["events"] as Told[]) : each.type === "event" ? [each] : [])) as unknown as Money[];

const isOutgoing = (type: string) => type === "CARD_PAYMENT" || type === "TRANSFER_OUT";

it.concurrent("shows ada her transactions as they arrive, and balances that agree with them", async () => {
  const client = await follow("ada");
  const completed = () => eventsOf(client).filter(({ event }) => event === "transaction.completed");
  await until(() => completed().length >= 12);
  const events = eventsOf(client);
  for (const { data } of events) expect(data.userId).toBe("ada");

  let compared = 0;
  const ledgers = new Map<string, Big>();
  for (const [index, { event, data }] of events.entries()) {
    const { currency, ledgerBalance } = data.wallet ?? {};
    if (event === "wallet.balance") ledgers.set(String(currency), Big(String(ledgerBalance)));
    const { transaction } = data;
    if (event !== "transaction.completed" || transaction === undefined) continue;
    const before = ledgers.get(transaction.currency);
    const told = events.slice(index).find((each) => each.event === "wallet.balance" && each.data.wallet?.currency === transaction.currency);
    if (before === undefined || told === undefined) continue;
    const after = isOutgoing(transaction.type) ? before.minus(transaction.amount) : before.plus(transaction.amount);
    expect(told.data.wallet?.ledgerBalance).toBe(after.toFixed(2));
    compared++;
  }
  expect(compared).toBeGreaterThan(4);
  for (const { event, data } of events) {
    if (event !== "wallet.balance") continue;
    const { availableBalance, ledgerBalance, pendingAmount, lockedAmount } = data.wallet ?? {};
    const parts = [availableBalance, pendingAmount, lockedAmount].map((each) => Big(String(each)));
    expect(parts.reduce((sum, each) => sum.plus(each)).toFixed(2)).toBe(ledgerBalance);
  }
});

it.concurrent("tells of every transaction that it was begun before it is at its end", async () => {
  const client = await follow("ben");
  const story = (id: string) => eventsOf(client).flatMap(({ event, data }) => (data.transaction?.id === id ? [event] : []));
  await until(() => {
    const begun = eventsOf(client).filter(({ event }) => event === "transaction.created");
    return begun.length >= 10 && begun.slice(0, 5).every(({ data }) => story(data.transaction?.id ?? "").length > 1);
  });
  const begun = eventsOf(client).find(({ event }) => event === "transaction.created");
  expect(story(begun?.data.transaction?.id ?? "")[0]).toBe("transaction.created");
});

it.concurrent("raises alerts, each for a transaction that is there, and lets honest transfers go after a review", async () => {
  const client = await follow("ada");
  const alerts = () => eventsOf(client).flatMap(({ data }) => (data.alert === undefined ? [] : [data.alert]));
  const reviewed = await until(() =>
    alerts().find(
      ({ action, transactionId }) =>
        action === "REVIEW" && alerts().some((each) => each.action === "ALLOWED" && each.transactionId === transactionId),
    ),
  );
  await until(() =>
    eventsOf(client).some(({ event, data }) => event === "transaction.completed" && data.transaction?.id === reviewed.transactionId),
  );
});
