/**
 * The cluster's tables in PostgreSQL. What says who is here now is UNLOGGED: it is written often, worth nothing tomorrow, and empty after
 * a crash or on a standby that took over. A node that finds its own row missing writes down everything that it holds again.
 */
import { escapeIdentifier } from "pg";
import { type DatabasePlace, DEFAULT_SCHEMA, openPool } from "../../postgres/pool.ts";
import { ensureSchema } from "../../postgres/schema.ts";

/** How the tables are laid out: a comment on `nodes`. */
const FORMAT = "Broadtape cluster 1";

/**
 * - `nodes`: who runs, and when each was last seen
 * - `life`: one row, another one after the tables were emptied
 * - `seats`: open connections by the digest of their user
 * - `hits`: windows of time by the digest of what is counted
 * - `letters`: questions and answers, each for one node, which deletes what it reads. Their numbers come from a sequence that is logged: one that
 *   an unlogged table has to itself cannot be read on a standby that took over (PostgreSQL 15: `bad magic number in sequence`)
 * - `notes`: what is told to all, numbered without a gap; `note_head` has the last number, and who holds its row goes on from there
 */
const TABLES = `
create sequence letter_numbers;
create unlogged table nodes (id text primary key, name text not null, seen_at timestamptz not null) with (fillfactor = 20);
create unlogged table life (is_one boolean primary key, id uuid not null);
create unlogged table seats (connection_id text primary key, node text not null, owner uuid not null, claim uuid);
create index seats_owner on seats (owner);
create index seats_node on seats (node);
create unlogged table hits (key uuid primary key, count integer not null, ends_at timestamptz not null);
create index hits_ends_at on hits (ends_at);
create unlogged table letters (
  number bigint primary key default nextval('letter_numbers'),
  recipient text not null,
  sender text not null,
  sender_name text not null,
  question text not null,
  kind text,
  body text,
  ends_at timestamptz not null
);
create index letters_recipient on letters (recipient, number);
create table notes (
  number bigint primary key,
  node text not null,
  node_name text not null,
  kind text not null,
  body text not null,
  told_at timestamptz not null
);
create index notes_told_at on notes (told_at);
create table note_head (number bigint not null) with (fillfactor = 20);
insert into note_head values (0);
comment on table nodes is '${FORMAT}';
`;

/** Makes the tables where there are none. Rejects with an Error that names what is there instead. */
export async function prepareTables(place: DatabasePlace): Promise<void> {
  // Of its own: as durable as the database is, and as patient as others who start need it.
  const pool = openPool({ ...place, name: "broadtape cluster set-up", connections: 1 });
  const { schema = DEFAULT_SCHEMA } = place;
  try {
    await ensureSchema(pool, schema, async (client) => {
      const { rows } = await client.query<{ found: string | null; format: string | null }>(
        "select to_regclass($1)::text as found, obj_description(to_regclass($1), 'pg_class') as format",
        [`${escapeIdentifier(schema)}.nodes`],
      );
      const [row] = rows;
      if (row?.found === null) await client.query(TABLES);
      else if (row?.format !== FORMAT)
        throw new Error(`its nodes have the format ${row?.format ?? "unknown"}, this release reads ${FORMAT}`);
    });
  } finally {
    await pool.end();
  }
}
