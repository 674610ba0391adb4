import { describe, expect, it } from "vitest";
import { FakeClock } from "../desk/fake-clock.ts";
import { INSTRUMENTS } from "../desk/instruments.ts";
import { MarketPrices } from "../desk/market-prices.ts";
import { seeded } from "../desk/random.ts";
import { TRADERS } from "../desk/traders.ts";
import { playTrading } from "./play-trading.ts";
import { RecordedServer } from "./recorded-server.ts";
import { readAccounts } from "./standing.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const MINUTE_MS = 60_000;

async function setUp(server = new RecordedServer(), clock = new FakeClock()) {
  const random = seeded(seed);
  const prices = new MarketPrices();
  // A market that wanders, in steps of a few points.
  const mids = new Map(INSTRUMENTS.map(({ symbol }) => [symbol, symbol === "XAUUSD" ? 1290_000 : 139_350]));
  const wander = () => {
    for (const { symbol, priceDigits } of INSTRUMENTS) {
      const mid = (mids.get(symbol) ?? 0) + Math.round((random() - 0.5) * 12);
      mids.set(symbol, mid);
      const price = (points: number) => (points / 10 ** priceDigits).toFixed(priceDigits);
      prices.take({ symbol, source: "A", bid: price(mid - 1), ask: price(mid + 1) });
    }
    clock.after(500, wander);
  };
  wander();
  const faults: unknown[] = [];
  const open = async () =>
    playTrading({
      speed: 1,
      clock,
      random,
      prices,
      publisher: { publish: server.publish },
      accounts: await readAccounts({ url: "http://server", traders: TRADERS, fetch: server.fetch }),
      onFault: (error) => faults.push(error),
    });
  return { server, clock, faults, open, trading: await open() };
}

describe("the scene of trading", () => {
  it("shows a newcomer orders, trades, positions and balances of every user within a minute", async () => {
    const { server, clock } = await setUp();
    await clock.pass(MINUTE_MS);
    for (const { userId } of TRADERS) {
      const { orders, positions, trades, balances } = server.snapshotOf(userId);
      expect(orders.length).toBeGreaterThanOrEqual(4);
      expect(orders.length).toBeLessThanOrEqual(12);
      expect([positions.length > 0, trades.length > 0, balances.length]).toEqual([true, true, 1]);
    }
  });

  it("has orders filled, cancelled and rejected in half an hour, positions both ways that never grow far, and books that agree", async () => {
    const { server, clock, faults, trading } = await setUp();
    let furthest = 0;
    for (let minute = 0; minute < 30; minute++) {
      await clock.pass(MINUTE_MS);
      for (const { symbol } of INSTRUMENTS)
        for (const trader of TRADERS) furthest = Math.max(furthest, Math.abs(trading.books.exposureOf(trader, symbol)));
    }
    expect(new Set(server.lines.map(({ type }) => type)).size).toBe(10);
    expect(new Set(server.lines.map(({ data }) => ("position" in data ? data.position.side : "long"))).size).toBe(2);
    expect(furthest).toBeLessThan(1);
    expect([faults, server.repeated]).toEqual([[], 0]);
  });

  it("goes on from the accounts as they stand, with nothing left open, however it ended", async () => {
    const { server, clock, open, trading } = await setUp();
    await clock.pass(5 * MINUTE_MS);
    const before = server.snapshotOf("ada");
    // Killed: it says nothing more.
    trading.house.close();
    const again = await open();
    const after = server.snapshotOf("ada");
    expect(after.orders.filter(({ status }) => status === "submitted")).toEqual([]);
    expect(after.positions).toEqual(before.positions);
    expect(again.books.accountOf(TRADERS[0])?.cash.toFixed(2)).toBe(before.balances[0]?.total);
    // The server's books throw where a balance does not follow from the trades before it.
    await clock.pass(5 * MINUTE_MS);
    expect(server.snapshotOf("ada").trades.length).toBeGreaterThan(after.trades.length);
    expect(server.repeated).toBe(0);
  });

  it("leaves no order open when it is closed, and begins nothing more", async () => {
    const { server, clock, trading } = await setUp();
    await clock.pass(3 * MINUTE_MS);
    await trading.close();
    for (const { userId } of TRADERS)
      for (const { status } of server.snapshotOf(userId).orders) expect(["filled", "cancelled", "rejected"]).toContain(status);
    const count = server.lines.length;
    await clock.pass(MINUTE_MS);
    expect(server.lines.length).toBe(count);
  });
});
