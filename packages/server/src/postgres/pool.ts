/** Connections to PostgreSQL, set up alike for log and registry. */
import { escapeIdentifier, Pool, type PoolClient, TypeOverrides } from "pg";
import { unescapeText } from "./text.ts";

export interface DatabasePlace {
  /** `postgres://user:password@host:port/database`, with `?sslmode=` where it wants TLS. */
  readonly url: string;
  /** Where the tables are; several Broadtapes may share a database. Default: `broadtape`. */
  readonly schema?: string | undefined;
}

export const DEFAULT_SCHEMA = "broadtape";

export interface PoolOptions extends DatabasePlace {
  /** What the database's operator sees in `pg_stat_activity`. */
  readonly name: string;
  readonly connections: number;
  /** Settings of each connection, in milliseconds where they are times. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** A connection is had by then, a free one or a new one; else the asker is refused. */
  readonly connectMs?: number | undefined;
}

/** A host that is gone without a word is noticed by then. */
const CONNECT_MS = 5000;
/** A statement that is not answered by then fails, and its connection is given up. */
const ANSWER_MS = 10_000;
const IDLE_MS = 60_000;

/** OIDs of types in `pg_type`. */
const INT8 = 20;
const TEXT = 25;

const types = new TypeOverrides();
// Offsets and times stay below 2^53.
types.setTypeParser(INT8, Number);
types.setTypeParser(TEXT, unescapeText);

export function openPool(options: PoolOptions): Pool {
  const settings = { search_path: escapeIdentifier(options.schema ?? DEFAULT_SCHEMA), jit: "off", ...options.settings };
  const sql = Object.entries(settings)
    .map(([name, value]) => `set ${name} = ${value}`)
    .join(";");
  const pool = new Pool({
    connectionString: options.url,
    application_name: options.name,
    max: options.connections,
    connectionTimeoutMillis: options.connectMs ?? CONNECT_MS,
    query_timeout: ANSWER_MS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    types,
    // Before a new connection is lent for the first time.
    verify: (client, done) => {
      client.query(sql).then(
        () => done(),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
  });
  // A connection that breaks is thrown away by the pool. Whoever waits for an answer on it hears of it there; whoever asks next
  // finds out whether the database is there. Without these, the process would end.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => void client.on("error", () => undefined));
  return pool;
}

/** Lends a connection. It is given up when anything goes wrong, so that a transaction in it ends with it. */
export async function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isWhole = false;
  try {
    const result = await work(client);
    isWhole = true;
    return result;
  } finally {
    client.release(!isWhole);
  }
}

/** All or nothing. `begin` may hold more statements, which run in the same round trip. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>, begin = "begin"): Promise<T> {
  return withClient(pool, async (client) => {
    await client.query(begin);
    const result = await work(client);
    await client.query("commit");
    return result;
  });
}
