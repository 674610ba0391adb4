/** What the demo makes of a new beginning: RFQs, accounts and wallets of both tenants, read as a page reads them. */
import Big from "big.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoClient } from "./demo-client.ts";
import { type TestServer, startTestServer, until } from "./server.ts";

let server: TestServer;
const { signIn, requestQuotes, history } = demoClient(() => server);
beforeAll(async () => {
  // A transaction every 25 to 67 ms, an order of each user's every 80 to 250 ms.
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", DEMO_PACE: "60" } });
});
afterAll(() => server.remove());

interface Told {
  /** Ascends as text. */
  readonly eventId: string;
  readonly event: string;
  readonly data: {
    readonly reason?: string;
    readonly order?: { readonly id: string; readonly status: string };
    readonly position?: { readonly id: string; readonly symbol: string };
    readonly trade?: { readonly id: string };
    readonly transaction?: { readonly amount: string; readonly currency: string; readonly type: string };
    readonly wallet?: { readonly currency: string; readonly ledgerBalance?: string; readonly action?: string };
  };
}
interface Person {
  readonly user: string;
  readonly rfqId: string;
  /** The newest event of the person's orders when all was well. */
  readonly lastOrder: string;
  readonly completed: number;
}

const isOutgoing = (type: string) => type === "CARD_PAYMENT" || type === "TRANSFER_OUT";
const historyOf = async (user: string, topic: string) => history<Told>(`${topic}:${user}`, await signIn(user));
const completedOf = async (user: string) =>
  (await historyOf(user, "transactions")).filter(({ event }) => event === "transaction.completed");
const balancesOf = async (user: string) => (await historyOf(user, "wallets")).filter(({ event }) => event === "wallet.balance");

/** Resolves when there is something of everything that could be lost. */
async function live(user: string): Promise<Person> {
  const rfqId = await requestQuotes(await signIn(user), { seconds: 300 });
  await until(async () => (await historyOf(user, "positions")).length > 0);
  await until(async () => new Set((await balancesOf(user)).map(({ data }) => data.wallet?.currency)).size > 1);
  const completed = await until(async () => {
    const { length } = await completedOf(user);
    return length >= 5 && length;
  });
  return { user, rfqId, completed, lastOrder: (await historyOf(user, "orders")).at(-1)?.eventId ?? "" };
}

const ENDS = [
  ["SIGTERM", 0, "the desk closed"],
  ["SIGKILL", null, "the desk was started again"],
] as const;

describe.each(ENDS)("when the server ends with %s and begins anew, the demo", (signal, code, reason) => {
  let people: readonly Person[];
  beforeAll(async () => {
    people = await Promise.all(["ada", "cleo"].map(live));
    expect(await server.kill(signal)).toBe(code);
    server = await server.restart();
  });

  it("leaves no RFQ open, and deals again", async () => {
    for (const { user, rfqId } of people) {
      const last = await until(async () => {
        const events = await history<Told>(`rfq:${rfqId}`, await signIn(user));
        return events.at(-1)?.event === "rfq.cancelled" && events.at(-1);
      });
      expect(last.data.reason).toBe(reason);
      expect(await requestQuotes(await signIn(user))).not.toBe(rfqId);
    }
  });

  it("goes on from the accounts as they stand", async () => {
    for (const { user, lastOrder } of people) {
      const begun = await historyOf(user, "orders");
      const isNew = ({ eventId }: Told) => eventId > (begun.at(-1)?.eventId ?? "");
      await until(async () => (await historyOf(user, "orders")).some(isNew));
      await until(async () => (await historyOf(user, "trades")).filter(isNew).length >= 2);

      const trades = await historyOf(user, "trades");
      expect(new Set(trades.map(({ data }) => data.trade?.id)).size).toBe(trades.length);
      // Over all starts of the demo: of each symbol one position is open at a time, and what was opened is what was closed.
      const open = new Map<string, string>();
      for (const { event, data } of await historyOf(user, "positions")) {
        const { id = "", symbol = "" } = data.position ?? {};
        expect(open.get(symbol)).toBe(event === "trading.position.opened" ? undefined : id);
        if (event === "trading.position.closed") open.delete(symbol);
        else open.set(symbol, id);
      }
      // What was open when it ended is at its end now; a deal that was filled in part is filled up.
      const orders = await historyOf(user, "orders");
      const newest = new Map(orders.map(({ data }) => [data.order?.id, data.order?.status]));
      const begunBefore = orders.filter(({ eventId }) => eventId <= lastOrder);
      for (const { data } of begunBefore) expect(["filled", "cancelled", "rejected"]).toContain(newest.get(data.order?.id));
    }
  });

  it("goes on from the wallets as they stand", async () => {
    for (const { user, completed } of people) {
      await until(async () => (await completedOf(user)).length >= completed + 5);

      const balances = await balancesOf(user);
      const sums = await completedOf(user);
      const newest = new Map(balances.map((balance) => [balance.data.wallet?.currency ?? "", balance]));
      expect([...newest.keys()].sort()).toEqual(["GBP", "USD"]);
      // Over all starts of the demo: a balance is the sum of what was completed before it.
      for (const [currency, { eventId, data }] of newest) {
        const booked = sums.flatMap((each) =>
          each.eventId < eventId && each.data.transaction?.currency === currency ? [each.data.transaction] : [],
        );
        const sum = booked.reduce((total, { amount, type }) => (isOutgoing(type) ? total.minus(amount) : total.plus(amount)), Big(0));
        expect(data.wallet?.ledgerBalance).toBe(sum.toFixed(2));
      }
      const created = (await historyOf(user, "wallets")).flatMap(({ data }) =>
        data.wallet?.action === "CREATED" ? [data.wallet.currency] : [],
      );
      expect(created.sort()).toEqual(["GBP", "USD"]);
    }
  });
});
