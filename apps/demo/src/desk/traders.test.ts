import { describe, expect, it } from "vitest";
import { recordedDesk } from "./recorded-desk.ts";
import { trade } from "./traders.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const HOUR_MS = 3_600_000;

describe("the demo's traders", () => {
  it("keep the desk busy: in an hour everything that may become of an RFQ becomes of some, and the server would take all of it", async () => {
    const { desk, clock, random, events, rfqs } = recordedDesk(seed);
    const callOff = trade({ desk, clock, random });
    let most = 0;
    for (let second = 0; second < 3600; second++) {
      await clock.pass(1000);
      most = Math.max(most, desk.openCount);
    }
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(6);
    const counts = Object.groupBy(rfqs.values(), ({ status }) => status);
    for (const end of ["filled", "expired", "cancelled"] as const) expect(counts[end]?.length).toBeGreaterThan(10);
    expect(new Set(events.map(({ type }) => type)).size).toBe(11);
    // One each 7 to 10 s, fewer where as many are open as may be.
    expect(rfqs.size).toBeLessThanOrEqual(HOUR_MS / 7000);
    expect(rfqs.size).toBeGreaterThan(HOUR_MS / 20_000);
    expect(new Set([...rfqs.values()].map(({ traderId, side, symbol }) => `${traderId} ${side} ${symbol}`)).size).toBe(27);
    callOff();
    await clock.pass(100_000);
    expect([clock.waiting, desk.openCount]).toEqual([0, 0]);
  });

  it("take the way back where they went far enough", async () => {
    const { desk, clock, random, rfqs } = recordedDesk(seed);
    trade({ desk, clock, random, wayBack: (trader, symbol) => (trader.userId === "ada" && symbol === "EURUSD" ? "sell" : undefined) });
    await clock.pass(HOUR_MS / 2);
    const sidesOf = (traderId: string) =>
      new Set([...rfqs.values()].flatMap((rfq) => (rfq.traderId === traderId && rfq.symbol === "EURUSD" ? [rfq.side] : [])));
    expect([[...sidesOf("ada")], sidesOf("ben").size]).toEqual([["sell"], 3]);
  });

  it("wait for a desk that does not deal", async () => {
    const { desk, clock, random, rfqs, server } = recordedDesk(seed);
    server.isBehind = true;
    trade({ desk, clock, random });
    await clock.pass(60_000);
    expect(rfqs.size).toBe(0);
    server.isBehind = false;
    await clock.pass(60_000);
    expect(rfqs.size).toBeGreaterThan(2);
  });
});
