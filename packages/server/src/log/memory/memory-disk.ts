/** What the log in memory has instead of a disk, and what is done to it. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import type { Batch, Outcome } from "../group-commit.ts";
import { guardFails, repeatedIn } from "../guard.ts";
import { type Checkpoint, type CheckpointEntry, type LogBounds, type LogOptions, Overtaken } from "../log.ts";

export interface KeptEvent {
  readonly event: StoredEvent;
  readonly topics: readonly string[];
}

/** Outlives the logs that are opened over it. */
export interface MemoryDisk {
  epoch: Epoch;
  /** In offset order, without a gap. */
  events: KeptEvent[];
  head: Offset;
  headStoredAt: number;
  /** First events by tenant, source and id; stays for the deduplication window when the event is gone. */
  readonly ids: Map<string, StoredEvent>;
  checkpoint: { readonly checkpoint: Checkpoint; readonly entries: ReadonlyMap<string, CheckpointEntry> } | undefined;
  /** While set, nothing can be written: every commit fails with it. */
  failure: Error | undefined;
}

export function newMemoryDisk(epoch: Epoch = 1): MemoryDisk {
  return { epoch, events: [], head: 0, headStoredAt: 0, ids: new Map(), checkpoint: undefined, failure: undefined };
}

export function boundsOf({ events, head, headStoredAt }: MemoryDisk): LogBounds {
  return { oldest: events[0]?.event.offset ?? head + 1, head, headStoredAt };
}

function idKey({ tenant, source, id }: Pick<StoredEvent, "tenant" | "source" | "id">): string {
  return JSON.stringify([tenant, source, id]);
}

/** Stores a publish batch, where its guard holds. */
export function store(disk: MemoryDisk, { events, guard }: Batch, { now, dedupeWindowMs }: LogOptions): Outcome {
  const storedAt = Math.max(now(), disk.headStoredAt);
  const batch = disk.head + 1;
  const firstOf = (key: string) => {
    const first = disk.ids.get(key);
    return first !== undefined && storedAt - first.storedAt <= dedupeWindowMs ? first : undefined;
  };
  if (guard !== undefined) {
    const keys = events.map((event) => (event.deduplicate ? idKey(event) : undefined));
    const repeated = repeatedIn(keys, (key) => firstOf(key) !== undefined);
    const isFound = ({ event, topics }: KeptEvent) =>
      event.offset > guard.after && guard.topics.some(({ tenant, name }) => tenant === event.tenant && topics.includes(name));
    if (guardFails(guard, repeated, events.length, boundsOf(disk).oldest, () => disk.events.some(isFound))) return new Overtaken(repeated);
  }
  return events.map(({ topics, deduplicate, ...record }) => {
    const first = deduplicate ? firstOf(idKey(record)) : undefined;
    if (first !== undefined) {
      return { offset: first.offset, batch: first.batch, storedAt: first.storedAt, duplicate: true };
    }
    const event: StoredEvent = { ...record, offset: disk.head + 1, batch, storedAt };
    disk.events.push({ event, topics: [...topics] });
    if (deduplicate) disk.ids.set(idKey(record), event);
    disk.head = event.offset;
    disk.headStoredAt = storedAt;
    return { offset: event.offset, batch, storedAt, duplicate: false };
  });
}

/** Whole publish batches, the oldest first, and none that a start would have to fold. */
export function retain(disk: MemoryDisk, { retention, dedupeWindowMs, now }: LogOptions): void {
  const limit = disk.checkpoint?.checkpoint.offset ?? 0;
  const isGone = new Set<Offset>();
  let bytes = disk.events.reduce((sum, { event }) => sum + sizeOf(event), 0);
  for (const batch of Map.groupBy(disk.events, ({ event }) => event.batch).values()) {
    const last = batch.at(-1)?.event;
    if (last === undefined || last.offset > limit) break;
    if (last.storedAt >= now() - retention.maxAgeMs && bytes <= retention.maxBytes) break;
    for (const { event } of batch) {
      bytes -= sizeOf(event);
      isGone.add(event.offset);
    }
  }
  disk.events = disk.events.filter(({ event }) => !isGone.has(event.offset));
  for (const [key, first] of disk.ids) if (first.storedAt < now() - dedupeWindowMs) disk.ids.delete(key);
}

function sizeOf(event: StoredEvent): number {
  return JSON.stringify(event).length;
}
