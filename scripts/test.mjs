/** `npm test`: everything that the tests need, then all of them; ends with the counts on a line of their own. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment, node, root, run } from "./lib.mjs";
import { install } from "./programs.mjs";

/** What all tests write is a fraction of it. */
const MEMORY_BYTES = 4 * 1024 ** 3;

// Both wait for the network.
await Promise.all([import("./prepare.mjs"), install(["chromium", "nginx", "postgresql", "nats-server", "faketime", "ip"])]);
const report = join(tmpdir(), `broadtape-test-${process.pid}.json`);
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const folder = mkdtempSync(join(memory() ?? tmpdir(), "broadtape-tests-"));
// PostgreSQL runs as a user of its own.
chmodSync(folder, 0o755);
// Crashes are tested on a disk; everything else has nothing to learn from one.
const env = { ...environment(), TMPDIR: folder, TEST_DISK: tmpdir(), NODE_COMPILE_CACHE: join(folder, "compiled") };
const code = run(node(), ["--conditions=@broadtape/source", vitest, "run", ...reporters, ...process.argv.slice(2)], { env });
rmSync(folder, { recursive: true, force: true });
printCounts();
process.exitCode = code;

/** A folder in memory with room enough; thousands of small databases sync thousands of times. */
function memory() {
  const shared = "/dev/shm";
  if (!existsSync(shared)) return undefined;
  const { bavail, bsize } = statfsSync(shared);
  return bavail * bsize > MEMORY_BYTES ? shared : undefined;
}

function printCounts() {
  if (!existsSync(report)) return;
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites } = JSON.parse(readFileSync(report, "utf8"));
  rmSync(report);
  // A file that could not even be loaded counts as a failure.
  const failed = Math.max(numFailedTests, numFailedTestSuites > 0 ? 1 : 0);
  console.log(`${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped`);
}
