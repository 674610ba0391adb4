/** A program beside the tests that is started, stopped, killed and started again, and that outlives nobody. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import type { Writable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Much: the machine of the tests is busy. */
const START_MS = 90_000;
const ASK_MS = 10;

export interface ProgramOptions {
  /** What it is called where it fails. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly spawn?: Pick<SpawnOptions, "cwd" | "env" | "uid" | "gid">;
  /** Whether it can be used; asked again and again after a start. */
  readonly isReady: () => boolean | Promise<boolean>;
  /** With what it ends cleanly at once; it gets it too where this process ends without having ended it. Default: SIGKILL. */
  readonly lastSignal?: NodeJS.Signals;
  /** How much of its output is kept, the newest of it. Default: all. */
  readonly outputCharacters?: number;
}

export class Program {
  readonly #options: ProgramOptions;
  #child: ChildProcess | undefined;
  #output = "";

  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  /** Everything that it wrote so far, over all starts. */
  get output(): string {
    return this.#output;
  }

  /** The newest one started. */
  get process(): ChildProcess {
    if (this.#child === undefined) throw new Error(`${this.#options.name} was not started`);
    return this.#child;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it can be used. `env`: beside, and before, what it is always given. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { name, file, args, spawn: options, isReady, lastSignal = "SIGKILL", outputCharacters = Infinity } = this.#options;
    if (this.isRunning) throw new Error(`${name} runs`);
    const child = spawn(file, args, {
      ...options,
      env: { ...(options?.env ?? process.env), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A Ctrl-C is for whoever started it, who ends everything in its order.
      detached: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => {
        this.#output += data.toString();
        if (this.#output.length > outputCharacters) this.#output = this.#output.slice(-outputCharacters);
      });
    const begunAt = this.#output.length;
    const { pid } = child;
    if (pid === undefined) throw await once(child, "error").then(([error]) => error as unknown);
    tellKeeper(`+${pid} ${lastSignal}`);
    child.once("exit", () => tellKeeper(`-${pid}`));
    for (const deadline = Date.now() + START_MS; !(await isReady());) {
      const said = this.#output.slice(begunAt);
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}: ${said}`);
      if (Date.now() > deadline) {
        await this.end("SIGKILL");
        throw new Error(`${name} was not ready in time: ${said}`);
      }
      await wait(ASK_MS);
    }
  }

  /** Resolves with its exit code when it has ended; null where a signal ended it. */
  async end(signal: NodeJS.Signals = this.#options.lastSignal ?? "SIGKILL"): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const exit = once(child, "exit");
    child.kill(signal);
    // One that is stopped hears nothing else.
    if (signal !== "SIGKILL") child.kill("SIGCONT");
    const [code] = (await exit) as [number | null];
    return code;
  }

  /** While false, it takes and gives nothing, and its connections stay. */
  setRunning(isRunning: boolean): void {
    this.#child?.kill(isRunning ? "SIGCONT" : "SIGSTOP");
  }
}

/** Has this folder removed when this process has ended, and all programs that it started. */
export function removeAtEnd(folder: string): void {
  tellKeeper(folder);
}

/** Whether somebody listens there. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

let keeper: Writable | undefined;

function tellKeeper(line: string): void {
  keeper ??= startKeeper();
  keeper.write(`${line}\n`);
}

function startKeeper(): Writable {
  const child = spawn(process.execPath, [fileURLToPath(new URL("keeper.ts", import.meta.url))], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  // Nobody waits for it.
  child.unref();
  child.stdin.on("error", () => undefined);
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child.stdin;
}
