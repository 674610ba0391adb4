/** Part of the composition root: what operators see of the server. */
import { getHeapStatistics } from "node:v8";
import type { Config } from "./config.ts";
import type { Clock } from "./engine/clock.ts";
import type { Engine } from "./engine/engine.ts";
import type { ObservedCluster } from "./operations/cluster-metrics.ts";
import { OperationsDesk } from "./operations/desk.ts";
import { eventLoopUtilization } from "./operations/utilization.ts";
import { serverVersion } from "./operations/version.ts";
import { Watch } from "./operations/watch.ts";
import { statusCodeOf } from "./transports/refused.ts";
import type { Wire } from "./wire/wire.ts";

/** Before the engine, which tells it everything. */
export function createWatch(clock: Clock): Watch {
  return new Watch({
    clock,
    host: { eventLoop: eventLoopUtilization(), rssBytes: () => process.memoryUsage.rss() },
    statusOf: statusCodeOf,
  });
}

/** What lies between the nodes. */
interface Between {
  readonly wire: Pick<Wire, "status">;
  /** Undefined for a node that is alone. */
  readonly cluster: Pick<ObservedCluster, "clockOffsetMs"> | undefined;
}

/** Begins to take samples; answers operators until it is closed. */
export function createDesk(engine: Engine, watch: Watch, { retention }: Config, { wire, cluster }: Between): OperationsDesk {
  watch.observe(engine);
  return new OperationsDesk(engine, watch, {
    version: serverVersion(),
    retention,
    wire: () => wire.status,
    // The cluster says how far the database's is ahead.
    clockOffsetMs: () => (cluster === undefined ? null : -cluster.clockOffsetMs()),
    memory: () => {
      const { rss: rssBytes, heapUsed: heapUsedBytes } = process.memoryUsage();
      return { rssBytes, heapUsedBytes, heapLimitBytes: getHeapStatistics().heap_size_limit };
    },
  });
}
