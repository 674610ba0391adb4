/**
 * The log port: the durable, ordered, append-only record of accepted events (design.md, idea 1).
 * Every adapter passes `contract-tests.ts`.
 */
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import type { EventRecord, StoredEvent } from "@broadtape/protocol/event";

/** When the next commit may begin; undefined is now (commit-pace.ts). */
export interface Pace {
  next(): Promise<void> | undefined;
}

/** An event on its way into the log. */
export interface NewEvent extends EventRecord {
  /** Topics (without tenant) under which the event is found again; each at most once. */
  readonly topics: readonly string[];
  /** False where the server made the id itself: nobody can repeat it, so no deduplication row is kept for it. */
  readonly deduplicate: boolean;
}

/** Where an appended event is. For a duplicate: where the first one is. */
export interface Appended {
  readonly offset: Offset;
  readonly batch: Offset;
  readonly storedAt: number;
  readonly duplicate: boolean;
}

/** What a batch was checked against. It is stored only where the log, at the batch's place in it, still says so. */
export interface Guard {
  /** What the log says up to here was looked at. */
  readonly after: Offset;
  /** No event above `after` may be found under one of these. */
  readonly topics: readonly GuardedTopic[];
  /** Which events of the batch (by index) were taken for repetitions, and so for nothing new. */
  readonly repeated: ReadonlySet<number>;
}

export interface GuardedTopic {
  readonly tenant: string;
  readonly name: string;
}

export interface ReadRequest {
  /** Exclusive; 0 reads from the oldest event. */
  readonly after: Offset;
  /** Inclusive; default: everything there is. */
  readonly until?: Offset | undefined;
  /** At most so many events a page, at least 1. A page ends early rather than split a publish batch, unless one batch alone is longer. */
  readonly limit: number;
  /** Only events of this tenant; without it, of all. */
  readonly tenant?: string | undefined;
  /** Only events found under one of these topics of their tenant; without it, all. Needs `tenant`. */
  readonly topics?: readonly string[] | undefined;
}

export interface LogPage {
  /** In offset order. */
  readonly events: readonly StoredEvent[];
  /** Everything asked for up to and including this offset is in this page or an earlier one. Never below `after`. */
  readonly upTo: Offset;
  /** Whether the reader has everything now that was durable when the page was read (or up to `until`). */
  readonly complete: boolean;
}

/** The folded state of one entity, kept so that a start need not fold the whole log. */
export interface CheckpointEntry {
  readonly view: string;
  readonly tenant: string;
  readonly entity: string;
  /** JSON text; null deletes the entity. */
  readonly state: string | null;
}

/** Views as they stood after the event at `offset`. `version` names the fold code that made them. */
export interface Checkpoint {
  readonly offset: Offset;
  readonly version: string;
}

/**
 * What became of a checkpoint that a node adds to what all of them keep.
 *
 * - `overtaken`: another node has saved a later one. What changed has to be saved with this node's next one.
 * - `incomplete`: what the entries add to is kept no longer. Everything has to be saved.
 */
export type Advanced = "saved" | "overtaken" | "incomplete";

export interface LogBounds {
  /** Oldest offset that can still be read; head + 1 when the log is empty. */
  readonly oldest: Offset;
  /** Newest durable offset; 0 in a new log. */
  readonly head: Offset;
  /** `storedAt` of the newest event; 0 in a new log. */
  readonly headStoredAt: number;
}

/** Told to `onFault` when this process can go on with the log no more, and only one that starts anew can: it is another log than before. */
export class LogEnded extends Error {
  override readonly name = "LogEnded";
}

/** Thrown (as a rejection) by `append` when the log can take no more for now: a publisher gets 503 and tries again. */
export class LogUnavailable extends Error {
  override readonly name = "LogUnavailable";
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs = 1000) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Thrown (as a rejection) by `append` for a batch whose guard does not hold: it has to be checked against what the log says now. */
export class Overtaken extends Error {
  override readonly name = "Overtaken";
  /** Which events of the batch (by index) are repetitions. */
  readonly repeated: ReadonlySet<number>;

