/** The statements of reading. */
import { PARTITION } from "./tables.ts";

export interface PageQuery {
  readonly name: string;
  readonly text: string;
}

const COLUMNS = `"offset", batch, stored_at, tenant, type, source, id, time, subject, correlation_id, data`;
const BOUNDS = `(select oldest, head, greatest($1::bigint, oldest - 1) as after, least(coalesce($2::bigint, head), head) as until
  from heads where partition = '${PARTITION}')`;

/** The event of an offset, for every row beside it. The fence keeps the planner from reading all events for a few. */
const EVENT_AT = (offset: string) => `lateral (select ${COLUMNS} from events where "offset" = ${offset} offset 0) e`;

/**
 * $1 after, $2 until or null, $3 rows, and what `found` takes. Bounds come also where there is no event. The lateral makes them
 * parameters, by which the segments that cannot hold anything are left out.
 */
function page(name: string, found: string, window?: string): PageQuery {
  const nextBatch = window === undefined ? "null::bigint" : `(select n.batch from events n where n."offset" = b.after + ${window} + 1)`;
  return {
    name,
    text: `select b.oldest, b.head, (select max(last) from segments) as segments_to, ${nextBatch} as next_batch, e.* from ${BOUNDS} b left join lateral (${found}) e on true order by e."offset"`,
  };
}

export const READ_ALL = page(
  "read-all",
  `select ${COLUMNS} from events where "offset" > b.after and "offset" <= b.until order by "offset" limit $3::bigint`,
);

/** $4 window, $5 tenant */
export const READ_TENANT = page(
  "read-tenant",
  `select ${COLUMNS} from events where "offset" > b.after and "offset" <= least(b.until, b.after + $4::bigint) and tenant = $5
    order by "offset" limit $3::bigint`,
  "$4::bigint",
);

/** $4 topics: the first few of each, merged */
export const READ_TOPICS = page(
  "read-topics",
  `select e.* from (
    select distinct x."offset" from unnest($4::uuid[]) as asked (topic) cross join lateral (
      select t."offset" from event_topics t where t.topic = asked.topic and t."offset" > b.after and t."offset" <= b.until
      order by t."offset" limit $3::bigint
    ) x order by x."offset" limit $3::bigint
  ) f cross join ${EVENT_AT('f."offset"')}`,
);

/** $4 window, $5 topics */
export const SCAN_TOPICS = page(
  "scan-topics",
  `select e.* from (
    select distinct t."offset" from event_topics t
    where t.topic = any($5::uuid[]) and t."offset" > b.after and t."offset" <= least(b.until, b.after + $4::bigint)
    order by t."offset" limit $3::bigint
  ) f cross join ${EVENT_AT('f."offset"')}`,
  "$4::bigint",
);

/** $1 id's digest */
export const FIND_KNOWN: PageQuery = {
  name: "find-known",
  text: `select e.* from event_ids i cross join ${EVENT_AT('i."offset"')}
    where i.key = $1::uuid and i."offset" >= (select oldest from heads where partition = '${PARTITION}')`,
};

/** $1 tenant, $2 source, $3 id, $4 the newest offset to look at or null, $5 how many; `next` is where to go on */
export const FIND_SCANNED: PageQuery = {
  name: "find-scanned",
  text: `select b.oldest, b.start - $5::bigint as next, e.* from (
      select oldest, coalesce($4::bigint, head) as start from heads where partition = '${PARTITION}'
    ) b left join lateral (
      select ${COLUMNS} from events
      where "offset" > greatest(b.start - $5::bigint, b.oldest - 1) and "offset" <= b.start and id = $3 and source = $2 and tenant = $1
      order by "offset" desc limit 1
    ) e on true`,
};
