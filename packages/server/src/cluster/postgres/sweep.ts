/** What nodes that are gone have left behind, and what nobody asks for any more. Any node does it for all. */
import type { PoolClient } from "pg";
import { queryAll } from "./database.ts";
import { ms, SEATS_LOCK } from "./sql.ts";
import type { ClusterTimes } from "./times.ts";

/** Of one sweep: the lock of the seats is held meanwhile. */
const MOST = 20_000;

/**
 * One transaction. A node that was only asleep finds its row missing and takes its seats again.
 *
 * @returns whether there may be more to sweep
 */
export async function sweep(client: PoolClient, { leaseMs, notesKeptMs }: ClusterTimes): Promise<boolean> {
  const results = await queryAll(client, [
    SEATS_LOCK,
    `with gone as (delete from nodes where seen_at < clock_timestamp() - ${ms(2 * leaseMs)} returning id)
      delete from seats where node in (select id from gone)`,
    counted(`delete from hits where key in (select key from hits where ends_at < clock_timestamp() limit ${MOST})`),
    counted(`delete from letters where number in (select number from letters where ends_at < clock_timestamp() limit ${MOST})`),
    counted(
      `delete from notes where number in (select number from notes where told_at < clock_timestamp() - ${ms(notesKeptMs)} limit ${MOST})`,
    ),
  ]);
  return results.some((rows) => rows[0]?.["count"] === MOST);
}

function counted(statement: string): string {
  return `with gone as (${statement} returning 1) select count(*)::int as count from gone`;
}
