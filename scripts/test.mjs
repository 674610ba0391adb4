/** `npm test`: everything that the tests need, then all of them; ends with the counts on a line of their own. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { environment, node, root, run } from "./lib.mjs";
import "./prepare.mjs";

/** Program that the tests look for → Debian packages that bring it. */
const NEEDED = [
  { path: "/usr/bin/chromium", packages: ["chromium", "fonts-dejavu-core"] },
  { path: "/usr/sbin/nginx", packages: ["nginx"] },
  { path: postgres(), packages: ["postgresql"] },
  { path: "/usr/sbin/nats-server", packages: ["nats-server"] },
  // A clock that is wrong, and hosts of a network of their own.
  { path: "/usr/bin/faketime", packages: ["faketime"] },
  { path: "/usr/sbin/ip", packages: ["iproute2"] },
];
/** Where it ends with 101, packages start no services when they are installed (Debian's invoke-rc.d): nginx would listen on port 80. */
const SERVICE_POLICY = "/usr/sbin/policy-rc.d";

/** What all tests write is a fraction of it. */
const MEMORY_BYTES = 4 * 1024 ** 3;

installNeeded();
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

/** On the PATH, or where Debian puts it: in a folder of its release. */
function postgres() {
  const debian = "/usr/lib/postgresql";
  const releases = existsSync(debian) ? readdirSync(debian).map((release) => join(debian, release, "bin")) : [];
  const onPath = (process.env.PATH ?? "").split(delimiter);
  const programs = [...releases, ...onPath].map((folder) => join(folder, "initdb"));
  return programs.find((file) => existsSync(file)) ?? join(debian, "15/bin/initdb");
}

/** A folder in memory with room enough; thousands of small databases sync thousands of times. */
function memory() {
  const shared = "/dev/shm";
  if (!existsSync(shared)) return undefined;
  const { bavail, bsize } = statfsSync(shared);
  return bavail * bsize > MEMORY_BYTES ? shared : undefined;
}

function installNeeded() {
  const missing = NEEDED.filter(({ path }) => !existsSync(path)).flatMap(({ packages }) => packages);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    console.error(`broadtape: the tests need ${missing.join(" ")}: sudo apt-get install ${missing.join(" ")}`);
    process.exit(1);
  }
  console.error(`broadtape: installing ${missing.join(" ")}`);
  const hasPolicy = existsSync(SERVICE_POLICY);
  if (!hasPolicy) writeFileSync(SERVICE_POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  const status = installed(missing);
  if (!hasPolicy) rmSync(SERVICE_POLICY);
  if (status !== 0) process.exit(status);
}

/** The status of the first step that failed, else 0. */
function installed(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-qq", "-y", "--no-install-recommends", ...packages],
  ]) {
    const result = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (result.status === 0) continue;
    process.stderr.write(`${result.stdout}${result.stderr}`);
    return result.status ?? 1;
  }
  return 0;
}

function printCounts() {
  if (!existsSync(report)) return;
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites } = JSON.parse(readFileSync(report, "utf8"));
  rmSync(report);
  // A file that could not even be loaded counts as a failure.
  const failed = Math.max(numFailedTests, numFailedTestSuites > 0 ? 1 : 0);
  console.log(`${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped`);
}
