import { beforeAll, describe } from "vitest";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { startProxy } from "../../../../../test/postgres-proxy.ts";
import type { ClusterNode } from "../cluster.ts";
import { clusterContract } from "../contract-tests.ts";
import { openPostgresCluster } from "./postgres-cluster.ts";
import type { ClusterTimes } from "./times.ts";

const TIMES: Partial<ClusterTimes> = { leaseMs: 600, renewMs: 100, answerMs: 1000, durableMs: 1000, sweepMs: 200 };
const system = { now: () => Date.now(), monotonic: () => performance.now() };

let url: string;
beforeAll(async () => {
  url = await newDatabase();
});

/** Each node reaches the database through a door of its own. */
async function join(node: ClusterNode, schema: string) {
  const proxy = await startProxy(Number(new URL(url).port));
  const beyond = new URL(url);
  beyond.port = String(proxy.port);
  const faults: unknown[] = [];
  const warnings: string[] = [];
  const cluster = await openPostgresCluster(
    { url: beyond.href, schema },
    {
      node,
      clock: system,
      random: Math.random,
      onFault: (error) => faults.push(error),
      onWarning: (warning) => warnings.push(warning),
      times: TIMES,
    },
  );
  return { cluster, proxy, faults, warnings, setConnected: (isConnected: boolean) => proxy.setOpen(isConnected) };
}

describe("nodes over one PostgreSQL", () => {
  const proxies: { close(): Promise<void> }[] = [];
  let places = 0;
  clusterContract(async () => {
    const schema = `cluster ${++places}`;
    return Promise.resolve({
      leaseMs: 600,
      join: async (node) => {
        const joined = await join(node, schema);
        proxies.push(joined.proxy);
        return joined;
      },
      remove: async () => {
        await Promise.all(proxies.map((proxy) => proxy.close()));
      },
    });
  });
});
