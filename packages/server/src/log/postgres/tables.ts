/**
 * The log's tables in PostgreSQL. They differ from SQLite's where one B-tree for all offsets would not do: events and their
 * topics lie in segments, partitions by ranges of offsets, so that retention drops a table where a DELETE would leave garbage.
 * Topics and ids are known by digests of one length (digest.ts): no key outgrows an index page, and no table of names has to be
 * kept in step by several nodes.
 */
import { escapeIdentifier, type Pool, type PoolClient } from "pg";
import { ensureSchema } from "../../postgres/schema.ts";

/** How the tables are laid out. */
const FORMAT = "2";

/** The log's one partition of today; another one has its own lock, head and segments. */
export const PARTITION = "main";

/**
 * - `meta`: `format`; `epoch`, `place`, `timeline` (life.ts)
 * - `heads`: where the log begins and ends; whoever changes a row holds the partition's lock ({@link LOCK})
 * - `writers`: the last commit of each open log, by which it learns what became of a COMMIT without an answer
 * - `segments`: which offsets have their tables
 * - `checkpoints` with their entries: one for each version of the folds, since nodes of two releases run side by side while one is rolled out
 */
const TABLES = `
create table meta (key text primary key, value text not null);
create table heads (
  partition text primary key,
  oldest bigint not null,
  head bigint not null,
  stored_at bigint not null
) with (fillfactor = 20);
insert into heads values ('${PARTITION}', 1, 0, 0);
create table writers (writer uuid primary key, last_commit bigint not null, used_at bigint not null) with (fillfactor = 20);
create table segments (first bigint primary key, last bigint not null);
create table events (
  "offset" bigint not null primary key,
  batch bigint not null,
  stored_at bigint not null,
  tenant text not null,
  type text not null,
  source text not null,
  id text not null,
  time text not null,
  subject text,
  correlation_id text not null,
  data text not null
) partition by range ("offset");
create table event_topics (
  topic uuid not null,
  "offset" bigint not null,
  primary key (topic, "offset")
) partition by range ("offset");
create table event_ids (key uuid primary key, "offset" bigint not null, batch bigint not null, stored_at bigint not null);
create index event_ids_stored_at on event_ids (stored_at);
create table checkpoints (
  version uuid primary key,
  name text not null,
  "offset" bigint not null,
  saved_at timestamptz not null
);
create table checkpoint_entries (
  version uuid not null,
  key uuid not null,
  view text not null,
  tenant text not null,
  entity text not null,
  state text not null,
  primary key (version, key)
);
insert into meta values ('format', '${FORMAT}');
`;

/** Held to the end of the transaction by whoever moves the head: offsets become visible in their order, without a gap. */
export const LOCK = `select pg_advisory_xact_lock(hashtextextended(current_schema || '/${PARTITION}', 0))`;

/** Makes the tables where there are none. Rejects with an Error that names what is there instead. */
export async function prepareTables(pool: Pool, schema: string): Promise<void> {
  await ensureSchema(pool, schema, async (client) => {
    const { rows } = await client.query<{ found: string | null }>("select to_regclass($1)::text as found", [
      `${escapeIdentifier(schema)}.heads`,
    ]);
    if (rows[0]?.found === null) await client.query(TABLES);
    await checkFormat(client);
  });
}

/** Rejects where the tables are of another release. */
export async function checkFormat(client: PoolClient): Promise<void> {
  const [row] = (await client.query<{ value: string }>("select value from meta where key = 'format'")).rows;
  if (row?.value !== FORMAT) throw new Error(`its format is ${row?.value ?? "unknown"}, this release reads ${FORMAT}`);
}
