/** Which contract suites run against a cluster as well, where clients reach any of three nodes through nginx. */

/** What speaks for the others in `npm test`: stock clients of each part of the contract. `npm run test:cluster` runs all. */
const REPRESENTATIVE = [
  "test/contract/rfq/lifecycle.test.ts",
  "test/contract/transactions/window.test.ts",
  "test/contract/sse/snapshots.test.ts",
];

/** Nothing of theirs is of one node or of several. */
const OF_ONE_NODE: readonly { readonly file: string; readonly why: string }[] = [
  { file: "test/contract/nodes.test.ts", why: "starts its own nodes" },
  { file: "test/contract/postgres.test.ts", why: "starts its own database, and loses it" },
  { file: "test/contract/sse-peers/nginx.test.ts", why: "is about one node behind nginx configurations of its own" },
  { file: "test/contract/nodes-*.test.ts", why: "start their own nodes" },
  { file: "test/contract/demo-*.test.ts", why: "the demo plays beside one server; scripts/cluster.ts has it beside several" },
];

export const clusterSuites =
  process.env["TEST_CLUSTER"] === "all"
    ? { include: ["test/contract/**/*.test.ts"], exclude: OF_ONE_NODE.map(({ file }) => file) }
    : { include: REPRESENTATIVE };
