/** The registry of several nodes, in PostgreSQL. */
import { Kysely, PostgresDialect } from "kysely";
import type { Pool } from "pg";
import { isAskersFault, repeating } from "../../postgres/failures.ts";
import { type DatabasePlace, DEFAULT_SCHEMA, openPool } from "../../postgres/pool.ts";
import { ensureSchema } from "../../postgres/schema.ts";
import { migrate } from "../migrations.ts";
import { type Registry, RegistryUnavailable } from "../registry.ts";
import { createSqlRegistry, type RegistrySchema, type SqlRegistry } from "../sql.ts";
import { EscapingTexts } from "./escaping.ts";

const CONNECTIONS = 4;

/** Opens or creates the registry in this database. Rejects with an Error of one line that names what is wrong. */
export async function openPostgresRegistry(place: DatabasePlace): Promise<Registry> {
  const { url, schema = DEFAULT_SCHEMA } = place;
  const pool = openPool({ url, schema, name: "broadtape registry", connections: CONNECTIONS });
  try {
    await ensureSchema(pool, schema);
    // Under an advisory lock of the migrator: of several nodes that start at the same time, one migrates.
    await migrate(new Kysely<RegistrySchema>({ dialect: new PostgresDialect({ pool }) }), schema);
    return new PostgresRegistry(pool);
  } catch (error) {
    await pool.end();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the database cannot be opened as a Broadtape registry: ${reason}`, { cause: error });
  }
}

class PostgresRegistry implements Registry {
  readonly #pool: Pool;
  readonly #sql: SqlRegistry;
  /** Requests without an answer: they are waited for at close. */
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
    const db = new Kysely<RegistrySchema>({ dialect: new PostgresDialect({ pool }), plugins: [new EscapingTexts()] });
    this.#sql = createSqlRegistry(db);
  }

  readonly saveSession: Registry["saveSession"] = (session) => this.#ask((sql) => sql.saveSession(session));
  readonly findSession: Registry["findSession"] = (idHash) => this.#ask((sql) => sql.findSession(idHash));
  readonly endSession: Registry["endSession"] = (idHash) => this.#ask((sql) => sql.endSession(idHash));
  readonly sweepSessions: Registry["sweepSessions"] = (now) => this.#ask((sql) => sql.sweepSessions(now));

  readonly saveCursors: Registry["saveCursors"] = async (cursors) => {
    if (cursors.length > 0) await this.#ask((sql) => sql.saveCursors(cursors));
  };
  readonly findCursor: Registry["findCursor"] = (key) => this.#ask((sql) => sql.findCursor(key));

  readonly claimNotice: Registry["claimNotice"] = (claim) => this.#ask((sql) => sql.claimNotice(claim), false);
  readonly finishNotice: Registry["finishNotice"] = (end) => this.#ask((sql) => sql.finishNotice(end));
  readonly releaseNotice: Registry["releaseNotice"] = (key) => this.#ask((sql) => sql.releaseNotice(key));
  readonly abandonNotices: Registry["abandonNotices"] = (doneAt, of) => this.#ask((sql) => sql.abandonNotices(doneAt, of));
  readonly listNotices: Registry["listNotices"] = (query) => this.#ask((sql) => sql.listNotices(query));
  readonly sweepNotices: Registry["sweepNotices"] = (claimedBefore) => this.#ask((sql) => sql.sweepNotices(claimedBefore));

  readonly saveSubscriptions: Registry["saveSubscriptions"] = (subscriptions) =>
    subscriptions.length === 0 ? Promise.resolve([]) : this.#ask((sql) => sql.saveSubscriptions(subscriptions));
  readonly takeSubscription: Registry["takeSubscription"] = (taking) => this.#ask((sql) => sql.takeSubscription(taking));
  readonly findSubscription: Registry["findSubscription"] = (key) => this.#ask((sql) => sql.findSubscription(key));
  readonly subscriptionById: Registry["subscriptionById"] = (tenant, userId, id) =>
    this.#ask((sql) => sql.subscriptionById(tenant, userId, id));
  readonly subscriptionsOf: Registry["subscriptionsOf"] = (tenant, userId) => this.#ask((sql) => sql.subscriptionsOf(tenant, userId));
  readonly deleteSubscription: Registry["deleteSubscription"] = (tenant, userId, id, now) =>
    this.#ask((sql) => sql.deleteSubscription(tenant, userId, id, now));
  readonly sweepSubscriptions: Registry["sweepSubscriptions"] = (before) => this.#ask((sql) => sql.sweepSubscriptions(before));

  readonly saveConnections: Registry["saveConnections"] = async (connections) => {
    if (connections.length > 0) await this.#ask((sql) => sql.saveConnections(connections));
  };
  readonly closeOpenConnections: Registry["closeOpenConnections"] = (now, of) => this.#ask((sql) => sql.closeOpenConnections(now, of));
  readonly sweepConnections: Registry["sweepConnections"] = (before) => this.#ask((sql) => sql.sweepConnections(before));

  /** Finishes what was asked before. */
  async close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#running).then(() => this.#pool.end());
    return this.#closing;
  }

  /**
   * Each request is one statement or one transaction, and doing it twice leaves what doing it once does. A claim alone is not
   * repeated, since its second answer would be wrong: whoever claimed and did not hear of it leaves the notice as it is.
   */
  #ask<T>(work: (sql: SqlRegistry) => Promise<T>, isRepeatable = true): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new RegistryUnavailable("the registry is closed"));
    const running = this.#try(work, isRepeatable);
    const forget = () => void this.#running.delete(running);
    this.#running.add(running);
    running.then(forget, forget);
    return running;
  }

  async #try<T>(work: (sql: SqlRegistry) => Promise<T>, isRepeatable: boolean): Promise<T> {
    try {
      return await repeating(() => work(this.#sql), isRepeatable ? undefined : 1);
    } catch (error) {
      // What contradicts what is stored is the asker's fault; every other failure of the database may be over soon.
      throw isAskersFault(error) ? error : new RegistryUnavailable("the registry does not answer", error);
    }
  }
}
