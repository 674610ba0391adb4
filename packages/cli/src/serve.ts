/** `broadtape serve`: runs the server until it is told to stop. */
import { existsSync } from "node:fs";
import closeWithGrace from "close-with-grace";
import { type Command, Option } from "commander";
import { type Config, readConfig } from "@broadtape/server/config";
import { type DemoDeskAddress, deskAddressOf, runDemo } from "./demo.ts";
import { DEMO_ENTRY, demoTokens } from "./demo-tokens.ts";
import { EXIT, type Finish } from "./exit-codes.ts";
import { complain, type Io, say } from "./io.ts";
import { onSignals, SIGNALS } from "./signals.ts";
import { addSettingOptions, flagsOf } from "./setting-options.ts";

/** Below the 10 s of the contract; a server that takes longer is killed with exit code 1. */
const GRACE_MS = 9500;

export function addServe(program: Command, io: Io, finish: Finish): void {
  const command = program
    .command("serve")
    .description("Run the server. Every setting is an environment variable and a flag; the flag wins.")
    .addOption(new Option("--speed <times>", "speed of the demo's replay (DEMO_SPEED; default: 1)").helpGroup("Settings:"))
    .action(async (options: { readonly speed?: string }) => {
      const speed = options.speed ?? io.env["DEMO_SPEED"] ?? "1";
      if (!(Number(speed) > 0 && Number(speed) < Infinity)) {
        complain(io, ["--speed: must be a number above 0"]);
        finish(EXIT.failed);
        return;
      }
      const beside = io.env["DEMO_DESK"];
      const desk = beside === undefined ? undefined : deskAddressOf(beside);
      if (beside !== undefined && desk === undefined) {
        complain(io, ["DEMO_DESK: must be http://:secret@host:port"]);
        finish(EXIT.failed);
        return;
      }
      await serve(readConfig(io.env, flagsOf(command)), { speed, desk }, io);
    });
  addSettingOptions(command);
}

interface DemoSettings {
  readonly speed: string;
  /** Of a demo that plays beside; none is started then. */
  readonly desk: DemoDeskAddress | undefined;
}

/** Resolves when the server runs; from then on, signals end the process. */
async function serve(config: Config, demo: DemoSettings, io: Io): Promise<void> {
  // What runs, newest first: it is closed in this order.
  const running: (() => Promise<void>)[] = [];
  const grace = closeWithGrace({ delay: GRACE_MS, skip: [...SIGNALS] }, async ({ err }) => {
    if (err !== undefined) complain(io, [`ends because of a fault: ${err.stack ?? err.message}`]);
    for (const close of running) await close();
  });
  onSignals(process, {
    first: () => {
      grace.close();
    },
    second: (signal) => {
      complain(io, [`ends at once, after a second ${signal}`]);
      process.exit(EXIT.failed);
    },
  });
  // Only this command needs the server's code.
  const { startServer } = await import("@broadtape/server");
  // Known once the demo runs; it may come and go.
  let { desk } = demo;
  const server = await startServer(config, { demoDesk: () => desk, onEnd: endWith });
  running.unshift(async () => server.close());
  // Off a terminal, standard output is the log's JSON lines.
  say(io.stdout.isTTY === true ? io.stdout : io.stderr, `Broadtape listens at ${server.url}`);
  if (!config.demo || demo.desk !== undefined) return;
  const stopDemo = await startDemo(config, server.url, demo.speed, io, (address) => (desk = address));
  if (stopDemo !== undefined) running.unshift(stopDemo);
}

/** As any fault that nobody handles: what runs is closed, and the exit code tells whoever watches over it to start it again. */
function endWith(reason: Error): void {
  setImmediate(() => {
    throw reason;
  });
}

async function startDemo(
  config: Config,
  url: string,
  speed: string,
  io: Io,
  onDesk: (desk: DemoDeskAddress | undefined) => void,
): Promise<(() => Promise<void>) | undefined> {
  // It is in the source tree alone.
  if (!existsSync(DEMO_ENTRY)) return undefined;
  if (config.keys.kind === "jwks") {
    complain(io, ["no replay: the demo's token cannot be signed with the keys of BROADTAPE_JWKS"]);
    return undefined;
  }
  const tokens = await demoTokens(config);
  const tell = (line: string) => {
    complain(io, [line]);
  };
  const demo = runDemo({ entry: DEMO_ENTRY, url, ...tokens, speed, env: io.env, tell, onDesk });
  return async () => demo.stop();
}
