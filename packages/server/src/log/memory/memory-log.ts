/** A log in memory, for simulations: the same promises as on disk, at the moments that a test chooses. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import { type Batch, GroupCommit, type Outcome } from "../group-commit.ts";
import {
  type Advanced,
  type Appended,
  type Checkpoint,
  type CheckpointEntry,
  type Guard,
  type LogBounds,
  LogEnded,
  type LogOptions,
  type LogPage,
  LogUnavailable,
  type NewEvent,
  type ReadRequest,
  type SharedLog,
} from "../log.ts";
import { pageOf } from "../page.ts";
import { boundsOf, type KeptEvent, type MemoryDisk, retain, store } from "./memory-disk.ts";

export interface MemoryLogOptions extends LogOptions {
  /**
   * Is handed every step that takes time on a disk, in order, and runs it when the test wants: first the step that makes a
   * commit durable, then the one that tells of it. Steps may be run late, or, as in a crash, never.
   */
  readonly defer?: ((step: () => void) => void) | undefined;
}

/** Several may be open over one disk, as several nodes over one database: each knows where the others have got to when it asks. */
export class MemoryLog implements SharedLog {
  readonly epoch: Epoch;
  readonly #disk: MemoryDisk;
  readonly #options: MemoryLogOptions;
  readonly #commits: GroupCommit;
  /** Calls that are not answered yet, appends apart. */
  readonly #running = new Set<Promise<unknown>>();
  #bounds: LogBounds;
  readonly #hearers = new Set<(bounds: LogBounds) => void>();
  #closing: Promise<void> | undefined;
  #crashed = false;
  #hasEnded = false;

  constructor(disk: MemoryDisk, options: MemoryLogOptions) {
    this.epoch = disk.epoch;
    this.#disk = disk;
    this.#options = options;
    this.#bounds = boundsOf(disk);
    this.#commits = new GroupCommit((batches) => this.#commit(batches), options.maxWaitingEvents);
  }

  /** As kill -9: what is not durable never will be, and no call is answered any more. The disk can be opened again. */
  crash(): void {
    this.#crashed = true;
  }

  bounds(): LogBounds {
    return this.#bounds;
  }

