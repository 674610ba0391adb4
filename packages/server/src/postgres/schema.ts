/** The schema that holds our tables. */
import { escapeIdentifier, type Pool, type PoolClient } from "pg";
import { inTransaction } from "./pool.ts";

/** Held while tables are made, by one of several nodes that start at the same time. */
const SETUP_LOCK = "select pg_advisory_xact_lock(hashtextextended('broadtape set-up', 0))";

/** Creates it where there is none, which needs CREATE on the database. `work` runs in the same transaction, alone. */
export async function ensureSchema(pool: Pool, schema: string, work?: (client: PoolClient) => Promise<void>): Promise<void> {
  await inTransaction(
    pool,
    async (client) => {
      const { rows } = await client.query<{ found: string | null }>("select to_regnamespace($1)::text as found", [
        escapeIdentifier(schema),
      ]);
      if (rows[0]?.found === null) await client.query(`create schema ${escapeIdentifier(schema)}`);
      await work?.(client);
    },
    `begin; ${SETUP_LOCK}`,
  );
}
