/** The embedded log: a SQLite file, group commit with fsync in a writer thread, reads in a reader thread (design.md "Where it runs"). */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Epoch } from "@broadtape/protocol/event-id";
import {
  type Appended,
  type Checkpoint,
  type CheckpointEntry,
  type Log,
  type LogBounds,
  type LogOptions,
  LogUnavailable,
  type NewEvent,
  type ReadRequest,
} from "../log.ts";
import { LOG_FILE } from "./database.ts";
import { epochOf, writeLife } from "./life.ts";
import { lockDirectory } from "./lock.ts";
import type {
  AppendAnswer,
  CheckpointAnswer,
  FindAnswer,
  OpenAnswer,
  ReadAnswer,
  ReaderRequest,
  RetainAnswer,
  WriterRequest,
} from "./messages.ts";
import { Thread } from "./thread.ts";

/** A commit takes at most so many events, so that the first of a long queue need not wait for the last. */
const GROUP_EVENTS = 5000;
const LIFE_MS = 1000;
const RETENTION_MS = 5000;
/** Between two steps of retention, so that appends go first. */
const RETENTION_STEP_MS = 20;

interface WaitingBatch {
  readonly events: readonly NewEvent[];
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (error: Error) => void;
}

/** Opens or creates the log in this directory. Rejects with an Error that names what is wrong with it. */
export async function openSqliteLog(directory: string, options: LogOptions): Promise<Log> {
  mkdirSync(directory, { recursive: true });
  const unlock = lockDirectory(directory);
  const file = join(directory, LOG_FILE);
  const onFault = options.onFault ?? (() => undefined);
  try {
    const start = { file, dedupeWindowMs: options.dedupeWindowMs };
    const { thread: writer, opened } = await Thread.start<WriterRequest, OpenAnswer>({ role: "writer", ...start }, onFault);
    const { thread: reader } = await Thread.start<ReaderRequest, undefined>({ role: "reader", ...start }, onFault);
    const epoch = epochOf(directory, opened.epoch, opened.bounds.head);
    if (epoch !== opened.epoch) await writer.ask({ kind: "setEpoch", epoch });
    writeLife(directory, epoch, opened.bounds.head);
    return new SqliteLog(directory, options, { writer, reader }, epoch, opened.bounds, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

interface Threads {
  readonly writer: Thread<WriterRequest>;
  readonly reader: Thread<ReaderRequest>;
}

class SqliteLog implements Log {
  readonly epoch: Epoch;
  readonly #directory: string;
  readonly #options: LogOptions;
  readonly #threads: Threads;
  readonly #unlock: () => void;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Batches that wait for the next commit; bounded by `maxWaitingEvents`. */
  #waiting: WaitingBatch[] = [];
  #waitingEvents = 0;
  #committing: Promise<void> | undefined;
  #bounds: LogBounds;
  #lifeHead: number;
  #closed = false;

  constructor(directory: string, options: LogOptions, threads: Threads, epoch: Epoch, bounds: LogBounds, unlock: () => void) {
    this.#directory = directory;
    this.#options = options;
    this.#threads = threads;
    this.epoch = epoch;
    this.#bounds = bounds;
    this.#lifeHead = bounds.head;
    this.#unlock = unlock;
    this.#timers.push(setInterval(() => this.#writeLife(), LIFE_MS).unref());
    this.#retainLater(RETENTION_MS);
  }

  bounds(): LogBounds {
    return this.#bounds;
  }

  append(events: readonly NewEvent[]): Promise<readonly Appended[]> {
    if (this.#closed) return Promise.reject(new LogUnavailable("the log is closed"));
    if (this.#waitingEvents + events.length > this.#options.maxWaitingEvents) {
      return Promise.reject(new LogUnavailable(`more than ${this.#options.maxWaitingEvents} events wait to be stored`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, resolve, reject });
      this.#waitingEvents += events.length;
      this.#committing ??= this.#commit();
    });
  }

  async read(request: ReadRequest) {
    const answer = await this.#threads.reader.ask<ReadAnswer>({ kind: "read", request });
    if ("tooOld" in answer) throw new RangeError(`the log begins at ${answer.tooOld}: what follows ${request.after} is gone`);
    return answer;
  }

  async find(tenant: string, source: string, id: string) {
    return this.#threads.reader.ask<FindAnswer>({ kind: "find", tenant, source, id });
  }

  async saveCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[]): Promise<void> {
    await this.#threads.writer.ask({ kind: "saveCheckpoint", checkpoint, entries });
  }

  async loadCheckpoint() {
    return this.#threads.reader.ask<CheckpointAnswer>({ kind: "loadCheckpoint" });
  }

  async dropCheckpoint(): Promise<void> {
    await this.#threads.writer.ask({ kind: "dropCheckpoint" });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#committing;
    this.#writeLife();
    await this.#threads.reader.ask({ kind: "close" });
    await this.#threads.writer.ask({ kind: "close" });
    await Promise.all([this.#threads.reader.stop(), this.#threads.writer.stop()]);
    this.#unlock();
  }

  /** Commits groups until nothing waits: whatever came while one ran goes into the next. */
  async #commit(): Promise<void> {
    // Whatever is published in this turn goes into the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        const answer = await this.#threads.writer.ask<AppendAnswer>({
          kind: "append",
          now: this.#options.now(),
          batches: group.map(({ events }) => events),
        });
        this.#bounds = answer.bounds;
        resolveAll(group, answer.places);
        this.#options.onCommit?.({ events: answer.places.length / 4, seconds: answer.seconds });
      } catch (error) {
        const cause = error instanceof Error ? error : new Error(String(error));
        for (const { reject } of group) reject(new LogUnavailable(`the log could not store: ${cause.message}`));
        this.#options.onFault?.(cause);
      }
    }
    this.#committing = undefined;
  }

  #takeGroup(): WaitingBatch[] {
    let events = 0;
    let end = 0;
    for (const batch of this.#waiting) {
      if (end > 0 && events + batch.events.length > GROUP_EVENTS) break;
      events += batch.events.length;
      end += 1;
    }
    const group = this.#waiting.slice(0, end);
    this.#waiting = this.#waiting.slice(end);
    this.#waitingEvents -= events;
    return group;
  }

  #writeLife(): void {
    if (this.#lifeHead === this.#bounds.head) return;
    this.#lifeHead = this.#bounds.head;
    try {
      writeLife(this.#directory, this.epoch, this.#lifeHead);
    } catch (error) {
      this.#options.onFault?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #retainLater(ms: number): void {
    this.#timers[1] = setTimeout(() => {
      this.#retain().then(
        (hasMore) => {
          if (!this.#closed) this.#retainLater(hasMore ? RETENTION_STEP_MS : RETENTION_MS);
        },
        (error: unknown) => {
          if (this.#closed) return;
          this.#options.onFault?.(error instanceof Error ? error : new Error(String(error)));
          this.#retainLater(RETENTION_MS);
        },
      );
    }, ms).unref();
  }

  async #retain(): Promise<boolean> {
    const { maxAgeMs, maxBytes } = this.#options.retention;
    const answer = await this.#threads.writer.ask<RetainAnswer>({ kind: "retain", olderThan: this.#options.now() - maxAgeMs, maxBytes });
    this.#bounds = { ...this.#bounds, oldest: answer.bounds.oldest };
    return answer.hasMore;
  }
}

function resolveAll(group: readonly WaitingBatch[], places: Float64Array): void {
  let index = 0;
  for (const { events, resolve } of group) {
    resolve(
      events.map((): Appended => {
        const [offset = 0, batch = 0, storedAt = 0, duplicate = 0] = places.subarray(index, (index += 4));
        return { offset, batch, storedAt, duplicate: duplicate === 1 };
      }),
    );
  }
}