  async refresh(): Promise<LogBounds> {
    return this.#ask(() => {
      this.#move(boundsOf(this.#disk));
      return this.#bounds;
    });
  }

  heard({ offset, storedAt }: Pick<StoredEvent, "offset" | "storedAt">): void {
    if (offset > this.#bounds.head) this.#move({ ...this.#bounds, head: offset, headStoredAt: storedAt });
  }

  onMoved(hear: (bounds: LogBounds) => void): () => void {
    this.#hearers.add(hear);
    return () => {
      this.#hearers.delete(hear);
    };
  }

  append(events: readonly NewEvent[], guard?: Guard): Promise<readonly Appended[]> {
    return this.#closing === undefined ? this.#commits.append(events, guard) : Promise.reject(new LogUnavailable("the log is closed"));
  }

  async read(request: ReadRequest): Promise<LogPage> {
    if (request.topics !== undefined && request.tenant === undefined) throw new TypeError("topics are read of one tenant: name it");
    return this.#ask(() => this.#page(request));
  }

  async find(tenant: string, source: string, id: string): Promise<StoredEvent | undefined> {
    const isIt = ({ event }: KeptEvent) => event.id === id && event.source === source && event.tenant === tenant;
    return this.#ask(() => this.#disk.events.findLast(isIt)?.event);
  }

  async saveCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[]): Promise<void> {
    await this.#ask(() => this.#save(checkpoint, entries));
  }

  async advanceCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[], since: Offset): Promise<Advanced> {
    return this.#ask(() => {
      const saved = this.#disk.checkpoint?.checkpoint;
      const keptTo = saved?.version === checkpoint.version ? saved.offset : 0;
      if (keptTo > checkpoint.offset) return "overtaken";
      if (keptTo < since) return "incomplete";
      if (since === 0) this.#disk.checkpoint = undefined;
      this.#save(checkpoint, entries);
      return "saved";
    });
  }

  #save(checkpoint: Checkpoint, entries: readonly CheckpointEntry[]): void {
    if (this.#disk.failure !== undefined) throw this.#disk.failure;
    const all = new Map(this.#disk.checkpoint?.entries);
    for (const entry of entries) {
      const key = JSON.stringify([entry.view, entry.tenant, entry.entity]);
      if (entry.state === null) all.delete(key);
      else all.set(key, entry);
    }
    this.#disk.checkpoint = { checkpoint, entries: all };
  }

  async loadCheckpoint(): Promise<{ readonly checkpoint: Checkpoint; readonly entries: readonly CheckpointEntry[] } | undefined> {
    return this.#ask(() => {
      const saved = this.#disk.checkpoint;
      return saved && { checkpoint: saved.checkpoint, entries: [...saved.entries.values()] };
    });
  }

  async dropCheckpoint(): Promise<void> {
    await this.#ask(() => {
      this.#disk.checkpoint = undefined;
    });
  }

  /** Forgets everything that retention allows to be forgotten now. It does not do so by itself. */
  async retain(): Promise<void> {
    await this.#ask(() => {
      retain(this.#disk, this.#options);
      this.#bounds = boundsOf(this.#disk);
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#commits.idle().then(async () => {
      await Promise.allSettled(this.#running);
    });
    return this.#closing;
  }

  #commit(batches: readonly Batch[]): Promise<readonly Outcome[]> {
    return new Promise((resolve, reject) => {
      this.#defer(() => {
        const failure = this.#displaced() ?? this.#disk.failure;
        const before = this.#disk.head;
        const places = failure === undefined ? batches.map((batch) => store(this.#disk, batch, this.#options)) : [];
        const bounds = boundsOf(this.#disk);
        this.#defer(() => {
          this.#move(bounds);
          if (failure === undefined) {
            if (bounds.head > before) this.#options.onCommit?.({ events: bounds.head - before, seconds: 0 });
            resolve(places);
          } else {
            if (!this.#hasEnded) this.#options.onFault?.(failure);
            reject(failure);
          }
        });
      });
    });
  }

  /** What was found out late may be older than what is known. */
  #move(bounds: LogBounds): void {
    if (bounds.head < this.#bounds.head) return;
    this.#bounds = bounds;
    for (const hear of this.#hearers) hear(bounds);
  }

  #page(request: ReadRequest): LogPage {
    const { oldest, head } = boundsOf(this.#disk);
    if (request.after > 0 && request.after + 1 < oldest) {
      throw new RangeError(`the log begins at ${oldest}: what follows ${request.after} is gone`);
    }
    const until = Math.min(request.until ?? head, head);
    const upTo = Math.max(request.after, until);
    const range = this.#disk.events.filter(({ event }) => event.offset > request.after && event.offset <= until);
    const found = range.filter((kept) => isAskedFor(kept, request)).map(({ event }) => event);
    return pageOf(found, Math.max(1, request.limit), upTo, until);
  }

  /** Set where the disk holds another log by now; told of once. */
  #displaced(): LogUnavailable | undefined {
    if (this.#disk.epoch === this.epoch) return undefined;
    const wrong = "the disk holds another log than the one that was opened";
    if (!this.#hasEnded) this.#options.onFault?.(new LogEnded(wrong));
    this.#hasEnded = true;
    return new LogUnavailable(wrong);
  }

  #ask<T>(answer: () => T): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new LogUnavailable("the log is closed"));
    const running = new Promise<T>((resolve, reject) => {
      this.#defer(() => {
        try {
          const displaced = this.#displaced();
          if (displaced !== undefined) throw displaced;
          resolve(answer());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    const forget = () => void this.#running.delete(running);
    this.#running.add(running);
    running.then(forget, forget);
    return running;
  }

  #defer(step: () => void): void {
    const unlessCrashed = () => {
      if (!this.#crashed) step();
    };
    if (this.#options.defer === undefined) queueMicrotask(unlessCrashed);
    else this.#options.defer(unlessCrashed);
  }
}

function isAskedFor({ event, topics }: KeptEvent, request: ReadRequest): boolean {
  if (request.tenant !== undefined && event.tenant !== request.tenant) return false;
  return request.topics === undefined || topics.some((topic) => request.topics?.includes(topic) === true);
}
