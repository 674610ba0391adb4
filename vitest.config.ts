import { defineConfig } from "vitest/config";
import { clusterSuites } from "./test/cluster-suites.ts";
import { LongestFirst } from "./test/sequencer.ts";
import { PATIENCE_MS } from "./test/until.ts";

/** Only ours: `import` among them would be given to `require` as well, with which pg does not start. */
const conditions = ["@broadtape/source"];
const shared = {
  extends: true as const,
  ssr: { resolve: { conditions: [...conditions, "node"], externalConditions: conditions } },
  resolve: { conditions: [...conditions, "node"] },
};

const nats = "test/nats-shared.ts";
const chromium = "test/browser/chromium-shared.ts";

export default defineConfig({
  ...{ ssr: shared.ssr, resolve: shared.resolve },
  test: {
    // Of all projects; it starts when somebody asks for it.
    globalSetup: ["test/postgres-shared.ts"],
    // Most of them wait more than they work.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    // Much, and more than one wait: a machine may be slow and busy, and what does not come is told of by whoever waits for it.
    testTimeout: 4 * PATIENCE_MS,
    hookTimeout: 4 * PATIENCE_MS,
    expect: { poll: { timeout: PATIENCE_MS } },
    projects: [
      {
        ...shared,
        test: {
          name: "unit",
          include: [
            "packages/*/{src,scripts}/**/*.test.{ts,tsx}",
            "apps/*/src/**/*.test.{ts,tsx}",
            "bench/src/**/*.test.ts",
            "test/*.test.ts",
          ],
          // Hundreds of small files that keep nothing: a worker for each would cost more than the tests.
          isolate: false,
        },
      },
      { ...shared, test: { name: "simulation", include: ["test/simulation/**/*.test.ts"], isolate: false } },
      { ...shared, test: { name: "contract", include: ["test/contract/**/*.test.ts"], isolate: false } },
      {
        ...shared,
        test: { name: "cluster", globalSetup: [nats], env: { TEST_CLUSTER: "on" }, ...clusterSuites, isolate: false },
      },
      { ...shared, test: { name: "crash", include: ["test/crash/**/*.test.ts"], isolate: false } },
      { ...shared, test: { name: "faults", include: ["test/faults/**/*.test.ts"], isolate: false } },
      {
        ...shared,
        test: { name: "browser", globalSetup: [chromium], include: ["test/browser/**/*.test.ts"], isolate: false },
      },
      { ...shared, test: { name: "docs", include: ["test/docs/**/*.test.ts"], isolate: false } },
    ],
  },
});
