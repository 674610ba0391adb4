/** Alerts (contract 50-sse): what a user is to be told of at once. */
import { z } from "zod";
import { entityId, userId } from "../../ids.ts";

export const alertTriggered = z.looseObject({
  userId,
  alertId: entityId,
  level: z.enum(["info", "warning", "error"]),
  message: z.string().min(1).max(2048),
});

export type AlertTriggered = z.infer<typeof alertTriggered>;
