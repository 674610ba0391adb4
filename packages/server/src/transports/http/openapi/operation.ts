/** How a route of the HTTP API is told of: OpenAPI's operation object. */
import type { Json } from "./schemas.ts";

export interface Operation {
  readonly tags: readonly [string];
  readonly summary: string;
  readonly description?: string;
  /** Without it, what the document says for all. */
  readonly security?: readonly Json[];
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
  readonly responses: Json;
}

/** By method and path. */
export type Operations = Readonly<Record<string, Operation | { readonly under: Paths }>>;

/** One route that answers under several paths of its own. */
export type Paths = Readonly<Record<string, Operation>>;
