/**
 * Ids of connections whose clients send more than one request: they say at which node the connection is, so that a proxy in front of several
 * brings each request there, without cookies (deploy/nginx/broadtape.conf). `_` is in no node's name, and no client encodes it.
 */
import type { Engine } from "../engine/engine.ts";

export function newIdAtNode({ cluster, newId }: Pick<Engine, "cluster" | "newId">): string {
  return `${cluster.self.name}_${newId()}`;
}

/** The name of the node that made this id; undefined for what is no such id. */
export function nodeNameOf(id: string): string | undefined {
  const end = id.indexOf("_");
  return end === -1 ? undefined : id.slice(0, end);
}
