/** The lossless class, for measurements: `feed:{symbol}`, every event told to everybody who follows it. */
import { z } from "zod";
import type { DomainEvent, Product } from "@broadtape/server";

const schema = z.looseObject({ symbol: z.string() });
type FeedEvent = DomainEvent & { readonly data: z.infer<typeof schema> };

const view = { name: "feeds", version: 1, entityOf: () => undefined, fold: (state: undefined) => state };

export const FEED_EVENT = "bench.feed";

export const feedProduct: Product<FeedEvent> = {
  name: "bench",
  types: { [FEED_EVENT]: { schema } },
  views: [view],
  topics: [
    {
      kind: "feed",
      lossless: true,
      param: (written) => written,
      mayFollow: () => true,
      view,
      entity: (param) => param,
      render: () => "{}",
    },
  ],
  topicsOf: ({ data }) => [`feed:${data.symbol}`],
  tell: ({ data, type, text }) => [{ topic: `feed:${data.symbol}`, event: type, data: text }],
};
