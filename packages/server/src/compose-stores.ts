/** Part of the composition root: where log and registry are kept. */
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Clock } from "./engine/clock.ts";
import { CommitPace } from "./log/commit-pace.ts";
import type { Log, LogOptions } from "./log/log.ts";
import { openPostgresLog, type PostgresLog } from "./log/postgres/postgres-log.ts";
import { openSqliteLog } from "./log/sqlite/sqlite-log.ts";
import type { Metrics } from "./operations/metrics.ts";
import { eventLoopUtilization } from "./operations/utilization.ts";
import { openPostgresRegistry } from "./registry/postgres/postgres-registry.ts";
import type { Registry } from "./registry/registry.ts";
import { openSqliteRegistry } from "./registry/sqlite/sqlite-registry.ts";

interface Parts {
  readonly config: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly onFault: (error: unknown) => void;
}

/** What other nodes find the log in, too. */
export interface Database {
  readonly url: string;
  readonly log: PostgresLog;
}

interface Stores {
  readonly log: Log;
  readonly registry: Registry;
  /** Undefined where both are this node's alone. */
  readonly database: Database | undefined;
}

/** Opens both; `resources` closes them. */
export async function openStores(parts: Parts, resources: AsyncDisposableStack): Promise<Stores> {
  const { databaseUrl, dataDirectory } = parts.config;
  const options = logOptions(parts);
  if (databaseUrl === undefined) {
    const log = await openSqliteLog(dataDirectory, options);
    resources.defer(() => log.close());
    const registry = await openSqliteRegistry(dataDirectory);
    resources.defer(() => registry.close());
    return { log, registry, database: undefined };
  }
  const log = await openDatabase(databaseUrl, options, parts.logger);
  resources.defer(() => log.close());
  const registry = await openPostgresRegistry({ url: databaseUrl });
  resources.defer(() => registry.close());
  return { log, registry, database: { url: databaseUrl, log } };
}

async function openDatabase(url: string, options: LogOptions, logger: Logger): Promise<PostgresLog> {
  const log = await openPostgresLog({ url }, options);
  const { durability } = log;
  logger.info({ database: durability }, "the log is in PostgreSQL");
  if (!durability.syncsToDisk) logger.warn("fsync is off in the database: a power cut may damage the log");
  if (durability.synchronousCommit === "local" && durability.synchronousStandbys !== "")
    logger.warn("synchronous_commit is local in the database: a failover may lose acknowledged events");
  return log;
}

function logOptions({ config, clock, metrics, onFault }: Parts): LogOptions {
  return {
    retention: config.retention,
    dedupeWindowMs: config.dedupeWindowMs,
    now: () => clock.now(),
    maxWaitingEvents: config.limits.waitingEvents,
    pace: new CommitPace({ ...clock, windowMs: config.limits.commitWindowMs, utilization: eventLoopUtilization() }),
    onCommit: metrics.onCommit,
    onFault,
  };
}
