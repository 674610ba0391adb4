/** Agents (contract 50-sse): how each agent of the tenant is, for everyone of the tenant; only the newest of each counts. */
import { catalogue } from "@broadtape/protocol/catalogue";
import { type Agents, MAX_STATUS_CHARS, foldAgents } from "@broadtape/protocol/products/agents/agents";
import type { AgentStatus } from "@broadtape/protocol/products/agents/schema";
import { redact } from "@broadtape/protocol/redact";
import type { Completion, DomainEvent, Fault, Product, TopicKind, View } from "../../engine/product.ts";

type AgentEvent = DomainEvent & { readonly data: AgentStatus };

const TOPIC = "agents";
/** All of a tenant's agents are one entity. It is also the key of {@link ALL}: no agent's id, so that no agent's status replaces it. */
const EVERY_AGENT = "*";
/** The event type under which a resumed follower is told of all agents; it is never stored. */
const ALL = "agents.all";

const agents: View<Agents, AgentEvent> = {
  name: "agents",
  version: 1,
  entityOf: () => EVERY_AGENT,
  fold: (state, { data, time }) => foldAgents(state, data, time),
};

const agentsTopic: TopicKind<Agents> = {
  kind: TOPIC,
  lossless: false,
  param: (written) => (written === "" ? written : undefined),
  mayFollow: () => true,
  view: agents,
  entity: () => EVERY_AGENT,
  render: (state) => JSON.stringify(state),
  newestType: ALL,
  filterable: ["agentId", "status"],
};

export const agentsProduct: Product<AgentEvent> = {
  name: "agents",
  types: { "agent.status": catalogue["agent.status"] },
  views: [agents],
  topics: [agentsTopic],
  admit: ({ data }) => admit(data as AgentStatus),
  topicsOf: () => [TOPIC],
  tellNewest: ({ type, data, text }) => [{ topic: TOPIC, key: data.agentId, event: type, data: text }],
};

/** Hidden before it is stored: the history of values that are conflated shows them as they are stored. */
function admit(data: AgentStatus): Fault | Completion | undefined {
  if (JSON.stringify(data).length > MAX_STATUS_CHARS) return { path: "data", message: `must be at most ${MAX_STATUS_CHARS} characters` };
  const shown = redact(data);
  return shown === data ? undefined : { data: shown };
}
