/** Where the folded state of the views is kept: one checkpoint for each version of the folds, which nodes of that release carry on. */
import type { Pool, PoolClient } from "pg";
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import { inTransaction } from "../../postgres/pool.ts";
import { escapeText } from "../../postgres/text.ts";
import { type Advanced, type Checkpoint, type CheckpointEntry, LogUnavailable } from "../log.ts";
import { digestOf } from "./digest.ts";

const LIFE = "select (select value from meta where key = 'epoch') as epoch, max(head) as head from heads";
const SAVE_LOCK = "select pg_advisory_xact_lock(hashtextextended('broadtape checkpoint', 0))";
const SET_CHECKPOINT = `insert into checkpoints values ($1, $2, $3, now())
  on conflict (version) do update set "offset" = excluded."offset", saved_at = excluded.saved_at`;
const SET_ENTRIES = `insert into checkpoint_entries (version, key, view, tenant, entity, state)
  select $1::uuid, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
  on conflict (version, key) do update set state = excluded.state`;
const READ_CHECKPOINT = `select version, name, "offset" from checkpoints
  where $1::uuid is null or version = $1 order by saved_at desc, version limit 1`;
const READ_ENTRIES = `select key, view, tenant, entity, state from checkpoint_entries
  where version = $1 and ($2::uuid is null or key > $2) order by key limit $3`;
const CLEAR_ENTRIES = "delete from checkpoint_entries where version = $1";
const DELETE_ENTRIES = "delete from checkpoint_entries where version = $1 and key = any($2::uuid[])";
/** Of a release that no node runs any more. A step back within the hour folds little; until then retention waits for it. */
const FORGET = `with gone as (delete from checkpoints where saved_at < now() - interval '1 hour'
    and saved_at < (select max(saved_at) from checkpoints) returning version)
  delete from checkpoint_entries where version in (select version from gone)`;
const OLDEST = `select coalesce(min("offset"), 0) as "offset" from checkpoints`;

interface CheckpointRow {
  readonly version: string;
  readonly name: string;
  readonly offset: number;
}

type EntryRow = CheckpointEntry & { readonly key: string };

/** Entries of one statement. */
const ENTRIES = 5000;

/**
 * Adds to what is kept; with `since` as `SharedLog.advanceCheckpoint` does. Rejects where the log is not the one of this epoch any more, or
 * ends before: a node that has not noticed would keep what the log has never said.
 */
export async function saveCheckpoint(
  pool: Pool,
  epoch: Epoch,
  { offset, version }: Checkpoint,
  entries: readonly CheckpointEntry[],
  since?: Offset,
): Promise<Advanced> {
  const versionKey = keyOf(version);
  // One an entity, since a statement may touch a row only once.
  const newest = new Map(entries.map((entry) => [digestOf(entry.view, entry.tenant, entry.entity), entry]));
  const changed = [...newest].flatMap(([key, { state, ...entry }]) => (state === null ? [] : [{ ...entry, key, state }]));
  const ended = [...newest].flatMap(([key, { state }]) => (state === null ? [key] : []));
  return inTransaction(pool, async (client) => {
    // Nodes save one after the other: what one has read of the other's must stay so until it has written.
    await client.query(SAVE_LOCK);
    await checkLife(client, epoch, offset);
    if (since !== undefined) {
      const keptTo = (await read(client, versionKey))?.offset ?? 0;
      if (keptTo > offset) return "overtaken";
      if (keptTo < since) return "incomplete";
      if (since === 0) await client.query(CLEAR_ENTRIES, [versionKey]);
    }
    for (let at = 0; at < changed.length; at += ENTRIES) await setEntries(client, versionKey, changed.slice(at, at + ENTRIES));
    if (ended.length > 0) await client.query(DELETE_ENTRIES, [versionKey, ended]);
    await client.query(SET_CHECKPOINT, [versionKey, escapeText(version), offset]);
    return "saved";
  });
}

async function checkLife(client: PoolClient, epoch: Epoch, offset: Offset): Promise<void> {
  const [life] = (await client.query<{ epoch: string; head: number }>(LIFE)).rows;
  if (life === undefined || Number(life.epoch) !== epoch || life.head < offset)
    throw new LogUnavailable(`the log ends at ${life?.head ?? 0} or is another one: no checkpoint of ${offset} is kept`);
}

/** Of this version; without one, the last one saved. */
export async function loadCheckpoint(
  pool: Pool,
  version?: string,
): Promise<{ checkpoint: Checkpoint; entries: readonly CheckpointEntry[] } | undefined> {
  return inTransaction(
    pool,
    async (client) => {
      const row = await read(client, version === undefined ? null : keyOf(version));
      if (row === undefined) return undefined;
      const checkpoint = { offset: row.offset, version: row.name };
      return { checkpoint, entries: await allEntries(client, row.version) };
    },
    "begin isolation level repeatable read read only",
  );
}

export async function dropCheckpoint(pool: Pool): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query("delete from checkpoint_entries");
    await client.query("delete from checkpoints");
  });
}

/** Nothing above it may go: a start has to fold it. 0 where there is no checkpoint. */
export async function checkpointOf(client: PoolClient): Promise<number> {
  return (await client.query<{ offset: number }>(OLDEST)).rows[0]?.offset ?? 0;
}

/** Those of releases that run no longer, but for the newest. */
export async function forgetCheckpoints(pool: Pool): Promise<void> {
  await pool.query(FORGET);
}

async function read(client: PoolClient, key: string | null): Promise<CheckpointRow | undefined> {
  return (await client.query<CheckpointRow>(READ_CHECKPOINT, [key])).rows[0];
}

/** A few at a time: each statement is answered in time however many there are. */
async function allEntries(client: PoolClient, version: string): Promise<CheckpointEntry[]> {
  const entries: CheckpointEntry[] = [];
  for (let last: string | null = null; ;) {
    const page: EntryRow[] = (await client.query<EntryRow>(READ_ENTRIES, [version, last, ENTRIES])).rows;
    for (const { key: _key, ...entry } of page) entries.push(entry);
    if (page.length < ENTRIES) return entries;
    last = page.at(-1)?.key ?? null;
  }
}

async function setEntries(
  client: PoolClient,
  version: string,
  entries: readonly (CheckpointEntry & { key: string; state: string })[],
): Promise<void> {
  await client.query(SET_ENTRIES, [
    version,
    entries.map(({ key }) => key),
    entries.map(({ view }) => escapeText(view)),
    entries.map(({ tenant }) => escapeText(tenant)),
    entries.map(({ entity }) => escapeText(entity)),
    entries.map(({ state }) => escapeText(state)),
  ]);
}

/** Names of versions grow with the views, and keys do not. */
function keyOf(version: string): string {
  return digestOf(version);
}
