/** In which order the files of tests are begun: whoever is begun last and takes long would keep all others waiting. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * What takes long, the longest first, by what its path begins with; what waits much among what works much. All others follow in the order in
 * which Vitest has them: of each project the largest first.
 */
const LONG = [
  "test/faults/cluster",
  "test/browser/desk",
  "packages/server/src/log/sqlite/sqlite-log",
  "test/crash/server-kill-nine",
  "test/browser/operations.",
  "test/faults/network",
  "test/browser/rfq",
  "packages/server/src/registry/sqlite/sqlite-registry",
  "test/browser/wallet",
  "test/docs/commands",
  "packages/server/src/log/postgres/postgres-log",
  "test/browser/shared",
  "test/faults/database",
  "test/browser/",
  "test/docs/cluster",
  "test/crash/",
  "test/faults/",
  "packages/cli/src/serve",
  "packages/server/src/log/postgres/nodes",
  "packages/server/src/registry/postgres/postgres-registry",
  "packages/server/src/log/sqlite/life",
  "packages/server/src/cluster/postgres/postgres-cluster",
  "test/docs/",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rankOf = ({ moduleId, project }: TestSpecification) => {
      const path = moduleId.slice(project.config.root.length + 1);
      const rank = LONG.findIndex((beginning) => path.startsWith(beginning));
      // Three servers for each of one.
      if (project.name === "cluster") return LONG.length - 1;
      return rank < 0 ? LONG.length : rank;
    };
    return sorted.sort((a, b) => rankOf(a) - rankOf(b));
  }
}
