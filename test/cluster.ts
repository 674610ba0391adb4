/** A cluster of real processes on the loopback: PostgreSQL, nats-server, equal nodes, nginx in front of them. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDatabase, type TestDatabase } from "./cluster-database.ts";
import { clusterSite } from "./cluster-site.ts";
import { freePort } from "./free-port.ts";
import { type NatsServer, startNats } from "./nats.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { ServerProgram } from "./server-program.ts";

/** A database that is thrown away needs no disk. */
const FAST = { fsync: "off", full_page_writes: "off", shared_buffers: "64MB" };

export interface TestClusterOptions {
  /** Default: 3. */
  readonly nodes?: number;
  /** False: nodes hear of each other by LISTEN and NOTIFY. Or the URL of one that runs. Default: one of its own. */
  readonly nats?: boolean | string;
  /** A primary with a synchronous standby. Default: false. */
  readonly standby?: boolean;
  /** URL of an empty database. Default: one of its own. */
  readonly database?: string;
  /** Of its own database, as in postgresql.conf. Default: what makes it fast, and does not survive a power cut. */
  readonly databaseSettings?: Readonly<Record<string, string>>;
  /** Settings of all nodes, and of one by its name. */
  readonly env?: Readonly<Record<string, string>>;
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  /** Port of nginx. Default: a free one. */
  readonly port?: number;
  /** How much of each node's output is kept. Default: all. */
  readonly outputCharacters?: number;
}

export interface TestNode {
  /** `n1`, `n2`, …: its `BROADTAPE_NODE`. */
  readonly name: string;
  /** Its own address, past nginx. */
  readonly url: string;
  readonly directory: string;
  /** The newest one started. */
  readonly process: ChildProcess;
  readonly isRunning: boolean;
  /** Everything it logged so far, over all starts. */
  output(): string;
  /** Ends it with this signal and waits; resolves with its exit code. Default: SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<number | null>;
  /** Starts it again with what it had, and these settings from now on. */
  start(env?: Readonly<Record<string, string>>): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  stop(): void;
  cont(): void;
}

export interface TestCluster {
  /** Of nginx: leads to any of the nodes. */
  readonly url: string;
  readonly nodes: readonly TestNode[];
  readonly nginx: Nginx;
  /** Undefined where it is not its own. */
  readonly nats: NatsServer | undefined;
  /** Undefined where it is not its own. */
  readonly database: TestDatabase | undefined;
  /** Kills everything and removes its folders. */
  remove(): Promise<void>;
}

export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const resources = new AsyncDisposableStack();
  try {
    return await start(options, resources);
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function start(options: TestClusterOptions, resources: AsyncDisposableStack): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), "broadtape-cluster-"));
  resources.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const [database, nats] = await Promise.all([ownDatabase(options), options.nats === false ? undefined : ownNats(options)]);
  if (database !== undefined) resources.defer(() => database.remove());
  if (nats !== undefined) resources.defer(() => nats.remove());
  const natsUrl = nats?.url ?? (typeof options.nats === "string" ? options.nats : undefined);
  const shared = {
    BROADTAPE_DATABASE_URL: database?.url ?? options.database ?? "",
    ...(natsUrl !== undefined && { BROADTAPE_NATS_URL: natsUrl }),
    BROADTAPE_TRUST_PROXY: "127.0.0.1",
    ...options.env,
  };
  const nodes: TestNode[] = [];
  for (let number = 1; number <= (options.nodes ?? 3); number++) {
    const node = await newNode(`n${number}`, folder, shared, options);
    resources.defer(async () => {
      await node.kill();
    });
    nodes.push(node);
  }
  await Promise.all(nodes.map((node) => node.start()));
  const nginx = await startNginx(clusterSite(nodes), options.port);
  resources.defer(() => nginx.stop());
  return { url: nginx.url, nodes, nginx, nats, database, remove: () => resources.disposeAsync() };
}

async function ownDatabase({ database, standby = false, databaseSettings = FAST }: TestClusterOptions): Promise<TestDatabase | undefined> {
  return database === undefined ? startDatabase({ hasStandby: standby, settings: databaseSettings }) : undefined;
}

async function ownNats({ nats = true }: TestClusterOptions): Promise<NatsServer | undefined> {
  return nats === true ? startNats() : undefined;
}

async function newNode(
  name: string,
  folder: string,
  shared: Readonly<Record<string, string>>,
  { envOf, outputCharacters }: TestClusterOptions,
): Promise<TestNode> {
  const directory = join(folder, name);
  mkdirSync(directory);
  const port = await freePort();
  const program = new ServerProgram({ name, directory, port, ...(outputCharacters !== undefined && { outputCharacters }) });
  let env: Readonly<Record<string, string>> = { ...shared, BROADTAPE_NODE: name, ...envOf?.(name) };
  return {
    name,
    directory,
    url: program.url,
    get process() {
      return program.process;
    },
    get isRunning() {
      return program.isRunning;
    },
    output: () => program.output,
    kill: (signal = "SIGKILL") => program.end(signal),
    start: (changed = {}) => {
      env = { ...env, ...changed };
      return program.start(env);
    },
    stop: () => {
      program.setRunning(false);
    },
    cont: () => {
      program.setRunning(true);
    },
  };
}
