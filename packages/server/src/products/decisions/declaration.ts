/** AI decisions (contract 50-sse): each user's own, nothing lost, secrets hidden wherever their maker put them. */
import { catalogue } from "@broadtape/protocol/catalogue";
import type { AiDecision } from "@broadtape/protocol/products/decisions/schema";
import { redact } from "@broadtape/protocol/redact";
import { ofOneUser } from "../../engine/of-one-user.ts";
import type { DomainEvent, Product, TopicKind, View } from "../../engine/product.ts";

type DecisionEvent = DomainEvent & { readonly data: AiDecision };

/** A decision changes no state: those before it are in the log, and are read as history. */
const nothing: View<never, DecisionEvent> = {
  name: "decisions-without-state",
  version: 1,
  entityOf: () => undefined,
  fold: () => undefined,
};

const decisionsTopic: TopicKind = { ...ofOneUser, kind: "decisions", lossless: true, view: nothing, render: () => "null" };

const topicOf = ({ data }: DecisionEvent) => `decisions:${data.userId}`;

export const decisionsProduct: Product<DecisionEvent> = {
  name: "decisions",
  types: { "ai.decision": catalogue["ai.decision"] },
  views: [nothing],
  topics: [decisionsTopic],
  topicsOf: (event) => [topicOf(event)],
  tell: (event) => {
    const shown = redact(event.data);
    return [{ topic: topicOf(event), event: event.type, data: shown === event.data ? event.text : JSON.stringify(shown) }];
  },
};