  constructor(repeated: ReadonlySet<number>) {
    super("the log says something else by now than the batch was checked against");
    this.repeated = repeated;
  }
}

export interface Log {
  /** Mark of this life of the log: another one after wiped or restored data. Constant while open. */
  readonly epoch: Epoch;

  /** As of the last commit or retention step this process was told of. Never blocks. */
  bounds(): LogBounds;

  /**
   * Appends a publish batch, all or nothing, contiguously. Resolves after it is durable (fsync), results in the order
   * of `events`. Batches become durable in the order of the calls, and promises resolve in that order; whatever was
   * called while a commit ran goes into the next one. The same tenant + source + id twice within the deduplication window,
   * within the batch too, is stored once. A batch of duplicates alone stores nothing.
   *
   * With a guard, it is stored only where that holds, else nothing of it is, and this rejects with {@link Overtaken}; so it does
   * too where what follows `guard.after` is older than retention, and nobody can tell. A batch of duplicates alone passes always.
   */
  append(events: readonly NewEvent[], guard?: Guard): Promise<readonly Appended[]>;

  /** Pages of events in offset order. Durable events only; never blocks appends. Rejects with RangeError when `after` + 1 is older than retention. */
  read(request: ReadRequest): Promise<LogPage>;

  /** The event with this id, if it is still there. For operators; may be slow. */
  find(tenant: string, source: string, id: string): Promise<StoredEvent | undefined>;

  /** Replaces the given entities and the checkpoint's offset in one transaction. */
  saveCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[]): Promise<void>;

  /**
   * The last one saved. Where several nodes share the log, there is one for each version of the folds, and `version` says which.
   * Undefined where there is none. Retention never passes a checkpoint's offset.
   */
  loadCheckpoint(version?: string): Promise<{ readonly checkpoint: Checkpoint; readonly entries: readonly CheckpointEntry[] } | undefined>;

  /** Forgets all checkpoint entries (the fold code changed). */
  dropCheckpoint(): Promise<void>;

  /** Finishes what was called before, then closes; later calls reject with {@link LogUnavailable}. */
  close(): Promise<void>;
}

/** A log to which other processes append too. What they stored is read as everything else; these tell that there is something. */
export interface SharedLog extends Log {
  /** Asks where the log stands now: when another node says that it has stored something. */
  refresh(): Promise<LogBounds>;
  /** Another node has told of this event, and that it was durable: a log that ends before it later has lost it. */
  heard(event: Pick<StoredEvent, "offset" | "storedAt">): void;
  /**
   * As `saveCheckpoint`, where the entries are all that changed after `since`; 0: all that there is, instead of what is kept. Nothing is written
   * where that would not make a whole: see {@link Advanced}.
   */
  advanceCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[], since: Offset): Promise<Advanced>;
  /** Hears of every move of {@link Log.bounds}, own commits among them. Returns how to stop hearing. */
  onMoved(hear: (bounds: LogBounds) => void): () => void;
}

/** What every log is told when it is opened. */
export interface LogOptions {
  readonly retention: { readonly maxAgeMs: number; readonly maxBytes: number };
  readonly dedupeWindowMs: number;
  /** The server's clock, milliseconds since the epoch. `storedAt` = this clock, clamped so that it never goes back. */
  readonly now: () => number;
  /** At most so many events wait for a commit; beyond it `append` rejects with {@link LogUnavailable}. */
  readonly maxWaitingEvents: number;
  /** When the next commit may begin; without it, as soon as the last one has ended. */
  readonly pace?: Pace | undefined;
  /** Called after each commit with what it took, for metrics. */
  readonly onCommit?: ((commit: { readonly events: number; readonly seconds: number }) => void) | undefined;
  /** Called when the log found out by itself that it cannot go on (disk full, file gone). */
  readonly onFault?: ((error: Error) => void) | undefined;
}
