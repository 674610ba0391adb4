/** A long log in PostgreSQL without publishing all of it: what a node stored is repeated by the database itself, batch for batch. */
import { Client } from "pg";
import { BEGIN_LOCKED, readHead } from "../../packages/server/src/log/postgres/head.ts";
import { makeSegments } from "../../packages/server/src/log/postgres/segments.ts";
import { inTransaction, openPool } from "../../packages/server/src/postgres/pool.ts";

/** Offsets of a segment in logs of this length. */
const SEGMENT = 500_000;
/** Rows of one transaction, done well before a statement is given up. */
const ROWS = 100_000;
/** How the tables are laid out that this knows (`tables.ts`). */
const FORMAT = "2";

const EVENTS = `insert into events ("offset", batch, stored_at, tenant, type, source, id, time, subject, correlation_id, data)
  select "offset" + n * $1, batch + n * $1, stored_at, tenant, type, source, id || '-' || n, time, subject, correlation_id, data
  from generate_series($2::bigint, $3::bigint) n cross join events where "offset" <= $1`;
const TOPICS = `insert into event_topics (topic, "offset")
  select topic, "offset" + n * $1 from generate_series($2::bigint, $3::bigint) n cross join event_topics where "offset" <= $1`;

/**
 * Repeats the first `period` events until there are so many, a multiple of it: with their topics, and without rows for deduplication, as
 * of events whose id the server made. No node may run.
 */
export async function prolong(databaseUrl: string, period: number, events: number): Promise<void> {
  const pool = openPool({
    url: databaseUrl,
    schema: "broadtape",
    name: "broadtape bench",
    connections: 1,
    settings: { synchronous_commit: "off", statement_timeout: 0 },
  });
  try {
    const { rows } = await pool.query<{ value: string }>("select value from meta where key = 'format'");
    if (rows[0]?.value !== FORMAT) throw new Error(`the log's format is ${rows[0]?.value ?? "unknown"}: this fills format ${FORMAT}`);
    await pool.query("delete from checkpoint_entries");
    await pool.query("delete from checkpoints");
    for (let stored = period; stored < events;) {
      const upTo = Math.min(events, stored + ROWS);
      const repeated = [period, stored / period, upTo / period - 1];
      await inTransaction(
        pool,
        async (client) => {
          const { segmentsTo } = await readHead(client);
          await makeSegments(client, segmentsTo, upTo, SEGMENT);
          await client.query(EVENTS, repeated);
          await client.query(TOPICS, repeated);
          await client.query("update heads set head = $1", [upTo]);
        },
        BEGIN_LOCKED,
      );
      stored = upTo;
    }
  } finally {
    await pool.end();
  }
  await settle(databaseUrl);
}

/** As a database is after a quiet hour. It takes minutes, which no connection of the server would wait. */
async function settle(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("analyze");
    await client.query("checkpoint");
  } finally {
    await client.end();
  }
}
