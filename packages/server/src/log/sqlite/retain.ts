/** One step of retention: takes the oldest events, with everything that leads to them. */
import type { LogBounds } from "../log.ts";
import type { RowOf } from "../sql.ts";
import { type LogDatabase, setMeta, withoutSync } from "./database.ts";
import type { EventIds } from "./event-ids.ts";
import type { Due } from "./messages.ts";
import { type TopicIndex, topicIdsOf } from "./topic-index.ts";
import type { TopicIds } from "./topic-ids.ts";

interface Parts {
  readonly db: LogDatabase;
  readonly eventIds: EventIds;
  readonly topicIds: TopicIds;
  readonly index: TopicIndex;
  /** Events of one step. */
  readonly step: number;
}

type OldEvent = RowOf<"readOldest">;

/** Takes whole publish batches up to `limit` (inclusive). `takenTo`: the newest offset that was taken, if any was. */
export function retain(parts: Parts, due: Due, bounds: LogBounds, limit: number): { takenTo: number | undefined; hasMore: boolean } {
  const excess = excessEvents(parts.db, due.maxBytes, bounds);
  const [olderThan, step] = excess > 0 ? [Infinity, Math.min(excess, parts.step)] : [due.olderThan, parts.step];
  const { events, hasMore } = dueEvents(parts.db, olderThan, limit, step);
  const takenTo = events.at(-1)?.offset;
  if (takenTo !== undefined) parts.index.skipTo(takenTo);
  let freed = 0;
  // What a power cut brings back is taken again.
  withoutSync(parts.db, () => {
    freed = parts.eventIds.free(due.idsOlderThan, parts.step);
    if (takenTo === undefined) return;
    // The log goes on from here even when no event is left to tell.
    setMeta(parts.db, "head", bounds.head);
    setMeta(parts.db, "storedAt", bounds.headStoredAt);
    take(parts, events, takenTo, due.idsOlderThan);
  });
  return { takenTo, hasMore: hasMore || freed === parts.step };
}

/** About how many events have to go until the log is as small as it has to be. */
function excessEvents({ raw }: LogDatabase, maxBytes: number, { oldest, head }: LogBounds): number {
  const number = (pragma: string) => Number(raw.pragma(pragma, { simple: true }));
  const usedBytes = (number("page_count") - number("freelist_count")) * number("page_size");
  return usedBytes > maxBytes ? Math.ceil((1 - maxBytes / usedBytes) * (head - oldest + 1)) : 0;
}

/** The oldest events that are due: about as many as a step has, or one publish batch that is longer. */
function dueEvents(
  { prepared }: LogDatabase,
  olderThan: number,
  limit: number,
  least: number,
): { events: readonly OldEvent[]; hasMore: boolean } {
  for (let step = least; ; step *= 2) {
    const rows = prepared.readOldest.all(limit, step);
    const firstKept = rows.findIndex((row) => row.stored_at >= olderThan);
    const due = firstKept < 0 ? rows.length : firstKept;
    const nextBatch = rows[due]?.batch ?? prepared.batchOf.get((rows.at(-1)?.offset ?? 0) + 1)?.batch;
    let end = due;
    while (end > 0 && rows[end - 1]?.batch === nextBatch) end -= 1;
    const hasMore = due === step;
    if (end > 0 || !hasMore) return { events: rows.slice(0, end), hasMore };
  }
}

function take({ db, eventIds, topicIds, index }: Parts, events: readonly OldEvent[], takenTo: number, idsOlderThan: number): void {
  const topics = new Set<number>();
  for (const event of events) {
    eventIds.retire(event, idsOlderThan);
    for (const topicId of topicIdsOf(event.topics)) topics.add(topicId);
  }
  for (const topicId of topics) {
    db.prepared.deleteRuns.run(topicId, takenTo);
    if (!index.isPending(topicId)) topicIds.removeIdle(topicId);
  }
  db.prepared.deleteEvents.run(takenTo);
}
