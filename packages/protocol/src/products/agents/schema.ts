/** Agents (contract 50-sse): programs that work for a tenant, and how they are. */
import { z } from "zod";
import { entityId } from "../../ids.ts";

/** What else an agent says of itself is its own; what must not be seen in it is hidden before it is stored (`redact`). */
export const agentStatus = z.looseObject({ agentId: entityId, status: z.string().min(1).max(64) });

export type AgentStatus = z.infer<typeof agentStatus>;
