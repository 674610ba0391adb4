/** What the log in memory has instead of a disk, and what is done to it. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import type { Appended, Checkpoint, CheckpointEntry, LogBounds, LogOptions, NewEvent } from "../log.ts";

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

/** Stores a publish batch. */
export function store(disk: MemoryDisk, events: readonly NewEvent[], { now, dedupeWindowMs }: LogOptions): Appended[] {
  const storedAt = Math.max(now(), disk.headStoredAt);
  const batch = disk.head + 1;
  return events.map(({ topics, deduplicate, ...record }) => {
    const first = deduplicate ? disk.ids.get(idKey(record)) : undefined;
    if (first !== undefined && storedAt - first.storedAt <= dedupeWindowMs) {
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
