/**
 * One cluster for all tests of a run that ask for it, started when the first one asks: the set-up of a vitest project. It does
 * not sync to the disk; tests of what survives start one of their own.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { type Cluster, startCluster } from "./postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Path of the socket that tells the cluster's port. */
    postgres: string;
  }
}

const FAST = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "on",
  shared_buffers: "64MB",
  max_prepared_transactions: "10",
  // Many nodes at once.
  max_connections: "500",
};

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "broadtape-shared-postgres-"));
  const socket = join(folder, "socket");
  let cluster: Promise<Cluster> | undefined;
  const server = createServer((asker) => {
    cluster ??= startCluster(FAST);
    asker.on("error", () => undefined);
    cluster.then(
      ({ port }) => asker.end(String(port)),
      (error: unknown) => asker.end(String(error)),
    );
  }).listen(socket);
  await once(server, "listening");
  provide("postgres", socket);
  return async () => {
    server.close();
    await cluster?.then(
      (started) => started.remove(),
      () => undefined,
    );
    rmSync(folder, { recursive: true, force: true });
  };
}
