/** Alerts (contract 50-sse): each user's own, nothing lost. */
import { catalogue } from "@broadtape/protocol/catalogue";
import { type Alerts, foldAlerts, shownAlert } from "@broadtape/protocol/products/alerts/alerts";
import type { AlertTriggered } from "@broadtape/protocol/products/alerts/schema";
import { ofOneUser } from "../../engine/of-one-user.ts";
import type { DomainEvent, Product, TopicKind, View } from "../../engine/product.ts";

type AlertEvent = DomainEvent & { readonly data: AlertTriggered };

const alerts: View<Alerts, AlertEvent> = {
  name: "alerts",
  version: 1,
  entityOf: ({ data }) => data.userId,
  fold: (state, { data, time }) => foldAlerts(state, data, time),
};

const alertsTopic: TopicKind<Alerts> = {
  ...ofOneUser,
  kind: "alerts",
  lossless: true,
  view: alerts,
  render: (state) => JSON.stringify(state),
  filterable: ["level", "alertId"],
};

const topicOf = ({ data }: AlertEvent) => `alerts:${data.userId}`;

export const alertsProduct: Product<AlertEvent> = {
  name: "alerts",
  types: { "alert.triggered": catalogue["alert.triggered"] },
  views: [alerts],
  topics: [alertsTopic],
  topicsOf: (event) => [topicOf(event)],
  tell: (event) => [{ topic: topicOf(event), event: event.type, data: JSON.stringify(shownAlert(event.data)) }],
};
