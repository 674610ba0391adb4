/** `GET /api/v1/catalogue`: what may be published and followed, for whoever is signed in. */
import type { FastifyInstance } from "fastify";
import { catalogue, jsonSchemaOf } from "@broadtape/protocol/catalogue";
import type { CatalogueList } from "@broadtape/protocol/operations";
import { topicKinds } from "@broadtape/protocol/topics";
import type { Identity } from "@broadtape/protocol/identity";
import type { Product } from "../../engine/product.ts";
import type { Gate } from "../gate.ts";

export interface CatalogueOptions {
  readonly gate: Gate;
  readonly products: readonly Pick<Product, "name" | "types" | "topics">[];
}

export function serveCatalogue(app: FastifyInstance, { gate, products }: CatalogueOptions): void {
  let types: CatalogueList["types"] | undefined;
  app.get("/api/v1/catalogue", async (request, reply) => {
    const identity = await gate.authenticate({ headers: request.headers });
    types ??= products.flatMap(typesOf);
    return reply.header("Cache-Control", "no-store").send({ types, topics: products.flatMap((product) => topicsOf(product, identity)) });
  });
}

function typesOf({ name, types }: CatalogueOptions["products"][number]): CatalogueList["types"] {
  const descriptions = new Map<string, string>(Object.entries(catalogue).map(([type, { description }]) => [type, description]));
  return Object.entries(types).map(([type, { schema, internal }]) => ({
    type,
    product: name,
    description: descriptions.get(type) ?? null,
    isInternal: internal === true,
    schema: { ...(jsonSchemaOf(schema) as object) },
  }));
}

function topicsOf({ name: product, topics }: CatalogueOptions["products"][number], identity: Identity): CatalogueList["topics"] {
  return topics.map((topic) => {
    const { kind, lossless, filterable } = topic;
    const words = Object.hasOwn(topicKinds, kind) ? topicKinds[kind] : undefined;
    return {
      kind,
      product,
      name: words?.name ?? kind,
      description: words?.description ?? null,
      who: words?.who ?? null,
      lossless,
      mayFollowPatterns: topic.mayFollowPatterns?.(identity) === true,
      filterable: [...(filterable ?? [])],
    };
  });
}
