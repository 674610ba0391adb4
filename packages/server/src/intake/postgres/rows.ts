/** Batches as the tables hold them. */
import type { HttpErrorBody } from "@broadtape/protocol/errors";
import type { RefusedBatch, StagedBatch } from "../intake.ts";

export interface StagedRow {
  readonly seq: number;
  readonly key: string;
  readonly tenant: string;
  readonly source: string;
  readonly role: string;
  readonly staged_at: string;
  readonly events: string;
}

export interface RefusedRow extends StagedRow {
  readonly refused_at: string;
  readonly refusal: HttpErrorBody;
}

const RFC_3339 = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
/** A service's text may hold what stands for U+0000 in ours (postgres/text.ts). */
const SOURCE = "replace(source, chr(16), chr(16) || '1') as source";
export const COLUMNS = `seq, key, tenant, ${SOURCE}, role, to_char(staged_at at time zone 'UTC', ${RFC_3339}) as staged_at, events::text as events`;

export const TAKE_AWAY = "delete from outbox where seq = any($1::bigint[])";

/** Of each tenant the newest that were refused are kept, and no more than that of them. */
export interface RefusedLimits {
  readonly batches: number;
  /** Of events and reasons; one batch is kept however large it is. */
  readonly bytes: number;
}

/** Tells how many others are kept no longer. Changes nothing where another node was quicker. */
export const REFUSE = `with gone as (delete from outbox where seq = $1 returning *, bytes + octet_length($2) as all_bytes),
  ranked as (select r.seq, row_number() over newest as newer, sum(r.bytes) over newest as bytes, g.all_bytes
    from gone g join outbox_refused r on r.tenant = g.tenant window newest as (order by r.seq desc)),
  old as (delete from outbox_refused where seq in (select seq from ranked where newer >= $3 or bytes + all_bytes > $4) returning seq),
  kept as (insert into outbox_refused (seq, key, tenant, source, role, staged_at, bytes, refusal, events)
    select seq, key, tenant, source, role, staged_at, all_bytes, $2::json, events from gone)
  select count(*)::int as dropped from old`;

export const FIND_REFUSED = `select ${COLUMNS}, to_char(refused_at at time zone 'UTC', ${RFC_3339}) as refused_at, refusal from outbox_refused
  where ($1::text is null or tenant = $1) and ($2::bigint is null or seq < $2) order by seq desc limit $3`;

export function stagedOf({ seq, key, tenant, source, role, staged_at: stagedAt, events }: StagedRow): StagedBatch {
  return { seq, key, tenant, source, role, stagedAt, events };
}

export function refusedOf(row: RefusedRow): RefusedBatch {
  return { ...stagedOf(row), refusedAt: row.refused_at, refusal: row.refusal };
}
