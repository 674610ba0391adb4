/** A cluster that stands for one server in the contract suites: clients reach any of its nodes, by nginx. */
import { inject } from "vitest";
import { startTestCluster, type TestCluster, type TestNode } from "./cluster.ts";
import type { TestServer, TestServerOptions } from "./contract/server.ts";
import { newDatabase } from "./postgres-database.ts";
import { until } from "./until.ts";

/** Killed and started again as a whole. The first node stands for all where a test looks into one. */
export async function startClusterServer({ env = {}, port }: TestServerOptions): Promise<TestServer> {
  const database = await newDatabase();
  const cluster = await startTestCluster({ env, database, nats: inject("nats"), ...(port !== undefined && { port }) });
  const [first] = cluster.nodes;
  if (first === undefined) throw new Error("a cluster without nodes");
  await untilNginxLeads(cluster);
  return serverOf(cluster, first);
}

/** It leaves nodes that were away alone for a while, all of them one after the other. */
async function untilNginxLeads({ url, nodes }: TestCluster): Promise<void> {
  let inTurn = 0;
  await until(async () => {
    const isReady = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    inTurn = isReady ? inTurn + 1 : 0;
    return inTurn > nodes.length;
  });
}

function serverOf(cluster: TestCluster, first: TestNode): TestServer {
  return {
    url: cluster.url,
    nodeUrls: cluster.nodes.map(({ url }) => url),
    directory: first.directory,
    process: first.process,
    output: () => cluster.nodes.map((node) => node.output()).join(""),
    async kill(signal = "SIGKILL") {
      const codes = await Promise.all(cluster.nodes.map((node) => node.kill(signal)));
      return codes.find((code) => code !== 0) ?? codes[0] ?? null;
    },
    async restart(env = {}) {
      await Promise.all(cluster.nodes.map((node) => node.start(env)));
      await untilNginxLeads(cluster);
      return serverOf(cluster, first);
    },
    remove: () => cluster.remove(),
  };
}
