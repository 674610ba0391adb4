/** The demo as a child process: a client of the public API like any other, started again when it dies. */
import { type ChildProcess, fork } from "node:child_process";

export interface DemoOptions {
  /** Its main file. */
  readonly entry: string;
  readonly url: string;
  readonly token: string;
  /** By tenant: what reads the RFQs of the demo's traders. */
  readonly deskTokens: Readonly<Record<string, string>>;
  readonly speed: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears that it died. */
  readonly tell: (line: string) => void;
  /** Hears where its dealing desk listens, and `undefined` when it no longer does. */
  readonly onDesk?: (desk: DemoDeskAddress | undefined) => void;
}

export interface DemoDeskAddress {
  readonly url: string;
  /** What the desk knows the server by. */
  readonly secret: string;
}

/** Of `http://:<secret>@<host>:<port>`, as in `DEMO_DESK`: a desk that runs beside, with several nodes or without a parent. */
export function deskAddressOf(text: string): DemoDeskAddress | undefined {
  const url = URL.parse(text);
  return url?.protocol === "http:" && url.password !== "" ? { url: url.origin, secret: decodeURIComponent(url.password) } : undefined;
}

const FIRST_RESTART_MS = 500;
const LAST_RESTART_MS = 30_000;
/** One that ran so long starts again as if for the first time. */
const STEADY_MS = 60_000;
const STOP_MS = 2000;

const PRELOAD = import.meta.url.endsWith(".ts")
  ? new URL("./demo-preload.ts", import.meta.url)
  : new URL("./demo-preload.js", import.meta.url);

export function runDemo(options: DemoOptions): { stop(): Promise<void> } {
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let isStopped = false;
  let delayMs = FIRST_RESTART_MS;

  const start = () => {
    const startedAt = performance.now();
    const started = forkDemo(options);
    child = started;
    started.once("error", (error) => {
      options.tell(`the demo could not be started: ${error.message}`);
    });
    started.on("message", (message) => {
      const desk = deskOf(message);
      if (desk !== undefined) options.onDesk?.(desk);
    });
    started.once("exit", (code, signal) => {
      child = undefined;
      options.onDesk?.(undefined);
      // It ends with 0 when it has nothing left to do.
      if (isStopped || code === 0) return;
      if (performance.now() - startedAt >= STEADY_MS) delayMs = FIRST_RESTART_MS;
      options.tell(`the demo ended with ${signal ?? `code ${code ?? "unknown"}`}; again in ${delayMs} ms`);
      restart = setTimeout(start, delayMs);
      restart.unref();
      delayMs = Math.min(2 * delayMs, LAST_RESTART_MS);
    });
  };
  start();

  return {
    async stop() {
      isStopped = true;
      clearTimeout(restart);
      if (child !== undefined) await end(child);
    },
  };
}

function forkDemo({ entry, url, token, deskTokens, speed, env }: DemoOptions): ChildProcess {
  const own = Object.entries(env).filter(([name]) => !name.startsWith("BROADTAPE_") && name !== "NODE_CHANNEL_FD");
  return fork(entry, [], {
    // The server's settings and secrets are none of its business.
    env: {
      ...Object.fromEntries(own),
      BROADTAPE_URL: url,
      BROADTAPE_TOKEN: token,
      BROADTAPE_DESK_TOKENS: JSON.stringify(deskTokens),
      DEMO_SPEED: speed,
    },
    execArgv: ["--conditions=@broadtape/source", "--import", PRELOAD.href],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/** What the demo tells of its desk: `{desk: {port, secret}}`. */
function deskOf(message: unknown): DemoDeskAddress | undefined {
  const { port, secret } = (message as { desk?: { port?: unknown; secret?: unknown } } | null)?.desk ?? {};
  if (!Number.isInteger(port) || typeof secret !== "string") return undefined;
  return { url: `http://127.0.0.1:${String(port)}`, secret };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(kill);
}
