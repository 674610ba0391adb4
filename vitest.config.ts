import { defineConfig } from "vitest/config";
import { clusterSuites } from "./test/cluster-suites.ts";

/** Only ours: `import` among them would be given to `require` as well, with which pg does not start. */
const conditions = ["@broadtape/source"];
const shared = {
  extends: true as const,
  ssr: { resolve: { conditions: [...conditions, "node"], externalConditions: conditions } },
  resolve: { conditions: [...conditions, "node"] },
};

/** What runs in its own process beside the tests needs time, and what is polled for comes when it comes. */
const spawning = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 30_000 } } };
/** After everything else: browsers, crashes and clusters wait as much as they work. */
const late = { ...spawning, maxWorkers: 3, sequence: { groupOrder: 1 } };
/** They start what the README starts, on the ports that it names. */
const last = { ...spawning, fileParallelism: false, sequence: { groupOrder: 2 } };

export default defineConfig({
  ...{ ssr: shared.ssr, resolve: shared.resolve },
  test: {
    // Contract tests wait more than they work.
    maxWorkers: 4,
    projects: [
      {
        ...shared,
        test: {
          name: "unit",
          globalSetup: ["test/postgres-shared.ts"],
          include: [
            "packages/*/{src,scripts}/**/*.test.{ts,tsx}",
            "apps/*/src/**/*.test.{ts,tsx}",
            "bench/src/**/*.test.ts",
            "test/*.test.ts",
          ],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          // Hundreds of small files that keep nothing: a worker for each would cost more than the tests.
          isolate: false,
        },
      },
      { ...shared, test: { name: "simulation", include: ["test/simulation/**/*.test.ts"], testTimeout: 120_000 } },
      {
        ...shared,
        test: { name: "contract", include: ["test/contract/**/*.test.ts"], ...spawning, isolate: false },
      },
      {
        ...shared,
        test: {
          name: "cluster",
          globalSetup: ["test/postgres-shared.ts", "test/nats-shared.ts"],
          env: { TEST_CLUSTER: "on" },
          ...clusterSuites,
          ...late,
          // Of each server there are three.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          isolate: false,
        },
      },
      { ...shared, test: { name: "crash", include: ["test/crash/**/*.test.ts"], ...late, testTimeout: 180_000 } },
      { ...shared, test: { name: "faults", include: ["test/faults/**/*.test.ts"], ...late, testTimeout: 180_000 } },
      { ...shared, test: { name: "browser", include: ["test/browser/**/*.test.ts"], ...late, testTimeout: 120_000 } },
      { ...shared, test: { name: "docs", include: ["test/docs/**/*.test.ts"], ...last } },
    ],
  },
});
