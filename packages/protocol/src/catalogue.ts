/** All event types and the schema of their data: the one place where their TypeScript types, checks and JSON Schemas come from. */
import { z } from "zod";
import { bestPriceData, quoteData, quoteStaleData } from "./products/market-data/schema.ts";

/** One event type. `internal` ones are published by the server itself and refused from outside. */
export interface EventType {
  readonly schema: z.ZodType;
  readonly description: string;
  readonly internal?: true;
}

export const catalogue = {
  "market-data.best-price": { schema: bestPriceData, description: "The best price of a symbol, made by the publisher." },
  "market-data.quote": { schema: quoteData, description: "One venue's or liquidity provider's quote, folded into a best price." },
  "market-data.quote-stale": {
    schema: quoteStaleData,
    description: "A source was silent for too long and left the best price.",
    internal: true,
  },
} as const satisfies Record<string, EventType>;

export type EventTypeName = keyof typeof catalogue;

/** The checked `data` of an event type. */
export type EventData<T extends EventTypeName> = z.infer<(typeof catalogue)[T]["schema"]>;

/** JSON Schema (draft 2020-12) of an event type's data. */
export function jsonSchemaOf(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, {
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const plain = (z.globalRegistry.get(zodSchema) as { jsonSchema?: object } | undefined)?.jsonSchema;
      if (plain === undefined) return;
      for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
      Object.assign(jsonSchema, plain);
    },
  });
}
