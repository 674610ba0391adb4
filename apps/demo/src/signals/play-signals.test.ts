import { describe, expect, it } from "vitest";
import { catalogue } from "@broadtape/protocol/catalogue";
import { parseJson } from "@broadtape/protocol/json";
import { toBig } from "@broadtape/protocol/money";
import { FakeClock } from "../desk/fake-clock.ts";
import { INSTRUMENTS } from "../desk/instruments.ts";
import { seeded } from "../desk/random.ts";
import { TEAMS } from "../desk/traders.ts";
import type { SignalEvent } from "./events.ts";
import { playSignals } from "./play-signals.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const MINUTE_MS = 60_000;

type Line = SignalEvent & { readonly id: string; readonly tenantid: string };

async function setUp({ isPriced = true, team = TEAMS[0] } = {}) {
  const clock = new FakeClock();
  const random = seeded(seed);
  const lines: Line[] = [];
  const faults: unknown[] = [];
  const placed: string[] = [];
  const server: { refusal?: Error } = {};
  let drift = 0;
  let mid = toBig("1.39350");
  const wander = () => {
    // It goes one way for a while, then another.
    if (random() < 0.03) drift = Math.round((random() - 0.5) * 20);
    mid = mid.plus(toBig("0.00001").times(drift + Math.round((random() - 0.5) * 6)));
    clock.after(1000, wander);
  };
  wander();
  const scene = await playSignals({
    speed: 1,
    clock,
    prices: { mid: () => (isPriced ? mid : undefined) },
    users: team,
    publisher: {
      async publish(texts) {
        if (server.refusal !== undefined) throw server.refusal;
        for (const text of texts) {
          const line = JSON.parse(text) as Line;
          catalogue[line.type].schema.parse(parseJson(JSON.stringify(line.data)));
          lines.push(line);
        }
      },
    },
    place: ({ userId }, symbol, side) => {
      placed.push(`${userId} ${symbol} ${side}`);
      return `order-${placed.length}`;
    },
    onFault: (error) => faults.push(error),
  });
  const of = <T extends SignalEvent["type"]>(type: T) =>
    lines.flatMap((line) => (line.type === type ? [line.data as Extract<SignalEvent, { type: T }>["data"]] : []));
  return { clock, scene, lines, of, placed, faults, server };
}

describe("the scene of signals", () => {
  it("shows every user alerts, signals, decisions and agents within a few minutes, with ids that never repeat", async () => {
    const { clock, lines, of, faults } = await setUp();
    await clock.pass(5 * MINUTE_MS);
    for (const { userId } of TEAMS[0]) {
      expect(of("alert.triggered").filter((each) => each.userId === userId).length).toBeGreaterThan(0);
      expect(of("ai.decision").filter((each) => each.userId === userId).length).toBeGreaterThan(0);
    }
    expect(of("strategy.signal").length).toBeGreaterThan(0);
    expect(new Set(of("agent.status").map(({ agentId }) => agentId)).size).toBe(2);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    expect(new Set(lines.map(({ tenantid }) => tenantid))).toEqual(new Set(["demo-bank"]));
    expect(faults).toEqual([]);
  });

  it("tells of no level of a symbol twice in a minute", async () => {
    const { clock, of } = await setUp();
    await clock.pass(60 * MINUTE_MS);
    const alerts = of("alert.triggered").filter(({ userId }) => userId === "ada");
    expect(alerts.length).toBeGreaterThan(10);
    expect(alerts.length).toBeLessThanOrEqual(60 * INSTRUMENTS.length * 3);
    expect(new Set(alerts.map(({ level }) => level)).size).toBeGreaterThan(1);
    expect(new Set(alerts.map(({ alertId }) => alertId)).size).toBe(alerts.length);
  });

  it("decides on each signal, and orders what it decides", async () => {
    const { clock, of, placed } = await setUp();
    await clock.pass(20 * MINUTE_MS);
    const [signals, decisions] = [of("strategy.signal"), of("ai.decision")];
    expect(decisions.map(({ strategyId }) => strategyId)).toEqual(signals.map(({ strategyId }) => strategyId));
    const traded = decisions.filter(({ action }) => action !== "hold");
    expect(traded.map(({ userId, symbol, action }) => `${userId} ${String(symbol)} ${String(action)}`)).toEqual(placed);
    expect(traded.length).toBeGreaterThan(0);
    for (const { confidence } of signals) expect([toBig(confidence).gte(0), toBig(confidence).lte(1)]).toEqual([true, true]);
  });

  it("says that agents wait while there is no price", async () => {
    const { clock, of } = await setUp({ isPriced: false });
    await clock.pass(MINUTE_MS);
    expect(of("agent.status").find(({ agentId }) => agentId === "demo-market-watch")).toMatchObject({ status: "waiting", symbols: 0 });
  });

  it("starts strategies of the same ids each time, and stops them when it is closed", async () => {
    const [first, second] = [await setUp(), await setUp()];
    const ids = first.of("strategy.registered").map(({ strategyId }) => strategyId);
    expect(ids).toEqual([
      "demo-crossover-eurusd-ada",
      "demo-crossover-nzdusd-ada",
      "demo-crossover-nzdusd-ben",
      "demo-crossover-xauusd-ben",
    ]);
    expect(second.of("strategy.registered").map(({ strategyId }) => strategyId)).toEqual(ids);
    await first.scene.close();
    expect(first.of("strategy.status").map(({ status }) => status)).toEqual([...ids.map(() => "started"), ...ids.map(() => "stopped")]);
    const count = first.lines.length;
    await first.clock.pass(MINUTE_MS);
    expect(first.lines.length).toBe(count);
  });

  it("tells of a refusal, and says nothing more", async () => {
    const { clock, faults, server } = await setUp();
    server.refusal = new Error("refused");
    await clock.pass(5 * MINUTE_MS);
    expect(faults).toEqual([server.refusal]);
  });
});
