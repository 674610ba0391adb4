/** The RFQ client of the SDK against the real server, over a line that is cut at random moments. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { RfqStreamingClient } from "@broadtape/client/rfq";
import { Line } from "./line.ts";
import { type TestServer, publish, startTestServer, token, until } from "./server.ts";

let server: TestServer;
let line: Line;
beforeAll(async () => {
  server = await startTestServer();
  line = await Line.open(() => server.url);
});
afterAll(async () => {
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

const RFQS = 500;
const AT_ONCE = 50;

/** A seeded generator (mulberry32), so that a failing run repeats. */
function chances(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below;
  };
}

const say = (type: string, rfqId: string, data: object = {}) => ({ type, data: { rfqId, ...data } });
const create = (rfqId: string) =>
  say("rfq.created", rfqId, {
    traderId: "ann",
    symbol: "EUR/USD",
    side: "buy",
    quantity: 5,
    expiresAt: new Date(Date.now() + 600_000).toISOString(),
  });

async function serverStates(ids: readonly string[]): Promise<Map<string, unknown>> {
  const headers = { authorization: `Bearer ${await token({ sub: "ann" })}` };
  return new Map(
    await Promise.all(
      ids.map(async (id) => {
        const response = await fetch(`${server.url}/api/v1/topics/rfq:${id}/snapshot`, { headers });
        return [id, ((await response.json()) as { state: unknown }).state] as const;
      }),
    ),
  );
}

/** All but what the clock changes. */
const still = (state: unknown) =>
  JSON.parse(JSON.stringify(state, (key, value: unknown) => (key === "timeRemaining" ? undefined : value))) as unknown;

it("folds 500 lifecycles to the server's state, wherever the connection is cut, and tells each event once", async () => {
  const chance = chances(Number(process.env["BROADTAPE_TEST_SEED"] ?? 1));
  const client = new RfqStreamingClient({ url: line.url, token: () => token({ sub: "ann" }), reconnectionDelay: 10, environment });
  const told = new Map<string, number>();
  for (const name of ["quote:received", "rfq:filled", "rfq:cancelled", "rfq:distributed", "quote:expired", "quotes:ranked"] as const) {
    client.on(name, ({ eventId = "" }) => told.set(eventId, (told.get(eventId) ?? 0) + 1));
  }
  await client.subscribeToTrader();
  let toldAfterAll = 0;
  for (let first = 0; first < RFQS; first += AT_ONCE) {
    const ids = Array.from({ length: AT_ONCE }, (_, index) => `cut-${first + index}`);
    await publish(server.url, ids.map(create));
    await Promise.all(ids.map((id) => client.subscribeToRfq(id)));
    for (let round = 0; round < 4; round++) {
      if (chance(10) < 6) line.cut();
      const events = ids.flatMap((id) => {
        if (round === 0) return [say("rfq.distributed", id, { lpCount: 3 })];
        if (round === 3)
          return chance(2) < 1
            ? [say("rfq.filled", id, { tradeId: `t-${id}`, price: 1.5, quantity: 5 })]
            : [say("rfq.cancelled", id, { reason: "x" })];
        const quote = (lp: number) =>
          say("quote.received", id, {
            quoteId: `q${lp}`,
            lpId: `lp${lp}`,
            bidPrice: Math.floor(chance(5)),
            askPrice: Math.floor(chance(5)),
            status: "valid",
          });
        if (round === 1) return [quote(1), quote(2), quote(3)];
        const ranking = say("quotes.ranked", id, { rankings: [{ quoteId: "q2", ranking: 1, isBestBid: true, isBestAsk: false }] });
        return [quote(2), ...(chance(2) < 1 ? [ranking] : []), say("quote.expired", id, { quoteId: "q1", lpId: "lp1" })];
      });
      toldAfterAll += events.length;
      const { status } = await publish(server.url, events);
      expect(status).toBe(200);
      if (chance(10) < 3) line.cut();
    }
    const states = await serverStates(ids);
    for (const id of ids) {
      await until(
        () => JSON.stringify(still(client.state(id))) === JSON.stringify(still(states.get(id))),
        () => [client.tape.status.get(), client.state(id), states.get(id)],
      );
    }
    for (const id of ids) client.unsubscribeFromRfq(id);
  }
  expect(told.size).toBe(toldAfterAll);
  expect([...told.values()].every((count) => count === 1)).toBe(true);
  client.disconnect();
});

it("refuses what cannot be followed, and tells the seed's countdown", async () => {
  const client = new RfqStreamingClient({ url: line.url, token: () => token({ sub: "ann" }), reconnectionDelay: 10 });
  await expect(client.subscribeToRfq("nobody-made-this")).rejects.toThrow("cannot be followed");
  await publish(server.url, [create("clock"), say("rfq.quoted", "clock")]);
  const seconds: unknown[] = [];
  client.on("rfq:countdown", ({ timeRemaining }) => seconds.push(timeRemaining));
  const state = await client.subscribeToRfq("clock");
  expect(state.rfq).toMatchObject({ id: "clock", status: "quoted" });
  await until(() => seconds.length >= 2);
  expect(Number(seconds[1])).toBeLessThan(Number(seconds[0]));
  expect(client.state("clock")?.rfq.timeRemaining).toBe(seconds.at(-1));
  client.disconnect();
});
