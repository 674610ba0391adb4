/** One node, which has nobody to talk to. What it holds it knows by itself, so no seat is counted here. */
import type { Cluster, ClusterNode } from "./cluster.ts";
import { Windows } from "./windows.ts";

/** @param monotonic milliseconds of a clock that is never set. */
export function alone(self: ClusterNode, monotonic: () => number): Cluster {
  const windows = new Windows(monotonic);
  const nothing = () => () => undefined;
  return {
    self,
    others: () => [],
    enter: async () => Promise.resolve({ ofUser: undefined }),
    leave: () => undefined,
    hit: async (key, limit) => Promise.resolve(windows.hit(key, limit)),
    tell: async () => Promise.resolve(),
    onTold: nothing,
    ask: async () => Promise.resolve([]),
    onAsked: nothing,
    onGone: nothing,
    awake: () => undefined,
    close: async () => Promise.resolve(),
  };
}
