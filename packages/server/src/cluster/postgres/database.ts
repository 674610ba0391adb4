/** How a member of the cluster asks the database, and knows whether asking is worth the wait. */
import type { Pool, PoolClient } from "pg";
import { repeating } from "../../postgres/failures.ts";
import { type DatabasePlace, DEFAULT_SCHEMA, openPool, withClient } from "../../postgres/pool.ts";
import type { ClusterMeter } from "../meter.ts";
import type { ClusterTimes } from "./times.ts";

/** One looks and listens, one takes seats, one writes letters, one sweeps. */
const CONNECTIONS = 4;

export type Row = Readonly<Record<string, unknown>>;

export interface DatabaseOptions {
  readonly times: ClusterTimes;
  readonly meter: ClusterMeter;
  /** Told of once an outage. */
  readonly onFault: (error: unknown) => void;
}

export class Database {
  readonly schema: string;
  readonly #options: DatabaseOptions;
  /** Of what need not survive a crash. */
  readonly #quick: Pool;
  /** Of what has to be durable, as durable as the database is set up to be. */
  readonly #durable: Pool;
  /** Nobody but the look, which finds out when that ends, waits for the database while this is set. */
  #isAway = false;

  constructor(place: DatabasePlace, options: DatabaseOptions) {
    this.#options = options;
    this.schema = place.schema ?? DEFAULT_SCHEMA;
    const { answerMs, durableMs } = options.times;
    const shared = { ...place, connectMs: answerMs };
    this.#quick = openPool({
      ...shared,
      name: "broadtape cluster",
      connections: CONNECTIONS,
      settings: { synchronous_commit: "off", lock_timeout: answerMs },
    });
    this.#durable = openPool({ ...shared, name: "broadtape cluster notes", connections: 1, settings: { lock_timeout: durableMs } });
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Where looks are had. */
  get pool(): Pool {
    return this.#quick;
  }

  /** What may be done twice. Rejects at once where the database is away. */
  async ask<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    if (this.#isAway) throw new Error("the database is away");
    const { answerMs } = this.#options.times;
    try {
      return await within(
        repeating(() => withClient(this.#quick, (client) => within(work(client), answerMs))),
        answerMs,
      );
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  /** Once. That it fails says nothing of the database: a standby may be away that it waits for. */
  async write(work: (client: PoolClient) => Promise<void>): Promise<void> {
    if (this.#isAway) throw new Error("the database is away");
    await withClient(this.#durable, (client) => within(work(client), this.#options.times.durableMs));
  }

  failed(error: unknown): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#options.meter.outages += 1;
    this.#options.onFault(new Error("the cluster's database does not answer", { cause: error }));
  }

  /** True if it was away. */
  answered(): boolean {
    const wasAway = this.#isAway;
    this.#isAway = false;
    return wasAway;
  }

  /** Does not wait for connections that are in use. */
  close(): void {
    for (const pool of [this.#quick, this.#durable]) pool.end().catch(() => undefined);
  }
}

/** Several statements at once, in one round trip and one transaction: all or nothing, and no node that stops holds a lock meanwhile. */
export async function queryAll(client: PoolClient, statements: readonly string[]): Promise<readonly (readonly Row[])[]> {
  const answer: unknown = await client.query(statements.join(";\n"));
  // One result for each statement, or the result alone where there is one statement.
  const results = Array.isArray(answer) ? (answer as readonly { rows: readonly Row[] }[]) : [answer as { rows: readonly Row[] }];
  return results.map(({ rows }) => rows);
}

export async function within<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the database does not answer in time")), ms);
  });
  // When it is late, it fails later, and nobody waits for that.
  answer.catch(() => undefined);
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
