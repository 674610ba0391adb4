/** Makes a clone ready to run: dependencies when they are missing or older than the lock, builds when they are older than their sources. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { newest, root, runQuietly, stamp, stampOf } from "./lib.mjs";

const isSource = (path) => !/\.test\.tsx?$/.test(path);

if (!existsSync(join(root, "node_modules")) || stampOf("install") < newest(["package-lock.json"])) {
  await runQuietly("installing dependencies", "npm", ["ci", "--no-audit", "--no-fund"]);
  stamp("install");
}
// Both are made from sources.
await Promise.all([buildPackages(), buildConsole()]);

async function buildPackages() {
  const packages = ["protocol", "client", "react", "server", "cli"].map((name) => `packages/${name}`);
  const sources = [...packages.map((path) => `${path}/src`), ...packages.map((path) => `${path}/package.json`), "tsconfig.base.json"];
  if (stampOf("packages") >= newest(sources, isSource)) return;
  await runQuietly("building packages", "npx", ["tsc", "-b", "tsconfig.build.json"]);
  stamp("packages");
}

async function buildConsole() {
  const sources = ["apps/console", "packages/client/src", "packages/react/src", "packages/protocol/src"];
  if (!existsSync(join(root, "apps/console/index.html")) || stampOf("console") >= newest(sources, isSource)) return;
  await runQuietly("building the console", "npx", ["vite", "build", "apps/console", "--logLevel", "warn"]);
  stamp("console");
}
