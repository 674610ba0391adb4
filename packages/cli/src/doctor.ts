/** `broadtape doctor`: looks at what a server needs before it starts. One line a check. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import type { Command } from "commander";
import { checkJwks } from "@broadtape/server/access/jwks";
import { BadConfig, type Config, readConfig } from "@broadtape/server/config";
import { checkDatabase, checkNats } from "./doctor-shared.ts";
import { EXIT, type Finish } from "./exit-codes.ts";
import { coloursOf, type Io, say } from "./io.ts";
import { addSettingOptions, flagsOf } from "./setting-options.ts";

const LEAST_NODE = 24;
const LEAST_FREE_BYTES = 2 ** 30;

/** Answers what is well, throws what is not. */
type Check = () => string | Promise<string>;

export function addDoctor(program: Command, io: Io, finish: Finish): void {
  const command = program
    .command("doctor")
    .description("Check Node, configuration, data directory, database, NATS, keys and port.")
    .action(async () => {
      let config: Config | undefined;
      const healthy = [
        await report(io, "node", checkNode),
        await report(io, "config", () => {
          config = readConfig(io.env, flagsOf(command));
          return config.warnings.length === 0 ? "valid" : config.warnings.join("; ");
        }),
      ];
      if (config !== undefined) {
        const { host, port, dataDirectory, databaseUrl, natsUrl, keys } = config;
        healthy.push(await report(io, "data", () => checkDataDirectory(dataDirectory)));
        if (databaseUrl !== undefined) healthy.push(await report(io, "database", async () => checkDatabase(databaseUrl)));
        if (natsUrl !== undefined) healthy.push(await report(io, "nats", async () => checkNats(natsUrl)));
        healthy.push(await report(io, "keys", async () => checkKeys(keys)));
        healthy.push(await report(io, "port", async () => checkPort(host, port)));
      }
      finish(healthy.every(Boolean) ? EXIT.ok : EXIT.failed);
    });
  addSettingOptions(command);
}

async function report(io: Io, name: string, check: Check): Promise<boolean> {
  const colours = coloursOf(io, io.stdout);
  try {
    say(io.stdout, `${colours.green("ok  ")} ${name.padEnd(8)} ${await check()}`);
    return true;
  } catch (error) {
    const faults = error instanceof BadConfig ? error.faults : [error instanceof Error ? error.message : String(error)];
    for (const fault of faults) say(io.stdout, `${colours.red("fail")} ${name.padEnd(8)} ${fault}`);
    return false;
  }
}

function checkNode(): string {
  const { version, execPath } = process;
  if (Number(process.versions.node.split(".")[0]) < LEAST_NODE)
    throw new Error(`${version} at ${execPath}; ${LEAST_NODE} or newer is needed`);
  return `${version} at ${execPath}`;
}

function checkDataDirectory(directory: string): string {
  mkdirSync(directory, { recursive: true });
  accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free < LEAST_FREE_BYTES) throw new Error(`${directory} has ${(free / 2 ** 20).toFixed(0)} MiB free; the log needs more`);
  return `${directory} can be written, ${(free / 2 ** 30).toFixed(1)} GiB free`;
}

async function checkKeys(keys: Config["keys"]): Promise<string> {
  switch (keys.kind) {
    case "secret":
      return `HS256 with a secret of ${Buffer.byteLength(keys.secret)} bytes`;
    case "kept":
      return existsSync(keys.file)
        ? `HS256 with the demo's secret in ${keys.file}`
        : `HS256 with a secret that the first start makes in ${keys.file}`;
    case "jwks":
      return checkKeySet(keys.location);
  }
}

async function checkKeySet(location: string): Promise<string> {
  const text = location.startsWith("file:") ? readFileSync(new URL(location), "utf8") : await fetchKeys(location);
  try {
    checkJwks(text);
  } catch (error) {
    throw new Error(`key set at ${location} ${reasonOf(error)}`, { cause: error });
  }
  return `key set at ${location}`;
}

async function fetchKeys(location: string): Promise<string> {
  const response = await fetch(location, { redirect: "manual", signal: AbortSignal.timeout(5000) }).catch((error: unknown) => {
    throw new Error(`key set at ${location} cannot be had: ${reasonOf(error)}`);
  });
  if (response.status !== 200) throw new Error(`key set at ${location} is answered with ${response.status}`);
  return response.text();
}

/** `fetch` says "fetch failed" and keeps the reason in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

async function checkPort(host: string, port: number): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: Error) => {
      reject(new Error(`${host}:${port} cannot be listened on: ${error.message}`));
    });
    server.listen(port, host, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
  return port === 0 ? `any free one on ${host}` : `${host}:${port} is free`;
}
