/** Strategies (contract 50-sse): registered by their owner, followed by their owner alone. */
import { catalogue } from "@broadtape/protocol/catalogue";
import { ENTITY_ID } from "@broadtape/protocol/ids";
import { type Strategy, foldStrategy, shownStrategyEvent } from "@broadtape/protocol/products/strategies/strategy";
import type { Completion, DomainEvent, DraftEvent, Fault, Product, States, TopicKind, View } from "../../engine/product.ts";

/** Every strategy event as it is stored: completed at admission with whose the strategy is. */
type StrategyDomainEvent = DomainEvent & { readonly data: { readonly strategyId: string; readonly userId: string } };

const strategies: View<Strategy, StrategyDomainEvent> = {
  name: "strategies",
  version: 1,
  entityOf: ({ data }) => data.strategyId,
  fold: (state, event) => foldStrategy(state, event),
};

const strategyTopic: TopicKind<Strategy> = {
  kind: "strategy",
  lossless: true,
  param: (written) => (ENTITY_ID.test(written) ? written : undefined),
  mayFollow: ({ tenant, userId }, strategyId, states) => states.entry(strategies, tenant, strategyId)?.state.userId === userId,
  view: strategies,
  entity: (strategyId) => strategyId,
  render: (strategy) => JSON.stringify(strategy),
  filterable: ["signal", "symbol", "action", "confidence", "status"],
};

const topicOf = ({ data }: Pick<StrategyDomainEvent, "data">) => `strategy:${data.strategyId}`;

export const strategiesProduct: Product<StrategyDomainEvent> = {
  name: "strategies",
  types: {
    "strategy.registered": catalogue["strategy.registered"],
    "strategy.signal": catalogue["strategy.signal"],
    "strategy.status": catalogue["strategy.status"],
  },
  views: [strategies],
  topics: [strategyTopic],
  admitsBy: ({ data }) => [topicOf({ data: data as StrategyDomainEvent["data"] })],
  admit: (event, states) => admit(event, states),
  topicsOf: (event) => [topicOf(event)],
  tell: (event) => [{ topic: topicOf(event), event: event.type, data: JSON.stringify(shownStrategyEvent(event.type, event.data)) }],
};

/** Registering again renames a strategy and never makes it somebody else's, who could then read what it has signalled. */
function admit({ type, data, tenant }: DraftEvent, states: Pick<States, "entry">): Fault | Completion | undefined {
  const { strategyId, userId } = data as { strategyId: string; userId?: string };
  const owner = states.entry(strategies, tenant, strategyId)?.state.userId;
  if (type === "strategy.registered")
    return owner === undefined || owner === userId
      ? undefined
      : { path: "data.strategyId", message: `strategy ${strategyId} is another user's` };
  if (owner === undefined) return { path: "data.strategyId", message: `there is no strategy ${strategyId}` };
  return { data: { ...(data as object), userId: owner } };
}
