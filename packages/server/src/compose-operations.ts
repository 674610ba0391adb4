/** Part of the composition root: what operators see of the server. */
import { getHeapStatistics } from "node:v8";
import type { Config } from "./config.ts";
import type { Clock } from "./engine/clock.ts";
import type { Engine } from "./engine/engine.ts";
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

/** Begins to take samples; answers operators until it is closed. */
export function createDesk(engine: Engine, watch: Watch, { retention }: Config, wire: Pick<Wire, "status">): OperationsDesk {
  watch.observe(engine);
  return new OperationsDesk(engine, watch, {
    version: serverVersion(),
    retention,
    wire: () => wire.status,
    memory: () => {
      const { rss: rssBytes, heapUsed: heapUsedBytes } = process.memoryUsage();
      return { rssBytes, heapUsedBytes, heapLimitBytes: getHeapStatistics().heap_size_limit };
    },
  });
}
