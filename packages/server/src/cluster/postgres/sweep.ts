/** What nodes that are gone have left behind, and what nobody asks for any more. Any node does it for all. */
import { ms, SEATS_LOCK } from "./sql.ts";
import type { ClusterTimes } from "./times.ts";

/** Of one sweep: the lock of the seats is held meanwhile. */
const MOST = 20_000;

/** One transaction. A node that was only asleep finds its row missing and takes its seats again. */
export function sweepStatements({ leaseMs, notesKeptMs }: ClusterTimes): readonly string[] {
  return [
    SEATS_LOCK,
    `with gone as (delete from nodes where seen_at < clock_timestamp() - ${ms(2 * leaseMs)} returning id)
      delete from seats where node in (select id from gone)`,
    `delete from hits where key in (select key from hits where ends_at < clock_timestamp() limit ${MOST})`,
    `delete from letters where number in (select number from letters where ends_at < clock_timestamp() limit ${MOST})`,
    `delete from notes where number in (select number from notes where told_at < clock_timestamp() - ${ms(notesKeptMs)} limit ${MOST})`,
  ];
}
