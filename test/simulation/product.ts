/** A product for the simulation: lossless feeds, owned by users, and conflated gauges, one event type each and one for both. */
import { z } from "zod";
import type { DomainEvent, Product, View } from "../../packages/server/src/engine/product.ts";

const data = z.looseObject({ name: z.string(), value: z.number() });

type TestEvent = DomainEvent & { readonly data: z.infer<typeof data> };

/** The sum and count of a feed's values: an order-sensitive state, so that a lost or doubled event shows. */
export interface FeedState {
  readonly digest: number;
  readonly count: number;
}

export const feeds: View<FeedState, TestEvent> = {
  name: "feeds",
  version: 1,
  entityOf: (event) => (event.type === "test.gauge" ? undefined : event.data.name),
  fold: (state, event) => ({ digest: ((state?.digest ?? 17) * 31 + event.data.value) % 1_000_003, count: (state?.count ?? 0) + 1 }),
};

export const gauges: View<{ readonly value: number }, TestEvent> = {
  name: "gauges",
  version: 1,
  entityOf: (event) => (event.type === "test.feed" ? undefined : event.data.name),
  fold: (_state, event) => ({ value: event.data.value }),
};

export const testProduct: Product<TestEvent> = {
  name: "test",
  types: { "test.feed": { schema: data }, "test.gauge": { schema: data }, "test.both": { schema: data } },
  views: [feeds, gauges],
  topics: [
    {
      kind: "feed",
      lossless: true,
      param: (written) => (/^\w+$/.test(written) ? written : undefined),
      mayFollow: (identity, param) => identity.permissions.has(`feed:${param}`),
      view: feeds,
      entity: (param) => param,
      render: (state) => JSON.stringify(state),
    },
    {
      kind: "gauge",
      lossless: false,
      shared: true,
      param: (written) => (/^\w+$/.test(written) ? written : undefined),
      mayFollow: () => true,
      mayFollowPatterns: () => true,
      view: gauges,
      entity: (param) => param,
      render: (state) => JSON.stringify(state),
      newestType: "test.gauge",
    },
  ],
  topicsOf: (event) => topicsOf(event),
  tell: (event) => (event.type === "test.gauge" ? [] : [{ topic: `feed:${event.data.name}`, event: event.type, data: event.text }]),
  tellNewest: (event, states) => {
    const entry = states.entry(gauges, event.tenant, event.data.name);
    if (event.type === "test.feed" || entry === undefined) return [];
    return [{ topic: `gauge:${event.data.name}`, key: event.data.name, event: event.type, data: JSON.stringify(entry.state) }];
  },
};

function topicsOf({ type, data: { name } }: TestEvent): string[] {
  return [...(type === "test.gauge" ? [] : [`feed:${name}`]), ...(type === "test.feed" ? [] : [`gauge:${name}`])];
}
