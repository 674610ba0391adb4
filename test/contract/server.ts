/** The real server as its own process, the way `npm start` runs it, on a free port with a folder of its own. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { freePort } from "../free-port.ts";
import { SECRET, ServerProgram } from "../server-program.ts";

export { freePort } from "../free-port.ts";
export { until } from "../until.ts";
export { SECRET };

export interface TestServer {
  readonly url: string;
  /** Of each process that answers there. */
  readonly nodeUrls: readonly string[];
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

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  // The same suites, where a cluster stands for the server.
  if (process.env["TEST_CLUSTER"] !== undefined && options.env?.["BROADTAPE_DATABASE_URL"] === undefined) {
    const { startClusterServer } = await import("../cluster-server.ts");
    return startClusterServer(options);
  }
  return startServerProgram(options);
}

async function startServerProgram({
  env = {},
  directory = mkdtempSync(join(tmpdir(), "broadtape-test-")),
  port,
}: TestServerOptions): Promise<TestServer> {
  const server = new ServerProgram({ directory, port: port ?? (await freePort()) });
  await server.start(env);
  return {
    url: server.url,
    nodeUrls: [server.url],
    directory,
    process: server.process,
    output: () => server.output,
    kill: (signal = "SIGKILL") => server.end(signal),
    restart: async (changed = {}) => startServerProgram({ env: { ...env, ...changed }, directory, port: server.port }),
    remove: async () => {
      await server.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
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
