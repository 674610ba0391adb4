/** The PostgreSQL of a cluster of real processes: one, or a primary with a synchronous standby that takes over when it is told to. */
import { startProxy } from "./postgres-proxy.ts";
import { type Cluster, query, startCluster, startStandby } from "./postgres.ts";
import { until } from "./until.ts";

export interface TestDatabase {
  /** Of the database, wherever it is served now. */
  readonly url: string;
  /** Ends whoever serves it at once, as in a crash, and has the standby take over. Once: then there is no standby. */
  failOver(): Promise<void>;
  /** While false, nobody gets through to it, and whoever had is cut off. */
  setReachable(isReachable: boolean): void;
  remove(): Promise<void>;
}

export interface TestDatabaseOptions {
  readonly hasStandby: boolean;
  /** As in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

export async function startDatabase({ hasStandby, settings = {} }: TestDatabaseOptions): Promise<TestDatabase> {
  const resources = new AsyncDisposableStack();
  try {
    const primary = await startCluster(settings);
    resources.defer(() => primary.remove());
    const standby = hasStandby ? await startStandby(primary, settings) : undefined;
    if (standby !== undefined) resources.defer(() => standby.remove());
    if (standby !== undefined) await commitsWaitForTheStandby(primary);
    const proxy = await startProxy(primary.port);
    resources.defer(() => proxy.close());
    return {
      url: `postgres://postgres@127.0.0.1:${proxy.port}/postgres`,
      setReachable: (isReachable) => {
        proxy.setOpen(isReachable);
      },
      async failOver() {
        if (standby === undefined) throw new Error("there is no standby");
        await primary.stop("SIGQUIT");
        await query(standby.url(), "select pg_promote()");
        proxy.setTarget(standby.port);
      },
      remove: () => resources.disposeAsync(),
    };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

/** From now on nothing is acknowledged that the standby has not. */
async function commitsWaitForTheStandby(primary: Cluster): Promise<void> {
  await query(primary.url(), "alter system set synchronous_standby_names = '*'");
  await query(primary.url(), "select pg_reload_conf()");
  await until(async () => (await query(primary.url(), "select 1 from pg_stat_replication where sync_state = 'sync'")).length === 1);
}
