/** What entered, left and hit while the transaction before was running, in one transaction under the lock of the seats. */
import type { PoolClient } from "pg";
import type { ClusterNode, HitLimit } from "../cluster.ts";
import { queryAll, type Row } from "./database.ts";
import type { HeldSeat } from "./holding.ts";
import { bigints, ms, SEATS_LOCK, text, texts, uuids } from "./sql.ts";

/** Of one user, connections beyond this are not counted: no limit comes near it, and counting takes time. */
const MOST_COUNTED = 10_000;

export interface Hits {
  readonly key: string;
  readonly limit: HitLimit;
  /** How many at once. */
  readonly count: number;
}

export interface Group {
  readonly node: ClusterNode;
  readonly leaseMs: number;
  readonly entering: readonly HeldSeat[];
  readonly leaving: readonly string[];
  /** One of each key. */
  readonly hits: readonly Hits[];
}

export interface GroupOutcome {
  /** The database did not know this node: it was taken for gone, or the tables were emptied. */
  readonly wasUnknown: boolean;
  /** What other nodes hold of the owner of each that enters, without its claim. */
  readonly others: readonly number[];
  /** Of each key, how many hits the window had before, and in how many milliseconds it ends. */
  readonly windows: readonly { readonly used: number; readonly endsInMs: number }[];
}

export async function writeGroup(client: PoolClient, group: Group): Promise<GroupOutcome> {
  const { node, entering, leaving, hits } = group;
  const statements = [SEATS_LOCK, SEEN(node)];
  if (leaving.length > 0) statements.push(`delete from seats where connection_id = any(${texts(leaving)})`);
  if (entering.length > 0) statements.push(INSERT(node, entering));
  const counted = statements.length;
  const { places, asked } = withoutRepetition(entering);
  if (asked.length > 0) statements.push(COUNT(group, asked));
  if (hits.length > 0) statements.push(HIT(hits));
  const results = await queryAll(client, statements);
  const counts = asked.length > 0 ? (results[counted] ?? []) : [];
  const windows = hits.length > 0 ? (results.at(-1) ?? []) : [];
  return {
    wasUnknown: results[1]?.[0]?.["is_new"] === true,
    others: places.map((place) => number(counts[place], "others")),
    windows: windows.map((row) => ({ used: number(row, "used"), endsInMs: number(row, "ends_in_ms") })),
  };
}

/** Renews the lease of a node; of one that was not there, `is_new` is true. */
export const SEEN = (node: ClusterNode): string => `
insert into nodes values (${text(node.id)}, ${text(node.name)}, clock_timestamp())
on conflict (id) do update set seen_at = excluded.seen_at returning (xmax = 0) as is_new`;

const INSERT = (node: ClusterNode, entering: readonly HeldSeat[]): string => `
insert into seats select connection_id, ${text(node.id)}, owner, claim
from unnest(${texts(entering.map(({ connectionId }) => connectionId))}, ${uuids(entering.map(({ owner }) => owner))},
  ${uuids(entering.map(({ claim }) => claim))}) as entering (connection_id, owner, claim)
on conflict (connection_id) do update set node = excluded.node, owner = excluded.owner, claim = excluded.claim`;

const COUNT = ({ node, leaseMs }: Group, asked: readonly HeldSeat[]): string => `
select (select count(*) from (
    select from seats join nodes on nodes.id = seats.node
    where seats.owner = asked.owner and (asked.claim is null or seats.claim is distinct from asked.claim)
      and nodes.id <> ${text(node.id)} and nodes.seen_at > clock_timestamp() - ${ms(leaseMs)}
    limit ${MOST_COUNTED}) as held) as others
from unnest(${uuids(asked.map(({ owner }) => owner))}, ${uuids(asked.map(({ claim }) => claim))})
  with ordinality as asked (owner, claim, place)
order by place`;

const HIT = (hits: readonly Hits[]): string => `
with at as materialized (select clock_timestamp() as now),
hitting as materialized (
  select place, hitting.key, hitting.count, most,
    case when hits.ends_at > now then hits.count else 0 end as used,
    case when hits.ends_at > now then hits.ends_at else now + window_ms * interval '1 millisecond' end as ends_at
  from at, unnest(${uuids(hits.map(({ key }) => key))}, ${bigints(hits.map(({ count }) => count))},
    ${bigints(hits.map(({ limit }) => limit.most))}, ${bigints(hits.map(({ limit }) => limit.windowMs))})
    with ordinality as hitting (key, count, most, window_ms, place)
  left join hits using (key)
),
written as (
  insert into hits select key, greatest(used, least(most, used + count)), ends_at from hitting
  on conflict (key) do update set count = excluded.count, ends_at = excluded.ends_at
)
select used, extract(epoch from ends_at - now)::float8 * 1000 as ends_in_ms from hitting, at order by place`;

/** Thousands of one user are counted once. */
function withoutRepetition(entering: readonly HeldSeat[]): { readonly places: readonly number[]; readonly asked: readonly HeldSeat[] } {
  const asked: HeldSeat[] = [];
  const known = new Map<string, number>();
  const places = entering.map((seat) => {
    const key = `${seat.owner} ${seat.claim ?? ""}`;
    const place = known.get(key) ?? asked.push(seat) - 1;
    known.set(key, place);
    return place;
  });
  return { places, asked };
}

function number(row: Row | undefined, field: string): number {
  const value = row?.[field];
  if (typeof value !== "number") throw new Error(`the database did not tell ${field}`);
  return value;
}
