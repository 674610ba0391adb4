/** What gzip saves on the demo's own event streams (contract 50-sse: 60 to 70 % asked for), each read twice at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { possible } from "../statistics.ts";
import { type Table, figure } from "../table.ts";

const SECONDS = 60;
const MAIN = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));
const STREAMS = ["orders", "positions", "trading", "prices", "ai-decisions", "alerts"] as const;

interface Read {
  readonly bytes: () => number;
  readonly events: () => number;
  readonly close: () => void;
}

export async function saving(say: (line: string) => void): Promise<Table> {
  const directory = mkdtempSync(join(tmpdir(), "broadtape-bench-"));
  const port = await freePort();
  const server = spawn(process.execPath, ["--conditions=@broadtape/source", MAIN, "serve"], {
    env: {
      ...process.env,
      PORT: String(port),
      BROADTAPE_DEMO: "on",
      BROADTAPE_DATA_DIR: directory,
      DEMO_SPEED: "5",
      BROADTAPE_LIMIT_STREAMS_PER_USER: "20",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    const token = await signedIn(port);
    const pairs = STREAMS.map((stream) => ({
      stream,
      plain: read(port, stream, token, "identity"),
      gzip: read(port, stream, token, "gzip"),
    }));
    say(`saving: reading ${STREAMS.length} streams of the demo for ${SECONDS} s`);
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
    const rows = pairs.map(({ stream, plain, gzip }) => {
      const share = 1 - gzip.bytes() / plain.bytes();
      possible("share saved", share, 0, 1);
      return [stream, figure(plain.events()), figure(plain.bytes()), figure(gzip.bytes()), `${figure(share * 100)} %`];
    });
    for (const { plain, gzip } of pairs) for (const each of [plain, gzip]) each.close();
    return {
      title: "gzip: what it saves on the demo's streams",
      note: `The demo at five times its speed for ${SECONDS} s; bytes of the body as they came over HTTP.`,
      head: ["stream", "events", "bytes", "bytes with gzip", "saved"],
      rows,
    };
  } finally {
    await end(server);
    rmSync(directory, { recursive: true, force: true });
  }
}

function read(port: number, stream: string, token: string, encoding: string): Read {
  let bytes = 0;
  let events = 0;
  const headers = { authorization: `Bearer ${token}`, "accept-encoding": encoding };
  const request = get({ host: "127.0.0.1", port, path: `/api/stream/${stream}`, headers, agent: false }, (response) => {
    response.on("data", (part: Buffer) => {
      bytes += part.length;
      if (encoding === "identity") events += part.toString("latin1").split("\nretry: ").length - 1;
    });
    response.on("error", () => undefined);
  });
  request.on("error", () => undefined);
  return { bytes: () => bytes, events: () => events, close: () => request.destroy() };
}

/** A token of the demo's first user, once the server and its demo have something to say. */
async function signedIn(port: number): Promise<string> {
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`${url}/api/demo/session`, { method: "POST" }).catch(() => undefined);
    if (answer?.ok === true) return ((await answer.json()) as { token: string }).token;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the demo did not start");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

async function end(server: ChildProcess): Promise<void> {
  server.kill("SIGTERM");
  if (server.exitCode === null) await once(server, "exit");
}
