/**
 * Several nodes over one PostgreSQL, and one load, on whatever cores there are: nothing is pinned, since there are more processes than
 * cores. What a node costs is therefore said in processor time.
 */
import type { ChildProcess } from "node:child_process";
import { startNats } from "../../test/nats.ts";
import { query, startCluster, startStandby } from "../../test/postgres.ts";
import { until } from "../../test/until.ts";
import type { Cpu, Memory, Published, Reading, ServerReady } from "./control.ts";
import { answer, ended, start, tell } from "./processes.ts";
import type { Clients, Measured } from "./rig.ts";

/** What keeps and what carries; the standby, where there is one, has every commit on its disk before it is acknowledged. */
export interface Backbone {
  readonly databaseUrl: string;
  readonly natsUrl: string | undefined;
  remove(): Promise<void>;
}

export interface BackboneOptions {
  readonly hasStandby: boolean;
  /** Without it, LISTEN and NOTIFY. */
  readonly hasNats: boolean;
}

const SETTINGS = { shared_buffers: "1GB", max_wal_size: "8GB" };

export async function startBackbone({ hasStandby, hasNats }: BackboneOptions): Promise<Backbone> {
  const resources = new AsyncDisposableStack();
  try {
    const primary = await startCluster(SETTINGS);
    resources.defer(() => primary.remove());
    if (hasStandby) {
      const standby = await startStandby(primary, SETTINGS);
      resources.defer(() => standby.remove());
      await query(primary.url(), "alter system set synchronous_standby_names = '*'");
      await query(primary.url(), "select pg_reload_conf()");
      await until(async () => (await query(primary.url(), "select 1 from pg_stat_replication where sync_state = 'sync'")).length === 1);
    }
    const nats = hasNats ? await startNats() : undefined;
    resources.defer(() => nats?.remove());
    return { databaseUrl: primary.url(), natsUrl: nats?.url, remove: () => resources.disposeAsync() };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

export interface NodesRig {
  /** Clients of one node, besides those that there are. */
  connect(node: number, clients: Clients): Promise<void>;
  /** Publishes at the first node; resolves when the load has got each event so often, or gets no more. */
  measure(order: { eventsPerSecond: number; seconds: number; topics: number; receivers: number }): Promise<Measured>;
  /** Stores events through the first node. */
  fill(events: number, topics: number): Promise<void>;
  /** Seconds of processor time of each node since this was last asked. */
  cpuSeconds(): Promise<readonly number[]>;
  memory(node: number): Promise<Memory>;
  pid(node: number): number;
  /** The value of one line of a node's `/metrics`. */
  metric(node: number, name: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startNodes(
  count: number,
  { databaseUrl, natsUrl }: Pick<Backbone, "databaseUrl" | "natsUrl">,
  more: Readonly<Record<string, string>> = {},
): Promise<NodesRig> {
  const env = { BENCH_DATABASE_URL: databaseUrl, ...(natsUrl !== undefined && { BENCH_NATS_URL: natsUrl }), ...more };
  const nodes = await Promise.all(
    Array.from({ length: count }, async () => {
      const child = start("./servers/broadtape.ts", undefined, env);
      return { child, ready: await answer<ServerReady>(child, "ready") };
    }),
  );
  const load = start("./load.ts", undefined, {});
  const node = (index: number) => {
    const found = nodes[index];
    if (found === undefined) throw new Error(`there is no node ${index}`);
    return found;
  };
  return {
    async connect(index, clients) {
      const { port, token } = node(index).ready;
      tell(load, { kind: "connect", wire: "native", port, token, ...clients });
      await answer(load, "connected");
    },
    async measure({ receivers, ...order }) {
      tell(load, { kind: "reset" });
      const { child } = node(0);
      tell(child, { kind: "publish", ...order });
      const published = await answer<Published>(child, "published");
      return { published, reading: await arrived(load, published.events * receivers) };
    },
    async fill(events, topics) {
      tell(node(0).child, { kind: "fill", events, topics });
      await answer(node(0).child, "filled");
    },
    cpuSeconds: () =>
      Promise.all(
        nodes.map(async ({ child }) => {
          tell(child, { kind: "cpu" });
          return (await answer<Cpu>(child, "cpu")).cpuSeconds;
        }),
      ),
    async memory(index) {
      tell(node(index).child, { kind: "memory" });
      return answer<Memory>(node(index).child, "memory");
    },
    pid: (index) => node(index).child.pid ?? 0,
    async metric(index, name) {
      const text = await (await fetch(`http://127.0.0.1:${node(index).ready.port}/metrics`)).text();
      return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
    },
    async stop() {
      for (const child of [load, ...nodes.map((each) => each.child)]) tell(child, { kind: "stop" });
      await Promise.all([load, ...nodes.map((each) => each.child)].map((child) => ended(child)));
    },
  };
}

/** A commit that waits for the disk or the standby keeps everybody waiting that long. */
const QUIET_MS = 3000;

async function arrived(load: ChildProcess, messages: number): Promise<Reading> {
  for (let last = -1, quietSince = performance.now(); ;) {
    tell(load, { kind: "read" });
    const reading = await answer<Reading>(load, "reading");
    if (reading.messages !== last) quietSince = performance.now();
    last = reading.messages;
    if (reading.messages >= messages || performance.now() - quietSince > QUIET_MS) return reading;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Empties the database for the next round. */
export async function forget({ databaseUrl }: Pick<Backbone, "databaseUrl">): Promise<void> {
  await query(databaseUrl, "drop schema if exists broadtape cascade");
}
