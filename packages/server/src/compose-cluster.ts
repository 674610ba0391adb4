/** Part of the composition root: the other nodes, and the time that all of them go by. */
import type { Logger } from "pino";
import { alone } from "./cluster/alone.ts";
import type { Cluster, ClusterNode } from "./cluster/cluster.ts";
import { openPostgresCluster } from "./cluster/postgres/postgres-cluster.ts";
import type { Config } from "./config.ts";
import { type Clock, systemClock } from "./engine/clock.ts";
import { correctedClock } from "./engine/corrected-clock.ts";
import type { ObservedCluster } from "./operations/cluster-metrics.ts";

interface Parts {
  readonly config: Config;
  readonly node: ClusterNode;
  readonly logger: Logger;
  readonly onFault: (error: unknown) => void;
}

interface Joined {
  readonly cluster: Cluster;
  /** The database's, where nodes share one; else this machine's. */
  readonly clock: Clock;
  /** Undefined for a node that is alone. */
  readonly observed: ObservedCluster | undefined;
}

/** Before everything else that goes by the clock; `resources` leaves it. */
export async function joinCluster({ config, node, logger, onFault }: Parts, resources: AsyncDisposableStack): Promise<Joined> {
  const { databaseUrl: url } = config;
  if (url === undefined) {
    const cluster = alone(node, () => systemClock.monotonic());
    return { cluster, clock: systemClock, observed: undefined };
  }
  const onWarning = (warning: string) => {
    logger.warn(warning);
  };
  const cluster = await openPostgresCluster({ url }, { node, clock: systemClock, random: Math.random, onFault, onWarning });
  resources.defer(() => cluster.close());
  return { cluster, clock: correctedClock(systemClock, () => cluster.clockOffsetMs()), observed: cluster };
}
