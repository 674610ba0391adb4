/** Debian's PostgreSQL as a throw-away cluster: in a folder of its own, on a free port of the loopback. */
import { execFile, execFileSync } from "node:child_process";
import { appendFileSync, chownSync, existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { freePort } from "./free-port.ts";
import { HERE, type Host } from "./host.ts";
import { Program } from "./program.ts";

const execFileAsync = promisify(execFile);

export interface Cluster {
  readonly port: number;
  /** Of the database that every cluster has, or of another one of it. */
  url(database?: string): string;
  /** An empty database; returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** Ends it; it can be started again over what it kept. `SIGQUIT`: at once, as in a crash. */
  stop(signal?: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

/** `settings`: as in postgresql.conf. Everything is synced to the disk unless they say otherwise. */
export async function startCluster(settings: Readonly<Record<string, string>> = {}, host = HERE): Promise<Cluster> {
  return newCluster(settings, ["initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], host);
}

/** Follows another one, until it is told to take over (`pg_promote`). */
export async function startStandby(primary: Cluster, settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  return newCluster(settings, ["pg_basebackup", "-d", primary.url(), "-R", "-c", "fast", "--no-sync"], HERE);
}

async function newCluster(
  settings: Readonly<Record<string, string>>,
  [maker = "", ...options]: readonly string[],
  host: Host,
): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "broadtape-postgres-"));
  const owner = ownerOf(folder);
  const bin = binaries();
  const data = join(folder, "data");
  const port = await freePort();
  await execFileAsync(join(bin, maker), ["-D", data, ...options], { ...owner, cwd: folder });
  if (host !== HERE) appendFileSync(join(data, "pg_hba.conf"), "host all all all trust\n");
  const given = { listen_addresses: host.address, port: String(port), unix_socket_directories: "", max_connections: "200", ...settings };
  const flags = Object.entries(given).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const url = (database = "postgres") => `postgres://postgres@${host.address}:${port}/${database}`;
  const [file, args] = host.command(...asOwner(host === HERE ? undefined : owner, join(bin, "postgres"), ["-D", data, ...flags]));
  const program = new Program({
    name: "postgres",
    file,
    args,
    spawn: { ...(host === HERE && owner), cwd: folder },
    isReady: () => answers(url()),
    lastSignal: "SIGQUIT",
    outputCharacters: 10_000,
  });
  await program.start();
  return {
    port,
    url,
    start: () => program.start(),
    async stop(signal) {
      await program.end(signal);
    },
    async createDatabase(name) {
      await query(url(), `create database "${name}"`);
      return url(name);
    },
    async remove() {
      await program.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs one statement on a connection of its own; resolves with its rows. */
export async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** As whom it runs: PostgreSQL refuses to run as root, so that its folder is given to the user of Debian's package. */
function ownerOf(folder: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" })));
  if (uid === undefined || gid === undefined) throw new Error("there is no user postgres");
  chownSync(folder, uid, gid);
  return { uid, gid };
}

/** Where another host is entered only root may enter it. */
function asOwner(
  owner: { uid: number; gid: number } | undefined,
  program: string,
  args: readonly string[],
): [program: string, args: readonly string[]] {
  if (owner === undefined) return [program, args];
  return ["setpriv", [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups", program, ...args]];
}

/** Where its programs are: on the PATH, or where Debian puts them, the newest release of them. */
function binaries(): string {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const debian = globSync("/usr/lib/postgresql/*/bin").sort((a, b) => Number(b.split("/")[4]) - Number(a.split("/")[4]));
  const found = [...debian, ...onPath].map((folder) => join(folder, "initdb")).find((file) => existsSync(file));
  if (found === undefined) throw new Error("PostgreSQL is not installed: apt-get install postgresql");
  return dirname(found);
}

async function answers(url: string): Promise<boolean> {
  return query(url, "select 1").then(
    () => true,
    () => false,
  );
}
