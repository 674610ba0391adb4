/** A tenant's agents as they were heard of last: the code that the server's view and clients share. */
import type { AgentStatus } from "./schema.ts";

export interface Agent {
  readonly agentId: string;
  /** When it said so: ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string;
  /** What it said. */
  readonly data: AgentStatus;
}

/** Invariant: each agent once, who was heard of last is last, at most {@link MAX_AGENTS}. */
export interface Agents {
  readonly agents: readonly Agent[];
}

/** Who was silent for the longest leaves for a newcomer: a publisher's endless new ids grow nothing. */
export const MAX_AGENTS = 500;
/** Characters of JSON that an agent says at once: all of a tenant's agents stand in one snapshot. */
export const MAX_STATUS_CHARS = 4096;

/** `time` is RFC 3339. */
export function foldAgents(state: Agents | undefined, data: AgentStatus, time: string): Agents {
  const { agentId } = data;
  const others = state?.agents.filter((each) => each.agentId !== agentId) ?? [];
  return { agents: [...others, { agentId, timestamp: new Date(time).toISOString(), data }].slice(-MAX_AGENTS) };
}
