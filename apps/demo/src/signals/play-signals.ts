/** The scene of signals: alerts on moves of the replayed prices, strategies, what the advisor decides, and how these agents are. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../desk/clock.ts";
import { INSTRUMENTS } from "../desk/instruments.ts";
import type { MarketPrices } from "../desk/market-prices.ts";
import type { Trader } from "../desk/rfq-on-desk.ts";
import type { Publisher } from "../publisher.ts";
import { ADVISOR, Advisor, type AdvisorOptions, type Strategy } from "./advisor.ts";
import type { SignalEvent } from "./events.ts";
import { PriceMoves } from "./price-moves.ts";

export interface SignalsSceneOptions {
  readonly speed: number;
  readonly clock: Clock;
  readonly prices: Pick<MarketPrices, "mid">;
  readonly publisher: Pick<Publisher, "publish">;
  /** Who is told; all of one tenant, which hears of its own strategies and orders alone. */
  readonly users: readonly [Trader, ...Trader[]];
  readonly place: AdvisorOptions["place"];
  readonly onFault: (error: unknown) => void;
}

const SOURCE = "demo/signals";
const MARKET_WATCH = "demo-market-watch";
const LOOK_MS = 1000;
const STATUS_MS = 10_000;

/** Resolves when the strategies are started; goes on until closed. */
export async function playSignals(options: SignalsSceneOptions): Promise<{ close(): Promise<void> }> {
  const { speed, clock, prices, publisher, users, place, onFault } = options;
  const [{ tenant }] = users;
  const run = `${clock.now().toString(36)}${randomBytes(4).toString("hex")}`;
  const numbered = (prefix: string) => {
    let numbers = 0;
    return () => `${prefix}${(++numbers).toString(36)}`;
  };
  const newEventId = numbered(`${run}/`);
  const newAlertId = numbered(`demo-alert-${run}-`);
  const moves = new PriceMoves();
  const advisor = new Advisor({ strategies: strategiesOf(users), newDecisionId: numbered(`demo-decision-${run}-`), place });
  const publish = async (events: readonly SignalEvent[]) => {
    const time = new Date(clock.now()).toISOString();
    const lines = events.map(({ type, data }) => JSON.stringify({ type, source: SOURCE, id: newEventId(), time, tenantid: tenant, data }));
    if (lines.length > 0) await publisher.publish(lines);
  };

  let alerts = 0;
  const alertAll = (now: number): SignalEvent[] =>
    INSTRUMENTS.flatMap(({ symbol }): SignalEvent[] => {
      const mid = prices.mid(symbol);
      const move = mid && moves.look(symbol, mid, now);
      if (move === undefined) return [];
      alerts++;
      const { level, message } = move;
      const alertId = newAlertId();
      return users.map(({ userId }) => ({ type: "alert.triggered", data: { userId, alertId, level, message } }));
    });
  const statuses = (): SignalEvent[] => {
    const priced = INSTRUMENTS.filter(({ symbol }) => prices.mid(symbol) !== undefined).length;
    const status = priced === INSTRUMENTS.length ? "running" : "waiting";
    return [{ type: "agent.status", data: { agentId: MARKET_WATCH, status, symbols: priced, alerts } }, advisor.status()];
  };

  let isClosed = false;
  let callOff = () => {};
  /** What is being published; a turn begins when the one before it is stored. */
  let turn = Promise.resolve();
  let statusDue = clock.now();
  const look = (): SignalEvent[] => {
    const now = clock.now();
    const isStatusDue = now >= statusDue;
    if (isStatusDue) statusDue = now + STATUS_MS / speed;
    return [...alertAll(now), ...advisor.look((symbol) => prices.mid(symbol), now), ...(isStatusDue ? statuses() : [])];
  };
  const next = () => {
    callOff = clock.after(LOOK_MS / speed, () => {
      turn = publish(look()).then(() => {
        if (!isClosed) next();
      }, onFault);
    });
  };
  await publish(advisor.begin());
  next();
  return {
    async close() {
      isClosed = true;
      callOff();
      await turn;
      const stopped = [MARKET_WATCH, ADVISOR].map((agentId): SignalEvent => ({
        type: "agent.status",
        data: { agentId, status: "stopped" },
      }));
      await publish([...advisor.end(), ...stopped]);
    },
  };
}

/** Every user has two, of neighbouring symbols; their ids are the same at each start. */
function strategiesOf(users: readonly Trader[]): Strategy[] {
  return users.flatMap((owner, index) =>
    [0, 1].map((offset) => {
      const { symbol } = INSTRUMENTS[(index + offset) % INSTRUMENTS.length] ?? INSTRUMENTS[0];
      return { id: `demo-crossover-${symbol.toLowerCase()}-${owner.userId}`, owner, symbol };
    }),
  );
}
