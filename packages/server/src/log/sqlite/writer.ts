/** The writing side of the log, in its own thread: one transaction a group of batches. */
import type { Batch } from "../group-commit.ts";
import type { Checkpoint, CheckpointEntry, LogBounds } from "../log.ts";
import { getMeta, type LogDatabase, setMeta } from "./database.ts";
import { EventIds } from "./event-ids.ts";
import { Group } from "./group.ts";
import { Journal } from "./journal.ts";
import type { AppendAnswer, Due, LifeMark } from "./messages.ts";
import { retain } from "./retain.ts";
import type { Sizes } from "./sizes.ts";
import { TopicIds } from "./topic-ids.ts";
import { TopicIndex } from "./topic-index.ts";

export class Writer {
  readonly #db: LogDatabase;
  readonly #eventIds: EventIds;
  readonly #topicIds: TopicIds;
  readonly #index: TopicIndex;
  readonly #journal: Journal;
  readonly #sizes: Sizes;
  /** All four as of the last commit. */
  #head: number;
  #storedAt: number;
  #oldest: number;
  /** Undefined where there is no checkpoint. */
  #checkpoint: number | undefined;

  constructor(db: LogDatabase, dedupeWindowMs: number, sizes: Sizes) {
    this.#db = db;
    this.#sizes = sizes;
    const newest = db.prepared.newestEvent.get();
    // Where retention left no event, its notes tell how far the log had come.
    this.#head = newest?.offset ?? Number(getMeta(db, "head") ?? 0);
    this.#storedAt = newest?.stored_at ?? Number(getMeta(db, "storedAt") ?? 0);
    this.#oldest = db.prepared.oldestEvent.get()?.offset ?? this.#head + 1;
    const checkpoint = getMeta(db, "checkpointOffset");
    this.#checkpoint = checkpoint === undefined ? undefined : Number(checkpoint);
    this.#eventIds = new EventIds(db, dedupeWindowMs);
    this.#topicIds = new TopicIds(db);
    this.#index = new TopicIndex(db, this.#head, sizes);
    this.#journal = new Journal(db);
  }

  get bounds(): LogBounds {
    return { oldest: this.#oldest, head: this.#head, headStoredAt: this.#storedAt };
  }

  /** Undefined in a new log. */
  get mark(): LifeMark | undefined {
    const epoch = getMeta(this.#db, "epoch");
    return epoch === undefined ? undefined : { epoch: Number(epoch), opening: getMeta(this.#db, "opening") ?? "" };
  }

  setMark({ epoch, opening }: LifeMark): void {
    this.#db.raw.transaction(() => {
      setMeta(this.#db, "epoch", epoch);
      setMeta(this.#db, "opening", opening);
    })();
  }

  /** Stores the batches of a group and returns when they are on the disk; when it throws, none of them is stored. */
  append(now: number, batches: readonly Batch[]): AppendAnswer {
    const started = performance.now();
    const storedAt = Math.max(now, this.#storedAt);
    const count = batches.reduce((sum, { events }) => sum + events.length, 0);
    const shelf = { prepared: this.#db.prepared, eventIds: this.#eventIds, topicIds: this.#topicIds, index: this.#index };
    const group = new Group(shelf, this.bounds, storedAt, count);
    try {
      this.#db.raw.transaction(() => group.store(batches))();
    } catch (error) {
      this.#topicIds.forgetAll();
      throw error;
    }
    for (const { offset, topicIds } of group.stored) this.#index.add(offset, topicIds);
    if (group.stored.length > 0) this.#storedAt = storedAt;
    this.#head += group.stored.length;
    const seconds = (performance.now() - started) / 1000;
    return { places: group.places, overtaken: group.overtaken, stored: group.stored.length, bounds: this.bounds, seconds };
  }

  /** One step of retention. Never takes what a start would have to fold: without a checkpoint it takes nothing. */
  retain(due: Due): { bounds: LogBounds; hasMore: boolean } {
    const parts = {
      db: this.#db,
      eventIds: this.#eventIds,
      topicIds: this.#topicIds,
      index: this.#index,
      step: this.#sizes.retainedEvents,
    };
    const { takenTo, hasMore } = retain(parts, due, this.bounds, this.#checkpoint ?? 0);
    if (takenTo !== undefined) this.#oldest = takenTo + 1;
    return { bounds: this.bounds, hasMore };
  }

  saveCheckpoint({ offset, version }: Checkpoint, entries: readonly CheckpointEntry[]): void {
    const { setEntry, deleteEntry } = this.#db.prepared;
    this.#db.raw.transaction(() => {
      for (const { view, tenant, entity, state } of entries) {
        if (state === null) deleteEntry.run(view, tenant, entity);
        else setEntry.run(view, tenant, entity, state);
      }
      setMeta(this.#db, "checkpointOffset", offset);
      setMeta(this.#db, "checkpointVersion", version);
    })();
    this.#checkpoint = offset;
  }

  dropCheckpoint(): void {
    const { deleteEntries, deleteMeta } = this.#db.prepared;
    this.#db.raw.transaction(() => {
      deleteEntries.run();
      deleteMeta.run("checkpointOffset");
      deleteMeta.run("checkpointVersion");
    })();
    this.#checkpoint = undefined;
  }

  /** Does a little of the work that no publisher waits for; returns whether more is due at once. */
  tidy(): boolean {
    const hasMore = this.#index.step();
    this.#journal.tidy();
    return hasMore;
  }
}
