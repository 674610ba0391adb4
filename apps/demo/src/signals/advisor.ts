/** The demo's strategies, each of one user and symbol, and the advisor that decides what comes of their signals. */
import type Big from "big.js";
import { toBig } from "@broadtape/protocol/money";
import type { Trader } from "../desk/rfq-on-desk.ts";
import { Crossover, type CrossoverSignal, FAST, SLOW } from "./crossover.ts";
import type { SignalEvent } from "./events.ts";

export interface Strategy {
  readonly id: string;
  readonly owner: Trader;
  readonly symbol: string;
}

export interface AdvisorOptions {
  readonly strategies: readonly Strategy[];
  readonly newDecisionId: () => string;
  /** Places an order for its owner; its id, or undefined where there is none. */
  readonly place: (owner: Trader, symbol: string, side: "buy" | "sell") => string | undefined;
}

export const ADVISOR = "demo-advisor";

/** Below it a signal is noise. */
const LEAST_CONFIDENCE = toBig("0.4");

export class Advisor {
  readonly #options: AdvisorOptions;
  readonly #crossovers: ReadonlyMap<string, Crossover>;
  #signals = 0;
  #orders = 0;

  constructor(options: AdvisorOptions) {
    this.#options = options;
    this.#crossovers = new Map(options.strategies.map(({ id }) => [id, new Crossover()]));
  }

  /** The strategies are known and run, whether an earlier start said so or not. */
  begin(): SignalEvent[] {
    return this.#options.strategies.flatMap(({ id: strategyId, owner: { userId }, symbol }): SignalEvent[] => [
      { type: "strategy.registered", data: { strategyId, userId, name: `${symbol}: averages of ${FAST} and ${SLOW}` } },
      { type: "strategy.status", data: { strategyId, status: "started", details: { symbol, fast: FAST, slow: SLOW } } },
    ]);
  }

  end(): SignalEvent[] {
    return this.#options.strategies.map(({ id: strategyId }) => ({ type: "strategy.status", data: { strategyId, status: "stopped" } }));
  }

  /** What the newest prices signal, and what is decided. */
  look(midOf: (symbol: string) => Big | undefined, now: number): SignalEvent[] {
    return this.#options.strategies.flatMap((strategy): SignalEvent[] => {
      const mid = midOf(strategy.symbol);
      const signal = mid && this.#crossovers.get(strategy.id)?.take(mid);
      if (signal === undefined) return [];
      this.#signals++;
      const { id: strategyId, symbol } = strategy;
      return [{ type: "strategy.signal", data: { strategyId, symbol, ...signal } }, this.#decide(strategy, signal, now)];
    });
  }

  status(): SignalEvent {
    const { strategies } = this.#options;
    return {
      type: "agent.status",
      data: { agentId: ADVISOR, status: "running", strategies: strategies.length, signals: this.#signals, orders: this.#orders },
    };
  }

  #decide({ id: strategyId, owner, symbol }: Strategy, { action, confidence, signal }: CrossoverSignal, now: number): SignalEvent {
    const isNoise = toBig(confidence).lt(LEAST_CONFIDENCE);
    const orderId = isNoise ? undefined : this.#options.place(owner, symbol, action);
    if (orderId !== undefined) this.#orders++;
    const why = isNoise ? "too weak to trade on" : orderId === undefined ? "strong enough, but no order is possible now" : "strong enough";
    return {
      type: "ai.decision",
      data: {
        userId: owner.userId,
        decisionId: this.#options.newDecisionId(),
        agentId: ADVISOR,
        strategyId,
        symbol,
        action: orderId === undefined ? "hold" : action,
        confidence,
        reasoning: `${signal} of ${strategyId}: ${why}`,
        ...(orderId !== undefined && { orderId }),
        decidedAt: new Date(now).toISOString(),
      },
    };
  }
}
