/** The writing side of the log, in its own thread: one transaction a group of batches. */
import type { Checkpoint, CheckpointEntry, LogBounds, NewEvent } from "../log.ts";
import type { LogDatabase, Row } from "./database.ts";
import type { AppendAnswer, RetainAnswer } from "./messages.ts";

const RETAIN_EVENTS = 2000;
const TOPIC_CACHE = 200_000;

interface Place {
  readonly offset: number;
  readonly batch: number;
  readonly storedAt: number;
  readonly duplicate: boolean;
}

export class Writer {
  readonly #db: LogDatabase;
  readonly #dedupeWindowMs: number;
  /** Invariant: as of the last commit. */
  #head: number;
  #storedAt: number;
  #oldest: number;
  #checkpoint: number;
  /** Topic ids by tenant and name; emptied when full and after a failed commit. */
  readonly #topicIds = new Map<string, number>();

  constructor(db: LogDatabase, dedupeWindowMs: number) {
    this.#db = db;
    this.#dedupeWindowMs = dedupeWindowMs;
    const row = db.prepared.bounds.get();
    this.#head = Math.max(Number(row?.["head"] ?? 0), Number(this.#meta("head") ?? 0));
    this.#storedAt = Math.max(Number(row?.["storedAt"] ?? 0), Number(this.#meta("storedAt") ?? 0));
    this.#oldest = Number(row?.["oldest"] ?? this.#head + 1);
    this.#checkpoint = Number(this.#meta("checkpointOffset") ?? -1);
  }

