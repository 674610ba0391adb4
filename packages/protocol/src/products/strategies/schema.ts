/** Strategies (contract 50-sse): who owns one, what it signals, and whether it runs. */
import { z } from "zod";
import { entityId, userId } from "../../ids.ts";
import { decimal } from "../../schema.ts";
import { SYMBOL } from "../market-data/schema.ts";

const name = z.string().min(1).max(256);
const word = z.string().min(1).max(64);
/** Written by the server at publishing, so that an event makes sense without its registration. */
const ofStrategy = { userId: userId.optional() };
/** Whatever a strategy needs; what must not be seen in it is hidden when it is shown (`redact`). */
const details = z.record(z.string().max(256), z.unknown()).nullish();

export const strategyRegistered = z.looseObject({ strategyId: entityId, userId, name });
export const strategySignal = z.looseObject({
  strategyId: entityId,
  signal: z.string().min(1).max(256),
  symbol: z.string().regex(SYMBOL, "must be a symbol"),
  action: word,
  confidence: decimal,
  reasoning: z.string().max(4096).nullish(),
  details,
  ...ofStrategy,
});
export const strategyStatus = z.looseObject({
  strategyId: entityId,
  status: z.enum(["started", "stopped", "error"]),
  error: z.string().max(4096).nullish(),
  details,
  ...ofStrategy,
});

export type StrategyRegistered = z.infer<typeof strategyRegistered>;
export type StrategySignal = z.infer<typeof strategySignal>;
export type StrategyStatus = z.infer<typeof strategyStatus>;
