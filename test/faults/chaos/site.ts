/** What chaos comes over: three nodes behind nginx, each with lines of its own to PostgreSQL (with a synchronous standby) and NATS. */
import { type TestCluster, startTestCluster } from "../../cluster.ts";
import { type NatsServer, startNats } from "../../nats.ts";
import { type Cluster, query, startCluster, startStandby } from "../../postgres.ts";
import { until } from "../../until.ts";
import { Line } from "./line.ts";

const SETTINGS = { fsync: "off", full_page_writes: "off", shared_buffers: "64MB", wal_level: "replica" };
const NODES = ["n1", "n2", "n3"] as const;

export interface SiteOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly envOf: (name: string) => Readonly<Record<string, string>>;
}

export class Site {
  readonly cluster: TestCluster;
  readonly nats: NatsServer;
  readonly natsPort: number;
  /** Of each node to the database, and to NATS. */
  readonly databaseLines: ReadonlyMap<string, Line>;
  readonly natsLines: ReadonlyMap<string, Line>;
  /** Of the services that publish in SQL. */
  readonly servicesLine: Line;
  readonly #resources: AsyncDisposableStack;
  readonly #database: Database;

  private constructor(
    parts: Pick<Site, "cluster" | "nats" | "natsPort" | "databaseLines" | "natsLines" | "servicesLine">,
    database: Database,
    resources: AsyncDisposableStack,
  ) {
    this.cluster = parts.cluster;
    this.nats = parts.nats;
    this.natsPort = parts.natsPort;
    this.databaseLines = parts.databaseLines;
    this.natsLines = parts.natsLines;
    this.servicesLine = parts.servicesLine;
    this.#database = database;
    this.#resources = resources;
  }

  static async start({ env, envOf }: SiteOptions): Promise<Site> {
    const resources = new AsyncDisposableStack();
    try {
      const database = await Database.start();
      resources.defer(() => database.remove());
      const nats = await startNats();
      resources.defer(() => nats.remove());
      const natsPort = Number(new URL(nats.url).port);
      const newLine = async (port: () => number) => {
        const line = await Line.open(port);
        resources.defer(() => {
          line.close();
        });
        return line;
      };
      const databaseLines = new Map<string, Line>();
      const natsLines = new Map<string, Line>();
      for (const name of NODES) {
        databaseLines.set(name, await newLine(() => database.port));
        natsLines.set(name, await newLine(() => natsPort));
      }
      const servicesLine = await newLine(() => database.port);
      const cluster = await startTestCluster({
        nodes: NODES.length,
        // Each has its own, see below.
        database: "",
        nats: "",
        env,
        envOf: (name) => ({
          BROADTAPE_DATABASE_URL: urlOf(databaseLines.get(name)),
          BROADTAPE_NATS_URL: `nats://127.0.0.1:${natsLines.get(name)?.port ?? 0}`,
          ...envOf(name),
        }),
      });
      resources.defer(() => cluster.remove());
      return new Site({ cluster, nats, natsPort, databaseLines, natsLines, servicesLine }, database, resources);
    } catch (error) {
      await resources.disposeAsync();
      throw error;
    }
  }

  get database(): Database {
    return this.#database;
  }

  get servicesUrl(): string {
    return urlOf(this.servicesLine);
  }

  get lines(): readonly Line[] {
    return [...this.databaseLines.values(), ...this.natsLines.values(), this.servicesLine];
  }

  remove(): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

const urlOf = (line: Line | undefined) => `postgres://postgres@127.0.0.1:${line?.port ?? 0}/postgres`;

/** A primary, and a standby that each commit waits for; after a promotion another standby. */
export class Database {
  #primary: Cluster;
  #standby: Cluster | undefined;
  readonly #all: Cluster[];

  private constructor(primary: Cluster) {
    this.#primary = primary;
    this.#all = [primary];
  }

  static async start(): Promise<Database> {
    const database = new Database(await startCluster(SETTINGS));
    try {
      await database.#addStandby();
      return database;
    } catch (error) {
      await database.remove();
      throw error;
    }
  }

  get port(): number {
    return this.#primary.port;
  }

  get url(): string {
    return this.#primary.url();
  }

  query(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return query(this.url, sql, values);
  }

  /** Ends and comes back as it was. `SIGINT`: cleanly; else as in a crash of the program. */
  async restart(signal: "SIGINT" | "SIGQUIT" | "SIGKILL", awayMs: number): Promise<void> {
    await this.#primary.stop(signal);
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    // Children of one that was killed end when they notice.
    await until(() =>
      this.#primary.start().then(
        () => true,
        () => false,
      ),
    );
    await this.#untilSync();
  }

  /** A backend dies as in a bug of PostgreSQL: all sessions end, and it recovers. */
  async killBackend(): Promise<void> {
    const [row] = await this.query(
      "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1",
    );
    if (row !== undefined) killed(Number(row["pid"]));
    await until(async () => this.query("select 1").then(Boolean, () => false));
    await this.#untilSync();
  }

  /** The primary crashes for good, its standby takes over and gets one of its own. */
  async failOver(awayMs: number): Promise<void> {
    const standby = this.#standby;
    if (standby === undefined) throw new Error("there is no standby");
    await this.#untilSync();
    await this.#primary.stop("SIGQUIT");
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    await query(standby.url(), "select pg_promote()");
    const before = this.#primary;
    this.#primary = standby;
    this.#standby = undefined;
    await before.remove();
    await this.#addStandby();
  }

  /** Commits wait for as long. */
  async stopStandby(ms: number): Promise<void> {
    await this.#standby?.stop("SIGQUIT");
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.#standby?.start();
    await this.#untilSync();
  }

  async remove(): Promise<void> {
    for (const cluster of this.#all.toReversed()) await cluster.remove();
  }

  async #addStandby(): Promise<void> {
    const standby = await startStandby(this.#primary, SETTINGS);
    this.#all.push(standby);
    this.#standby = standby;
    await this.query("alter system set synchronous_standby_names = '*'");
    await this.query("select pg_reload_conf()");
    await this.#untilSync();
  }

  #untilSync(): Promise<boolean> {
    return until(async () => {
      const found = this.query("select 1 from pg_stat_replication where sync_state = 'sync'");
      return (await found.catch(() => [])).length === 1;
    });
  }
}

/** It may have ended by itself since it was found. */
function killed(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has.
  }
}
