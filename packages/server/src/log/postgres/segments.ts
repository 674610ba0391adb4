/** Segments: tables for ranges of offsets, made ahead of the head and dropped behind the oldest event. */
import type { Pool, PoolClient } from "pg";
import { inTransaction } from "../../postgres/pool.ts";
import { BEGIN_LOCKED, readHead } from "./head.ts";

const PARTED = ["events", "event_topics"] as const;

/**
 * A dropped table needs its parent for a moment alone. Where a long reader (a backup) is in the way, others would queue behind
 * us: it is left for later.
 */
const DROP_WAIT_MS = 50;

/** Makes what is missing for offsets up to `upTo`. Inside a transaction that has the lock. Returns how far there are segments now. */
export async function makeSegments(client: PoolClient, segmentsTo: number, upTo: number, segmentEvents: number): Promise<number> {
  let last = segmentsTo;
  while (last < upTo) {
    const first = last + 1;
    last += segmentEvents;
    for (const table of PARTED) {
      const name = `${table}_${first}`;
      // To attach a table does not lock out readers and writers of its parent, as to create it there would.
      await client.query(`create table ${name} (like ${table} including defaults including constraints including indexes)`);
      await client.query(`alter table ${table} attach partition ${name} for values from (${first}) to (${last + 1})`);
    }
    await client.query("insert into segments values ($1, $2)", [first, last]);
  }
  return last;
}

/** A whole segment is ready before the head gets there. */
export async function makeSegmentsAhead(pool: Pool, segmentEvents: number): Promise<void> {
  const { rows } = await pool.query<{ is_due: boolean }>(
    "select coalesce(max(last), 0) < (select max(head) from heads) + $1::bigint as is_due from segments",
    [segmentEvents],
  );
  if (rows[0]?.is_due !== true) return;
  await inTransaction(
    pool,
    async (client) => {
      const { head, segmentsTo } = await readHead(client);
      await makeSegments(client, segmentsTo, head + segmentEvents, segmentEvents);
    },
    BEGIN_LOCKED,
  );
}

/** Drops the segments that hold nothing but events that retention took. */
export async function dropSegments(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ first: number }>(
    "select first from segments where last < (select min(oldest) from heads) order by first",
  );
  for (const { first } of rows) {
    await inTransaction(
      pool,
      async (client) => {
        // One of several nodes drops it.
        const { rowCount } = await client.query("delete from segments where first = $1", [first]);
        if (rowCount === 0) return;
        await client.query(`drop table ${PARTED.map((table) => `${table}_${first}`).join(", ")}`);
      },
      `begin; set local lock_timeout = ${DROP_WAIT_MS}`,
    );
  }
}

/** Bytes of all segments, and the first offset in them. */
export async function sizeOfSegments(pool: Pool): Promise<{ bytes: number; first: number }> {
  const parts = PARTED.map((table) => `coalesce(pg_total_relation_size(to_regclass('${table}_' || first)), 0)`).join(" + ");
  const { rows } = await pool.query<{ bytes: string | null; first: number | null }>(
    `select sum(${parts})::bigint as bytes, min(first) as first from segments`,
  );
  return { bytes: Number(rows[0]?.bytes ?? 0), first: rows[0]?.first ?? 1 };
}
