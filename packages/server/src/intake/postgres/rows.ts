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

/** As many batches as are looked at; what is taken of them follows from their sizes. */
const LOOKED_AT = 500;
const KEPT_REFUSED = 10_000;

const RFC_3339 = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
const COLUMNS = `seq, key, tenant, source, role, to_char(staged_at at time zone 'UTC', ${RFC_3339}) as staged_at, events::text as events`;

/** Sizes first: texts are read of those alone that are taken. */
export const FIND_NEXT = `with oldest as (select seq, events_count, bytes from outbox order by seq limit ${LOOKED_AT}),
  sized as (select seq, row_number() over ordered as place, sum(events_count) over ordered as events, sum(bytes) over ordered as bytes
    from oldest window ordered as (order by seq))
  select ${COLUMNS} from outbox
  where seq = any (array(select seq from sized where place = 1 or (events <= $1 and bytes <= $2))) order by seq`;

export const TAKE_AWAY = "delete from outbox where seq = any($1::bigint[])";

/** Changes nothing where another node was quicker. */
export const REFUSE = `with gone as (delete from outbox where seq = $1 returning *),
  old as (delete from outbox_refused where seq <= (select seq from outbox_refused order by seq desc offset ${KEPT_REFUSED - 1} limit 1))
  insert into outbox_refused (seq, key, tenant, source, role, staged_at, refusal, events)
  select seq, key, tenant, source, role, staged_at, $2::json, events from gone`;

export const FIND_REFUSED = `select ${COLUMNS}, to_char(refused_at at time zone 'UTC', ${RFC_3339}) as refused_at, refusal from outbox_refused
  where ($1::text is null or tenant = $1) and ($2::bigint is null or seq < $2) order by seq desc limit $3`;

export function stagedOf({ seq, key, tenant, source, role, staged_at: stagedAt, events }: StagedRow): StagedBatch {
  return { seq, key, tenant, source, role, stagedAt, events };
}

export function refusedOf(row: RefusedRow): RefusedBatch {
  return { ...stagedOf(row), refusedAt: row.refused_at, refusal: row.refusal };
}
