/** A strategy folded from its events, and how they are shown: the code that the server's view and clients share. */
import { redact } from "../../redact.ts";
import type { StrategyRegistered, StrategySignal, StrategyStatus } from "./schema.ts";

export interface Signal extends Pick<StrategySignal, "signal" | "symbol" | "action" | "confidence"> {
  readonly reasoning?: string;
  /** ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string;
}

export interface Standing extends Pick<StrategyStatus, "status"> {
  readonly error?: string;
  /** ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string;
}

/** Details are told with their events and not kept here: a state stays small, whatever is published. */
export interface Strategy {
  readonly strategyId: string;
  readonly userId: string;
  readonly name: string;
  /** Without one it was registered and never started. */
  readonly standing?: Standing;
  /** The newest last, at most {@link MAX_SIGNALS}. */
  readonly signals: readonly Signal[];
}

/** Older ones are history. */
export const MAX_SIGNALS = 50;

export interface StrategyEvent {
  readonly type: string;
  /** Checked against the type's schema. */
  readonly data: unknown;
  /** RFC 3339. */
  readonly time: string;
}

/** The strategy after an event of it; undefined for events of one that was never registered. The same object where nothing changes. */
export function foldStrategy(strategy: Strategy | undefined, { type, data, time }: StrategyEvent): Strategy | undefined {
  if (type === "strategy.registered") {
    const { strategyId, userId, name } = data as StrategyRegistered;
    return strategy === undefined ? { strategyId, userId, name, signals: [] } : { ...strategy, name };
  }
  if (strategy === undefined) return undefined;
  const timestamp = new Date(time).toISOString();
  switch (type) {
    case "strategy.signal": {
      const { signal, symbol, action, confidence, reasoning } = data as StrategySignal;
      const newest = { signal, symbol, action, confidence, ...(reasoning != null && { reasoning }), timestamp };
      return { ...strategy, signals: [...strategy.signals, newest].slice(-MAX_SIGNALS) };
    }
    case "strategy.status": {
      const { status, error } = data as StrategyStatus;
      return { ...strategy, standing: { status, ...(error != null && { error }), timestamp } };
    }
    default:
      return strategy;
  }
}

/** What an event of a strategy shows, of all that was published; undefined for types of other products. */
export function shownStrategyEvent(type: string, data: unknown): object | undefined {
  switch (type) {
    case "strategy.registered": {
      const { strategyId, userId, name } = data as StrategyRegistered;
      return { strategyId, userId, name };
    }
    case "strategy.signal": {
      const { strategyId, userId, signal, symbol, action, confidence, reasoning, details } = data as StrategySignal;
      return { strategyId, userId, signal, symbol, action, confidence, ...(reasoning != null && { reasoning }), ...shownDetails(details) };
    }
    case "strategy.status": {
      const { strategyId, userId, status, error, details } = data as StrategyStatus;
      return { strategyId, userId, status, ...(error != null && { error }), ...shownDetails(details) };
    }
    default:
      return undefined;
  }
}

function shownDetails(details: StrategySignal["details"]) {
  return details == null ? {} : { details: redact(details) };
}
