/** The intake's tables and functions, in the log's schema. */
import { escapeIdentifier, type Pool } from "pg";
import { ensureSchema } from "../../postgres/schema.ts";
import { functionsIn } from "./functions.ts";
import { type Taken, tellTaken } from "./taken.ts";

/** How tables and functions are laid out. */
const FORMAT = 2;

/** Queues are short and change all the time: vacuum by the number of rows alone. */
const QUEUE = "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0";

/**
 * - `publishers`: for which tenants a role, or who is a member of it, may publish; the operator writes it
 * - `outbox_settings`, `outbox_types`, `outbox_checks`: what the node that moves takes; it writes them when it begins. `is_asleep`: whether it has to be woken
 * - `outbox`: what waits. `seq` is no order by itself: a transaction that ends late adds a row below others that are gone. `xid`: of which it is (looks.ts)
 * - `outbox_refused`: of each tenant the newest that were refused
 */
const TABLES = `
create table publishers (
  role name not null,
  tenant text not null check (tenant ~ '^[^\\u0001-\\u001f\\u007f]{1,128}$'),
  primary key (role, tenant)
);
create table outbox_settings (
  is_only boolean primary key default true check (is_only),
  format integer not null,
  batch_events integer not null default 0,
  batch_bytes integer not null default 0,
  is_asleep boolean not null default true
) with (fillfactor = 20);
insert into outbox_settings (format) values (${FORMAT});
create table outbox_types (type text primary key);
create table outbox_checks (
  type text not null,
  place integer not null,
  path text[] not null,
  says text not null,
  longest integer,
  fault jsonpath
);
create index outbox_checks_place on outbox_checks (type, place);
create table outbox (
  seq bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  key uuid not null,
  tenant text not null,
  source text not null,
  role text not null,
  staged_at timestamptz not null default clock_timestamp(),
  events_count integer not null,
  bytes integer not null,
  events json not null
) with (${QUEUE});
create index outbox_xid on outbox (xid);
create table outbox_refused (
  seq bigint primary key,
  key uuid not null,
  tenant text not null,
  source text not null,
  role text not null,
  staged_at timestamptz not null,
  refused_at timestamptz not null default clock_timestamp(),
  bytes integer not null,
  refusal json not null,
  events json not null
);
create index outbox_refused_tenant on outbox_refused (tenant, seq);
`;

/**
 * Makes what is not there, with what this node takes: services may call as soon as there is something to be called. Rejects with an Error that names
 * what is there instead.
 */
export async function prepareIntake(pool: Pool, schema: string, taken: Taken): Promise<void> {
  await ensureSchema(pool, schema, async (client) => {
    const table = `${escapeIdentifier(schema)}.outbox_settings`;
    const { rows } = await client.query<{ found: string | null }>("select to_regclass($1)::text as found", [table]);
    if (rows[0]?.found === null) {
      await client.query(TABLES + functionsIn(schema));
      await tellTaken((text, values) => client.query(text, [...values]), taken);
    }
    const [settings] = (await client.query<{ format: number }>("select format from outbox_settings")).rows;
    if (settings?.format !== FORMAT)
      throw new Error(`the outbox's format is ${settings?.format ?? "unknown"}, this release reads ${FORMAT}`);
  });
}
