/**
 * Looks into the outbox that see what came and pass by what went. A row that was taken away stays in PostgreSQL's indexes for as long as any
 * transaction might still see it: where somebody keeps one open for an hour, an hour's batches. So a look asks for the rows of those transactions
 * alone that the look before did not see: that began after it, or were open when it was made.
 *
 * The order is that of what a look sees, lowest first, and all of it before anything that it does not see. What one transaction published comes before
 * what a later one did that began after the first had ended: whoever sees the second sees the first.
 */
import type { BatchLimits, StagedBatch } from "../intake.ts";
import { COLUMNS, type StagedRow, stagedOf } from "./rows.ts";

export type Ask = <R extends object>(text: string, values?: readonly unknown[]) => Promise<R[]>;

/** How far it has come. Snapshots are as `pg_current_snapshot()` writes them. */
interface Place {
  /** What it sees is gone; undefined where nothing is known of what was before. */
  readonly seen: string | undefined;
  /** More than a look finds: what this snapshot sees is gone up to this `seq`, and goes on there. */
  readonly crowd: { readonly snapshot: string; readonly after: number } | undefined;
}

interface Found extends StagedRow {
  /** How many were found, taken or not. */
  readonly found: number;
}

/** As many batches as a look finds; what is taken of them follows from their sizes. */
const LOOKED_AT = 500;

/** Sizes first: texts are read of those alone that are taken. */
const taking = (found: string) => `with found as materialized (${found}),
  sized as (select seq, row_number() over ordered as place, sum(events_count) over ordered as events, sum(bytes) over ordered as bytes
    from found window ordered as (order by seq))
  select ${COLUMNS}, (select count(*)::int from found) as found from outbox
  where seq = any (array(select seq from sized where place = 1 or (events <= $1 and bytes <= $2))) order by seq`;

/** One more than is looked at: too many to be put in order here. */
export const FIND_NEW = taking(`select seq, events_count, bytes from outbox
    where xid = any ($5::xid8[]) and pg_visible_in_snapshot(xid, $3::pg_snapshot)
  union all select seq, events_count, bytes from outbox
    where xid >= $4::xid8 and pg_visible_in_snapshot(xid, $3::pg_snapshot) limit ${LOOKED_AT + 1}`);
const FIND_REST = taking(`select seq, events_count, bytes from outbox
  where seq > $4 and pg_visible_in_snapshot(xid, $3::pg_snapshot) order by seq limit ${LOOKED_AT}`);

export const NOW = "select pg_current_snapshot()::text as now";
/** What a dump of another database brought has that one's transactions. They are over. */
const SETTLE = "update outbox set xid = '0' where xid >= pg_snapshot_xmax(pg_current_snapshot())";

/** Which transactions a snapshot does not see: those from one on, and some before that were open. */
export function unseenBy(snapshot: string): { readonly from: string; readonly open: readonly string[] } {
  const [, from = "0", open = ""] = snapshot.split(":");
  return { from, open: open === "" ? [] : open.split(",") };
}

/** Of one session. What it has handed out it hands out again until it is told that that is gone. */
export class Looks {
  readonly #ask: Ask;
  #place: Place = { seen: undefined, crowd: undefined };
  /** Where it goes on when all is gone that was handed out. */
  #then: Place = this.#place;
  readonly #handedOut = new Set<number>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async begin(): Promise<void> {
    await this.#ask(SETTLE);
  }

  async next(limits: BatchLimits): Promise<readonly StagedBatch[]> {
    if (this.#handedOut.size === 0) this.#place = this.#then;
    const { seen, crowd } = this.#place;
    const snapshot = crowd?.snapshot ?? (await this.#now());
    const some = seen === undefined || crowd !== undefined ? undefined : await this.#findNew(limits, snapshot, seen);
    const rows = some ?? (await this.#findRest(limits, snapshot, crowd?.after ?? 0));
    const last = rows.at(-1);
    const isAll = last === undefined || (rows.length === last.found && last.found < LOOKED_AT);
    this.#then = isAll ? { seen: snapshot, crowd: undefined } : { seen, crowd: { snapshot, after: last.seq } };
    this.#handedOut.clear();
    for (const { seq } of rows) this.#handedOut.add(seq);
    // The end of a crowd is not the end of what there is.
    return rows.length === 0 && crowd !== undefined ? this.next(limits) : rows.map(stagedOf);
  }

  gone(seqs: readonly number[]): void {
    for (const seq of seqs) this.#handedOut.delete(seq);
  }

  async #now(): Promise<string> {
    const [row] = await this.#ask<{ now: string }>(NOW);
    if (row === undefined) throw new Error("the database knows no snapshot");
    return row.now;
  }

  /** Undefined where they are too many. */
  async #findNew({ batchEvents, batchBytes }: BatchLimits, snapshot: string, seen: string): Promise<Found[] | undefined> {
    const { from, open } = unseenBy(seen);
    const rows = await this.#ask<Found>(FIND_NEW, [batchEvents, batchBytes, snapshot, from, open]);
    return (rows[0]?.found ?? 0) > LOOKED_AT ? undefined : rows;
  }

  #findRest({ batchEvents, batchBytes }: BatchLimits, snapshot: string, after: number): Promise<Found[]> {
    return this.#ask<Found>(FIND_REST, [batchEvents, batchBytes, snapshot, after]);
  }
}
