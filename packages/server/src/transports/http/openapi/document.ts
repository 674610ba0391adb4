/** `GET /api/v1/openapi.json`: the HTTP API as an OpenAPI 3.1 document, made of the routes that are served and of the schemas they check with. */
import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { catalogue } from "@broadtape/protocol/catalogue";
import type { Product } from "../../../engine/product.ts";
import type { StreamSurface } from "../../../engine/surface.ts";
import type { Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { type Json, namedSchemas, ref, refusalResponses, schemaText } from "./schemas.ts";
import { productStream } from "./streams.ts";

export const DOCUMENT_PATH = "/api/v1/openapi.json";

export interface DocumentOptions {
  readonly products: readonly Pick<Product, "types">[];
  readonly streams: readonly StreamSurface[];
}

interface Route {
  readonly method: string;
  readonly url: string;
}

/** Knows the routes that are added after it; none is told of that is not served. */
export function serveDocument(app: FastifyInstance, options: DocumentOptions): void {
  const routes: Route[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) if (each !== "HEAD" && each !== "OPTIONS" && !isPage(url)) routes.push({ method: each, url });
  });
  let document: string | undefined;
  app.get(DOCUMENT_PATH, (_request, reply) => {
    document ??= JSON.stringify(documentOf(routes, options));
    return reply.header("Cache-Control", "no-cache").type("application/json; charset=utf-8").send(document);
  });
}

/** The console's files and the pages of this document. */
function isPage(url: string): boolean {
  return ["/", "/*", "/docs", "/operations", "/try"].includes(url) || url.startsWith("/docs/");
}

function documentOf(routes: readonly Route[], { products, streams }: DocumentOptions): Json {
  const described = { ...OPERATIONS, ...Object.fromEntries(streams.map((stream) => [`GET ${stream.path}`, productStream(stream)])) };
  const paths: Record<string, Record<string, Operation & { readonly operationId: string }>> = {};
  const add = (path: string, method: string, operation: Operation) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: { operationId: operationId(method, path), ...operation } };
  };
  for (const { method, url } of routes) {
    const operation = described[`${method} ${url}`];
    if (operation === undefined) add(template(url), method, UNDESCRIBED);
    else if ("under" in operation) for (const [path, each] of Object.entries(operation.under)) add(path, method, each);
    else add(template(url), method, operation);
  }
  return {
    openapi: "3.1.1",
    info: { title: "Broadtape", version: version(), description: ABOUT, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, { cookie: [] }],
    tags: [...new Set(Object.values(paths).flatMap((path) => Object.values(path).flatMap(({ tags }) => tags)))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...namedSchemas(), ...eventSchemas(products) },
      responses: refusalResponses(),
      headers: HEADERS,
      securitySchemes: SECURITY,
    },
  };
}

/** Each type that may be published, with the envelope around it; those that only the server makes, for readers of history. */
function eventSchemas(products: DocumentOptions["products"]): Json {
  const types = products.flatMap((product) => Object.entries(product.types));
  const data = types.map(([type, { schema }]) => [type, { ...schemaText(schema), ...description(type) }] as const);
  const published = types.filter(([, { internal }]) => internal !== true).map(([type]) => type);
  const events = published.map((type) => {
    const own = { type: "object", properties: { type: { const: type }, data: ref(type) }, required: ["type", "data"] };
    return [`event.${type}`, { ...description(type), allOf: [ref("EventEnvelope"), own] }] as const;
  });
  const mapping = Object.fromEntries(published.map((type) => [type, ref(`event.${type}`).$ref]));
  return {
    ...Object.fromEntries(data),
    ...Object.fromEntries(events),
    PublishedEvent: { oneOf: published.map((type) => ref(`event.${type}`)), discriminator: { propertyName: "type", mapping } },
  };
}

function description(type: string): { readonly description?: string } {
  const known = Object.entries(catalogue).find(([name]) => name === type);
  return known === undefined ? {} : { description: known[1].description };
}

/** `/a/:id` → `/a/{id}` */
function template(url: string): string {
  return url.replace(/:(\w+)/g, "{$1}");
}

/** `GET /api/v1/subscriptions/{id}` → `getApiV1SubscriptionsId` */
function operationId(method: string, path: string): string {
  const words = path.split(/\W+/).filter(Boolean);
  return method.toLowerCase() + words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join("");
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8")) as { readonly version: string };
  return manifest.version;
}

/** Said of a route that nobody described: that it is there. */
const UNDESCRIBED: Operation = { tags: ["Other"], summary: "Not described", responses: { default: { description: "An answer." } } };

const ABOUT = [
  "Delivers trading and money events to screens: in order, without a gap or a duplicate, at the rate each client can take.",
  "Beside what is told of here, clients connect over WebSocket (`/api/v1/ws`, `/api/v1/ws/transactions`) and Socket.IO.",
  "Every answer carries `X-Correlation-ID`; every refusal has the same body.",
].join("\n\n");

const HEADERS: Json = {
  CorrelationId: { description: "The request's own, else a new one; it stands in every log line.", schema: { type: "string" } },
  RetryAfter: { description: "Seconds.", schema: { type: "string" } },
  ETag: { description: "For `If-None-Match`.", schema: { type: "string" } },
};

const SECURITY: Json = {
  bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
  cookie: { type: "apiKey", in: "cookie", name: "session" },
  token: { type: "apiKey", in: "query", name: "token", description: "Where headers cannot be set; it is never logged." },
};
