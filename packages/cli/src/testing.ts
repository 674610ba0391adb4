/** For tests: commands with their streams in memory, and the program as a process. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { ExitCode } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { run } from "./run.ts";

export interface Ran {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Io["env"];
  readonly stdin?: string;
  /** Called with whatever it prints, as it prints it. */
  readonly onOutput?: (text: string) => void;
}

/** Runs a command to its end, off a terminal. */
export async function runCommand(args: readonly string[], { env = {}, stdin = "", onOutput }: RunOptions = {}): Promise<Ran> {
  const [input, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  input.end(stdin);
  if (onOutput !== undefined) stdout.on("data", (part: Buffer) => onOutput(part.toString()));
  const written = Promise.all([text(stdout), text(stderr)]);
  const code = await run(args, { env, stdin: input, stdout, stderr });
  stdout.end();
  stderr.end();
  const [answers, words] = await written;
  return { code, stdout: answers, stderr: words };
}

export type Environment = Readonly<Record<string, string>>;

/** The environment of the tests, without settings. */
export const plain = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("BROADTAPE_") && !["PORT", "HOST", "LOG_LEVEL"].includes(name)),
);

const PROGRAM = [process.execPath, "--conditions=@broadtape/source", fileURLToPath(new URL("./main.ts", import.meta.url))];

/** Starts the program; the caller ends it. */
export function startProgram(
  args: readonly string[],
  env: Environment,
  [node = "", ...nodeArgs]: readonly string[] = PROGRAM,
  options: SpawnOptions = {},
): ChildProcess {
  const child = spawn(node, [...nodeArgs, ...args], { env: { ...plain, ...env }, stdio: ["ignore", "pipe", "pipe"], ...options });
  child.stdout?.resume();
  return child;
}

/** Waits for what `serve` says on standard error. */
export async function urlOf(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error("no stderr");
  for await (const line of createInterface({ input: child.stderr })) {
    const url = /Broadtape listens at (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("the server did not start");
}
