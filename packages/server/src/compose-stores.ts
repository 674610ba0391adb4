/** Part of the composition root: where log and registry are kept. */
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { systemClock } from "./engine/clock.ts";
import { CommitPace } from "./log/commit-pace.ts";
import type { Log, LogOptions } from "./log/log.ts";
import { openPostgresLog } from "./log/postgres/postgres-log.ts";
import { openSqliteLog } from "./log/sqlite/sqlite-log.ts";
import type { Metrics } from "./operations/metrics.ts";
import { eventLoopUtilization } from "./operations/utilization.ts";
import { openPostgresRegistry } from "./registry/postgres/postgres-registry.ts";
import type { Registry } from "./registry/registry.ts";
import { openSqliteRegistry } from "./registry/sqlite/sqlite-registry.ts";

interface Parts {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly onFault: (error: unknown) => void;
}

/** Opens both; `resources` closes them. */
export async function openStores(parts: Parts, resources: AsyncDisposableStack): Promise<{ log: Log; registry: Registry }> {
  const { databaseUrl, dataDirectory } = parts.config;
  const options = logOptions(parts);
  const log =
    databaseUrl === undefined ? await openSqliteLog(dataDirectory, options) : await openDatabase(databaseUrl, options, parts.logger);
  resources.defer(() => log.close());
  const registry = databaseUrl === undefined ? await openSqliteRegistry(dataDirectory) : await openPostgresRegistry({ url: databaseUrl });
  resources.defer(() => registry.close());
  return { log, registry };
}

async function openDatabase(url: string, options: LogOptions, logger: Logger): Promise<Log> {
  const log = await openPostgresLog({ url }, options);
  const { durability } = log;
  logger.info({ database: durability }, "the log is in PostgreSQL");
  if (!durability.syncsToDisk) logger.warn("fsync is off in the database: a power cut may damage the log");
  if (durability.synchronousCommit === "local" && durability.synchronousStandbys !== "")
    logger.warn("synchronous_commit is local in the database: a failover may lose acknowledged events");
  return log;
}

function logOptions({ config, metrics, onFault }: Parts): LogOptions {
  return {
    retention: config.retention,
    dedupeWindowMs: config.dedupeWindowMs,
    now: () => Date.now(),
    maxWaitingEvents: config.limits.waitingEvents,
    pace: new CommitPace({ ...systemClock, windowMs: config.limits.commitWindowMs, utilization: eventLoopUtilization() }),
    onCommit: metrics.onCommit,
    onFault,
  };
}
