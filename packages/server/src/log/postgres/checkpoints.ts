/** Where the folded state of the views is kept. */
import type { Pool, PoolClient } from "pg";
import { inTransaction } from "../../postgres/pool.ts";
import { escapeText } from "../../postgres/text.ts";
import type { Checkpoint, CheckpointEntry } from "../log.ts";
import { digestOf } from "./digest.ts";

const SAVE_LOCK = "select pg_advisory_xact_lock(hashtextextended('broadtape checkpoint', 0))";
const SET_META = "insert into meta values ($1, $2) on conflict (key) do update set value = excluded.value";
const SET_ENTRIES = `insert into checkpoint_entries (key, view, tenant, entity, state)
  select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
  on conflict (key) do update set state = excluded.state`;
const READ_ENTRIES = `select key, view, tenant, entity, state from checkpoint_entries
  where $1::uuid is null or key > $1::uuid order by key limit $2`;
const DELETE_ENTRIES = "delete from checkpoint_entries where key = any($1::uuid[])";

type EntryRow = CheckpointEntry & { readonly key: string };

/** Entries of one statement. */
const ENTRIES = 5000;

/** Not where `onlyForward` and a later one of the same version stands: resolves with false then. */
export async function saveCheckpoint(
  pool: Pool,
  { offset, version }: Checkpoint,
  entries: readonly CheckpointEntry[],
  onlyForward = false,
): Promise<boolean> {
  // One an entity, since a statement may touch a row only once.
  const newest = new Map(entries.map((entry) => [digestOf(entry.view, entry.tenant, entry.entity), entry]));
  const changed = [...newest].flatMap(([key, { state, ...entry }]) => (state === null ? [] : [{ ...entry, key, state }]));
  const ended = [...newest].flatMap(([key, { state }]) => (state === null ? [key] : []));
  return inTransaction(pool, async (client) => {
    // Nodes save one after the other: what one has read of the other's must stay so until it has written.
    await client.query(SAVE_LOCK);
    if (onlyForward && (await isLater(client, offset, version))) return false;
    for (let at = 0; at < changed.length; at += ENTRIES) await setEntries(client, changed.slice(at, at + ENTRIES));
    if (ended.length > 0) await client.query(DELETE_ENTRIES, [ended]);
    await client.query(SET_META, ["checkpointOffset", String(offset)]);
    await client.query(SET_META, ["checkpointVersion", escapeText(version)]);
    return true;
  });
}

async function isLater(client: PoolClient, offset: number, version: string): Promise<boolean> {
  const { rows } = await client.query<{ key: string; value: string }>("select key, value from meta where key like 'checkpoint%'");
  const saved = new Map(rows.map(({ key, value }) => [key, value]));
  return saved.get("checkpointVersion") === escapeText(version) && Number(saved.get("checkpointOffset")) > offset;
}

export async function loadCheckpoint(pool: Pool): Promise<{ checkpoint: Checkpoint; entries: readonly CheckpointEntry[] } | undefined> {
  return inTransaction(
    pool,
    async (client) => {
      const { rows } = await client.query<{ key: string; value: string }>("select key, value from meta where key like 'checkpoint%'");
      const meta = new Map(rows.map(({ key, value }) => [key, value]));
      const [offset, version] = [meta.get("checkpointOffset"), meta.get("checkpointVersion")];
      if (offset === undefined || version === undefined) return undefined;
      return { checkpoint: { offset: Number(offset), version }, entries: await allEntries(client) };
    },
    "begin isolation level repeatable read read only",
  );
}

/** A few at a time: each statement is answered in time however many there are. */
async function allEntries(client: PoolClient): Promise<CheckpointEntry[]> {
  const entries: CheckpointEntry[] = [];
  for (let last: string | null = null; ;) {
    const page: EntryRow[] = (await client.query<EntryRow>(READ_ENTRIES, [last, ENTRIES])).rows;
    for (const { key: _key, ...entry } of page) entries.push(entry);
    if (page.length < ENTRIES) return entries;
    last = page.at(-1)?.key ?? null;
  }
}

export async function dropCheckpoint(pool: Pool): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query("delete from checkpoint_entries");
    await client.query("delete from meta where key like 'checkpoint%'");
  });
}

async function setEntries(client: PoolClient, entries: readonly (CheckpointEntry & { key: string; state: string })[]): Promise<void> {
  await client.query(SET_ENTRIES, [
    entries.map(({ key }) => key),
    entries.map(({ view }) => escapeText(view)),
    entries.map(({ tenant }) => escapeText(tenant)),
    entries.map(({ entity }) => escapeText(entity)),
    entries.map(({ state }) => escapeText(state)),
  ]);
}
