/**
 * Retention: the oldest offset moves on at once, by whole publish batches; the disk is given back by the segment, when the last
 * of its events is gone. Several nodes may do it at the same time.
 */
import type { Pool, PoolClient } from "pg";
import { inTransaction, withClient } from "../../postgres/pool.ts";
import type { LogBounds, LogOptions } from "../log.ts";
import { checkpointOf, forgetCheckpoints } from "./checkpoints.ts";
import { BEGIN_LOCKED, moveOldest, readHead } from "./head.ts";
import { dropSegments, makeSegmentsAhead, sizeOfSegments } from "./segments.ts";
import type { Sizes } from "./sizes.ts";

const FREE_IDS = `delete from event_ids where key in (select key from event_ids where stored_at < $1 order by stored_at limit $2)`;
const FORGET_WRITERS = "delete from writers where used_at < $1";
const EVENT_AT = { name: "retained", text: `select batch, stored_at from events where "offset" = $1` };

/** A log that is open commits far more often, or has no commit to ask after. */
const WRITER_MS = 7 * 86_400_000;

export interface Retained {
  readonly bounds: LogBounds;
  readonly hasMore: boolean;
}

export async function retain(pool: Pool, { retention, dedupeWindowMs, now }: LogOptions, sizes: Sizes): Promise<Retained> {
  const at = now();
  await makeSegmentsAhead(pool, sizes.segmentEvents);
  const freed = await freeIds(pool, at - dedupeWindowMs, sizes.freedIds);
  await pool.query(FORGET_WRITERS, [at - WRITER_MS]);
  await forgetCheckpoints(pool);
  const oldest = await dueOldest(pool, retention, at);
  const bounds = await inTransaction(pool, (client) => moveOn(client, oldest), BEGIN_LOCKED);
  await dropSegments(pool);
  return { bounds, hasMore: freed === sizes.freedIds };
}

/** Where the log should begin now. Worked out without the lock, which appends wait for. */
async function dueOldest(pool: Pool, { maxAgeMs, maxBytes }: LogOptions["retention"], at: number): Promise<number> {
  const { bytes, first } = await sizeOfSegments(pool);
  return withClient(pool, async (client) => {
    const head = await readHead(client);
    const limit = await checkpointOf(client);
    const bySize = head.oldest + excessEvents(head, bytes, first, maxBytes);
    const byAge = await firstNotOlder(client, head, limit, at - maxAgeMs);
    const oldest = Math.min(Math.max(bySize, byAge), limit + 1, head.head + 1);
    // Not inside a publish batch: its first offset then.
    return (await eventAt(client, oldest))?.batch ?? oldest;
  });
}

/** Unless the checkpoint went back meanwhile, or another node was faster. */
async function moveOn(client: PoolClient, due: number): Promise<LogBounds> {
  const { oldest, head, headStoredAt } = await readHead(client);
  if (due <= oldest || due > (await checkpointOf(client)) + 1) return { oldest, head, headStoredAt };
  await moveOldest(client, due);
  return { oldest: due, head, headStoredAt };
}

async function freeIds(pool: Pool, olderThan: number, limit: number): Promise<number> {
  if (!Number.isFinite(olderThan)) return 0;
  return (await pool.query(FREE_IDS, [olderThan, limit])).rowCount ?? 0;
}

/** About how many events have to go until what is left takes no more than `maxBytes`. Segments that are taken in part count in part. */
function excessEvents({ oldest, head }: LogBounds, bytes: number, first: number, maxBytes: number): number {
  const perEvent = bytes / Math.max(1, head - first + 1);
  const events = head - oldest + 1;
  return Math.max(0, Math.ceil(events - maxBytes / perEvent));
}

/** The first offset of those up to `limit` that is not older than that: times never go back, so the place is halved out. */
async function firstNotOlder(client: PoolClient, { oldest, head }: LogBounds, limit: number, olderThan: number): Promise<number> {
  if (!Number.isFinite(olderThan)) return oldest;
  let [low, high] = [oldest, Math.max(oldest, Math.min(limit, head) + 1)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const event = await eventAt(client, middle);
    if (event !== undefined && event.stored_at < olderThan) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function eventAt(client: PoolClient, offset: number): Promise<{ batch: number; stored_at: number } | undefined> {
  return (await client.query<{ batch: number; stored_at: number }>({ ...EVENT_AT, values: [offset] })).rows[0];
}
