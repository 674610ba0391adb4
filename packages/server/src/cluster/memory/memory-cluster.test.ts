import { describe } from "vitest";
import { clusterContract } from "../contract-tests.ts";
import { MemoryHub } from "./memory-cluster.ts";

const LEASE_MS = 100;

describe("nodes of one process", () => {
  clusterContract(async () => {
    const hub = new MemoryHub({
      monotonic: () => performance.now(),
      after(ms, run) {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      leaseMs: LEASE_MS,
      delayMs: () => Math.random() * 2,
    });
    return Promise.resolve({
      leaseMs: LEASE_MS,
      join: async (node) => {
        const cluster = hub.join(node);
        return Promise.resolve({ cluster, setConnected: (isConnected: boolean) => cluster.setConnected(isConnected) });
      },
      remove: async () => Promise.resolve(),
    });
  });
});
