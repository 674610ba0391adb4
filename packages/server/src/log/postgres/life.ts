/**
 * Tells one life of the log from another (decision 0002), where the log is a database: by where its tables are, by the
 * database's own count of times it went back to a past state, and by what this process has seen of it.
 */
import { randomInt } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import { type Epoch, MAX_EPOCH } from "@broadtape/protocol/event-id";
import { inTransaction } from "../../postgres/pool.ts";
import type { LogBounds } from "../log.ts";
import { BEGIN_LOCKED, type Head, readHead } from "./head.ts";

interface Marks {
  readonly epoch: number | undefined;
  /** Cluster, database and table. A dump that is read back into another place, or the same one, has another. */
  readonly place: string;
  readonly storedPlace: string | undefined;
  /** Begins anew when a backup is restored up to a moment, and when a standby takes over. */
  readonly timeline: string;
  readonly storedTimeline: string | undefined;
}

const MARKS = `select
  (select value from meta where key = 'epoch') as epoch,
  (select system_identifier from pg_control_system())::text || '/' ||
    (select oid from pg_database where datname = current_database())::text || '/' || 'heads'::regclass::oid::text as place,
  (select value from meta where key = 'place') as stored_place,
  substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) as timeline,
  (select value from meta where key = 'timeline') as stored_timeline`;

const SET_META = "insert into meta values ($1, $2) on conflict (key) do update set value = excluded.value";

/** The life in which the log goes on, where it stands, and what tells it from all other logs. */
export async function beginLife(pool: Pool): Promise<Head & { readonly place: string }> {
  return inTransaction(
    pool,
    async (client) => {
      const { epoch, place, storedPlace, timeline, storedTimeline } = await readMarks(client);
      // Nobody is here who knows what the log held before it changed its place or its past: as if it were another one.
      const isSame = epoch !== undefined && place === storedPlace && timeline === storedTimeline;
      if (!isSame) await setMeta(client, { epoch: newEpoch(epoch), place, timeline });
      return { ...(await readHead(client)), place };
    },
    BEGIN_LOCKED,
  );
}

/** After a standby has taken over, as long as it holds all that `known` tells: it is the same log, and the next start has to know. */
export async function followTimeline(pool: Pool, known: () => LogBounds): Promise<void> {
  const isFollowed = ({ timeline, storedTimeline }: Marks) => timeline === storedTimeline;
  const client = await pool.connect();
  try {
    if (isFollowed(await readMarks(client))) return;
  } finally {
    client.release();
  }
  await inTransaction(
    pool,
    async (locked) => {
      const { head } = await readHead(locked);
      const { timeline } = await readMarks(locked);
      if (head >= known().head) await setMeta(locked, { timeline });
    },
    BEGIN_LOCKED,
  );
}

/** The log went back behind what this process has shown: it gets another epoch, unless another node saw it first. */
export async function endLife(pool: Pool, epoch: Epoch): Promise<void> {
  await inTransaction(
    pool,
    async (client) => {
      const head = await readHead(client);
      if (head.epoch === epoch) await setMeta(client, { epoch: newEpoch(epoch) });
    },
    BEGIN_LOCKED,
  );
}

/** What is wrong with a head, where this process knows the log under `epoch` and up to `known`; undefined where nothing is. */
export function wrongWith({ epoch, head }: Head, ownEpoch: Epoch, known: LogBounds): string | undefined {
  if (epoch !== ownEpoch) return "the log in the database is another one than before (restored or made anew): start again";
  if (head < known.head) return `the log in the database ends at ${head} and had come to ${known.head}: it was restored; start again`;
  return undefined;
}

async function readMarks(client: PoolClient): Promise<Marks> {
  const [row] = (await client.query<Record<string, string | null>>(MARKS)).rows;
  const text = (name: string) => row?.[name] ?? undefined;
  const epoch = text("epoch");
  return {
    epoch: epoch === undefined ? undefined : Number(epoch),
    place: text("place") ?? "",
    storedPlace: text("stored_place"),
    timeline: text("timeline") ?? "",
    storedTimeline: text("stored_timeline"),
  };
}

async function setMeta(client: PoolClient, values: Readonly<Record<string, string | number>>): Promise<void> {
  for (const [key, value] of Object.entries(values)) await client.query(SET_META, [key, String(value)]);
}

function newEpoch(before: number | undefined): Epoch {
  for (;;) {
    const epoch = randomInt(1, MAX_EPOCH + 1);
    if (epoch !== before) return epoch;
  }
}