  get bounds(): LogBounds {
    return { oldest: this.#oldest, head: this.#head, headStoredAt: this.#storedAt };
  }

  get epoch(): number | undefined {
    const value = this.#meta("epoch");
    return value === undefined ? undefined : Number(value);
  }

  setEpoch(epoch: number): void {
    this.#db.prepared.setMeta.run("epoch", String(epoch));
  }

  append(now: number, batches: readonly (readonly NewEvent[])[]): AppendAnswer {
    const started = performance.now();
    const storedAt = Math.max(now, this.#storedAt);
    const places: number[] = [];
    let head = this.#head;
    try {
      this.#db.raw.transaction(() => {
        for (const batch of batches) {
          const first = head + 1;
          for (const event of batch) {
            const place = this.#appendOne(event, head + 1, first, storedAt);
            if (!place.duplicate) head = place.offset;
            places.push(place.offset, place.batch, place.storedAt, place.duplicate ? 1 : 0);
          }
        }
      })();
    } catch (error) {
      this.#topicIds.clear();
      throw error;
    }
    if (head > this.#head) this.#storedAt = storedAt;
    this.#head = head;
    return { places: Float64Array.from(places), bounds: this.bounds, seconds: (performance.now() - started) / 1000 };
  }

  /** Deletes the oldest events that are past age or over size: a small step, so that appends never wait long. */
  retain(olderThan: number, maxBytes: number): RetainAnswer {
    const rows = this.#db.prepared.readOldest.all(this.#checkpoint, RETAIN_EVENTS);
    const isOver = this.#usedBytes() > maxBytes;
    const doomed = isOver ? rows.slice(0, RETAIN_EVENTS / 2) : rows.filter((row) => Number(row["stored_at"]) < olderThan);
    const last = doomed.at(-1);
    if (last === undefined) return { bounds: this.bounds, hasMore: false };
    const lastOffset = Number(last["offset"]);
    this.#db.raw.transaction(() => {
      // The head must be known even when no event is left.
      this.#db.prepared.setMeta.run("head", String(this.#head));
      this.#db.prepared.setMeta.run("storedAt", String(this.#storedAt));
      for (const row of doomed) this.#forget(row);
      this.#db.prepared.deleteUpTo.run(lastOffset);
    })();
    this.#oldest = lastOffset + 1;
    return { bounds: this.bounds, hasMore: doomed.length === rows.length || isOver };
  }

  saveCheckpoint({ offset, version }: Checkpoint, entries: readonly CheckpointEntry[]): void {
    const { setCheckpointEntry, deleteCheckpointEntry, setMeta } = this.#db.prepared;
    this.#db.raw.transaction(() => {
      for (const { view, tenant, entity, state } of entries) {
        if (state === null) deleteCheckpointEntry.run(view, tenant, entity);
        else setCheckpointEntry.run(view, tenant, entity, state);
      }
      setMeta.run("checkpointOffset", String(offset));
      setMeta.run("checkpointVersion", version);
    })();
    this.#checkpoint = offset;
  }

  dropCheckpoint(): void {
    this.#db.raw.transaction(() => {
      this.#db.prepared.dropCheckpointEntries.run();
      this.#db.prepared.deleteMeta.run("checkpointOffset");
      this.#db.prepared.deleteMeta.run("checkpointVersion");
    })();
    this.#checkpoint = -1;
  }

  #appendOne(event: NewEvent, offset: number, batch: number, storedAt: number): Place {
    const first = event.deduplicate ? this.#firstOf(event, offset, storedAt) : undefined;
    if (first !== undefined) return first;
    const topicIds = event.topics.map((name) => this.#topicId(event.tenant, name));
    const { insertEvent, insertEventTopic } = this.#db.prepared;
    insertEvent.run(
      offset, batch, storedAt, event.tenant, event.type, event.source, event.id, event.time,
      event.subject ?? null, event.correlationId, topicIds.join(","), event.data,
    ); // prettier-ignore
    for (const topicId of topicIds) insertEventTopic.run(topicId, offset);
    return { offset, batch, storedAt, duplicate: false };
  }

  /** The place of the first event with this key within the window; else takes the key for this one. */
  #firstOf({ tenant, source, id }: NewEvent, offset: number, storedAt: number): Place | undefined {
    const { insertEventId, findEventId, updateEventId, readOne } = this.#db.prepared;
    if (insertEventId.run(tenant, source, id, offset, storedAt).changes > 0) return undefined;
    const row = findEventId.get(tenant, source, id);
    if (row === undefined) throw new Error(`the key of ${source} ${id} is neither free nor taken`);
    const takenAt = Number(row["stored_at"]);
    const first = Number(row["offset"]);
    if (storedAt - takenAt > this.#dedupeWindowMs) {
      updateEventId.run(offset, storedAt, tenant, source, id);
      return undefined;
    }
    return { offset: first, batch: Number(readOne.get(first)?.["batch"] ?? first), storedAt: takenAt, duplicate: true };
  }

  #topicId(tenant: string, name: string): number {
    const key = `${tenant}\u0000${name}`;
    const cached = this.#topicIds.get(key);
    if (cached !== undefined) return cached;
    const row = this.#db.prepared.findTopic.get(tenant, name) ?? this.#db.prepared.insertTopic.get(tenant, name);
    const id = Number(row?.["topic_id"]);
    if (this.#topicIds.size >= TOPIC_CACHE) this.#topicIds.clear();
    this.#topicIds.set(key, id);
    return id;
  }

  #forget(row: Row): void {
    const { deleteEventTopic, deleteEventId, deleteIdleTopic } = this.#db.prepared;
    const offset = Number(row["offset"]);
    deleteEventId.run(row["tenant"], row["source"], row["id"], offset);
    for (const topicId of String(row["topics"]).split(",").filter(Boolean)) {
      deleteEventTopic.run(Number(topicId), offset);
      if (deleteIdleTopic.run(Number(topicId), Number(topicId)).changes > 0) this.#topicIds.clear();
    }
  }

  #usedBytes(): number {
    const pages =
      Number(this.#db.raw.pragma("page_count", { simple: true })) - Number(this.#db.raw.pragma("freelist_count", { simple: true }));
    return pages * Number(this.#db.raw.pragma("page_size", { simple: true }));
  }

  #meta(key: string): string | undefined {
    const value = this.#db.prepared.getMeta.get(key)?.["value"];
    return value === undefined || value === null ? undefined : String(value);
  }
}
