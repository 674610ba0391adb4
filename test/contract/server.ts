/** The real server as its own process, the way `npm start` runs it, on a free port with a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";

export const SECRET = "a secret of the contract tests, more than 32 bytes";

const MAIN = new URL("../../packages/cli/src/main.ts", import.meta.url).pathname;

export interface TestServer {
  readonly url: string;
  readonly directory: string;
  readonly process: ChildProcess;
  /** Everything it logged so far. */
  readonly output: () => string;
  /** Ends it with this signal and waits; resolves with its exit code. */
  kill(signal?: NodeJS.Signals): Promise<number | null>;
  /** The same folder and port again, after {@link kill}. */
  restart(env?: Readonly<Record<string, string>>): Promise<TestServer>;
  /** Kills it and removes its folder. */
  remove(): Promise<void>;
}

export interface TestServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly port?: number;
}

export async function startTestServer({
  env = {},
  directory = mkdtempSync(join(tmpdir(), "broadtape-test-")),
  port,
}: TestServerOptions = {}): Promise<TestServer> {
  const ownPort = port ?? (await freePort());
  const child = spawn(process.execPath, ["--conditions=@broadtape/source", MAIN, "serve"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: directory,
      // Hundreds of servers of the same code.
      ...(process.env["NODE_COMPILE_CACHE"] !== undefined && { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] }),
      PORT: String(ownPort),
      BROADTAPE_DATA_DIR: directory,
      BROADTAPE_JWT_SECRET: SECRET,
      BROADTAPE_LIMIT_SSE_ATTEMPTS_PER_MINUTE: "100000",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const url = `http://127.0.0.1:${ownPort}`;
  await untilReady(url, child, () => output).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exit = once(child, "exit");
    child.kill(signal);
    const [code] = (await exit) as [number | null];
    return code;
  };
  return {
    url,
    directory,
    process: child,
    output: () => output,
    kill,
    restart: async (changed = {}) => startTestServer({ env: { ...env, ...changed }, directory, port: ownPort }),
    remove: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function untilReady(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (const deadline = Date.now() + 50_000; Date.now() < deadline;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${output()}`);
    const isReady = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`the server was not ready in time:\n${output()}`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export interface TokenOptions {
  readonly sub?: string;
  readonly tenantId?: string;
  readonly permissions?: readonly string[];
  readonly ttlMs?: number;
  readonly secret?: string;
}

export async function token({
  sub = "user",
  tenantId = "tenant",
  permissions = [],
  ttlMs = 3_600_000,
  secret = SECRET,
}: TokenOptions = {}): Promise<string> {
  return new SignJWT({ tenantId, permissions: [...permissions] })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setExpirationTime((Date.now() + ttlMs) / 1000)
    .sign(new TextEncoder().encode(secret));
}

export const publisherToken = (tenantId = "tenant") =>
  token({ sub: "publisher", tenantId, permissions: ["events:publish", "events:publish:any"] });

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, never> & {
    results: { eventId: string; offset: number; duplicate: boolean; id: string }[];
    accepted: number;
    errors: { index: number; path: string; message: string }[];
  };
}

/** `body` as it is where it is text, else as JSON. */
export async function publish(
  url: string,
  body: unknown,
  { type = "application/json", bearer, headers = {} }: { type?: string; bearer?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${bearer ?? (await publisherToken())}`, "content-type": type, ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Answer["body"] };
}

/** A best price as JSON text, so that its digits are the test's. */
export function bestPrice(symbol: string, bid: string, ask: string, more: Readonly<Record<string, string>> = {}): string {
  const attributes = Object.entries(more).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},`);
  return `{${attributes.join("")}"type":"market-data.best-price","data":{"symbol":${JSON.stringify(symbol)},"bestBid":{"price":${bid},"size":1000000.50,"source":"A"},"bestAsk":{"price":${ask},"size":2,"source":"B"},"timestamp":1735819800000}}`;
}

/** Resolves when `find` finds something; rejects after 30 s with what was there instead. */
export async function until<T>(
  find: () => T | undefined | false | Promise<T | undefined | false>,
  describe: () => unknown = () => "nothing",
): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain; there was ${JSON.stringify(describe())}`);
}
