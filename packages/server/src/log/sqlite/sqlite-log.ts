/** The embedded log: a SQLite file, group commit with fsync in one thread, reads in another (design.md "Where it runs"). */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import { type Batch, GroupCommit, type Outcome } from "../group-commit.ts";
import {
  type Appended,
  type Checkpoint,
  type CheckpointEntry,
  type Guard,
  type Log,
  type LogBounds,
  type LogOptions,
  type LogPage,
  LogUnavailable,
  type NewEvent,
  Overtaken,
  type ReadRequest,
} from "../log.ts";
import { Retention } from "../retention.ts";
import { compileSql } from "./compile.ts";
import { LOG_FILE } from "./database.ts";
import { placesOf } from "./group.ts";
import { Life } from "./life.ts";
import { lockDirectory } from "./lock.ts";
import type { Calls, ReaderCalls, WriterCalls } from "./messages.ts";
import { pack } from "./packing.ts";
import { SIZES } from "./sizes.ts";
import { Thread } from "./thread.ts";
import { Watch, type WatchHost } from "./watch.ts";

export interface SqliteLog extends Log {
  /** Forgets everything that retention allows to be forgotten now. By itself it looks every few seconds. */
  retain(): Promise<void>;
}

/**
 * Opens or creates the log in this directory. Rejects with an Error of one line that names what is wrong: the directory is
 * in use, the file is damaged or not a log.
 */
export async function openSqliteLog(directory: string, options: LogOptions, sizes = SIZES): Promise<SqliteLog> {
  mkdirSync(directory, { recursive: true });
  const unlock = lockDirectory(directory);
  const file = join(directory, LOG_FILE);
  const shared = { file, dedupeWindowMs: options.dedupeWindowMs, sizes, sql: compileSql() };
  const threads: { end(): Promise<void> }[] = [];
  let onFault = (_error: Error): void => undefined;
  const start = <C extends Calls<C>>(role: "writer" | "reader"): Thread<C> => {
    const thread = new Thread<C>({ role, ...shared }, (error) => onFault(error));
    threads.push(thread);
    return thread;
  };
  try {
    const writer = start<WriterCalls>("writer");
    const reader = start<ReaderCalls>("reader");
    const { bounds, mark } = await writer.ask("opened", undefined);
    await reader.ask("opened", undefined);
    const life = await Life.begin(directory, file, mark, bounds.head, (each) => writer.ask("mark", each));
    // Before this, what goes wrong is told by the rejection.
    onFault = options.onFault ?? onFault;
    const log = new OpenLog(options, { writer, reader }, life.mark.epoch, bounds, unlock);
    log.watch = await Watch.start(life, [file, `${file}-wal`], log);
    return log;
  } catch (error) {
    await Promise.all(threads.map((thread) => thread.end()));
    unlock();
    throw error;
  }
}

interface Threads {
  readonly writer: Thread<WriterCalls>;
  readonly reader: Thread<ReaderCalls>;
}

class OpenLog implements SqliteLog, WatchHost {
  readonly epoch: Epoch;
  readonly onFault: (error: Error) => void;
  readonly #options: LogOptions;
  readonly #threads: Threads;
  readonly #commits: GroupCommit;
  readonly #retention: Retention;
  readonly #unlock: () => void;
  /** Set before anybody else has the log. */
  watch: Watch | undefined;
  /** Calls that are not answered yet, appends apart: they are waited for at close. */
  readonly #running = new Set<Promise<unknown>>();
  #bounds: LogBounds;
  /** Whether the last commit failed: an outage is told of once. */
  #isFailing = false;
  #closing: Promise<void> | undefined;

  constructor(options: LogOptions, threads: Threads, epoch: Epoch, bounds: LogBounds, unlock: () => void) {
    this.epoch = epoch;
    this.onFault = options.onFault ?? (() => undefined);
    this.#options = options;
    this.#threads = threads;
    this.#bounds = bounds;
    this.#unlock = unlock;
    this.#commits = new GroupCommit((batches) => this.#commit(batches), options.maxWaitingEvents, options.pace);
    this.#retention = new Retention(() => this.#track(this.#retainStep()), this.onFault);
  }

  get head(): Offset {
    return this.#bounds.head;
  }

  bounds(): LogBounds {
    return this.#bounds;
  }

  append(events: readonly NewEvent[], guard?: Guard): Promise<readonly Appended[]> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    const displaced = this.watch?.displaced;
    if (displaced !== undefined) return Promise.reject(new LogUnavailable(displaced.message));
    return this.#commits.append(events, guard);
  }

  async read(request: ReadRequest): Promise<LogPage> {
    if (request.topics !== undefined && request.tenant === undefined) throw new TypeError("topics are read of one tenant: name it");
    const answer = await this.#ask(({ reader }) => reader.ask("read", request));
    if ("oldest" in answer) throw new RangeError(`the log begins at ${answer.oldest}: what follows ${request.after} is gone`);
    return answer;
  }

  async find(tenant: string, source: string, id: string): Promise<StoredEvent | undefined> {
    return this.#ask(async ({ reader }) => {
      let answer = await reader.ask("find", { tenant, source, id, below: undefined });
      while (answer.event === undefined && answer.below !== undefined) {
        answer = await reader.ask("find", { tenant, source, id, below: answer.below });
      }
      return answer.event;
    });
  }

  async saveCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[]): Promise<void> {
    await this.#ask(({ writer }) => writer.ask("saveCheckpoint", { checkpoint, entries }));
  }

  async loadCheckpoint(): Promise<{ readonly checkpoint: Checkpoint; readonly entries: readonly CheckpointEntry[] } | undefined> {
    return this.#ask(({ reader }) => reader.ask("loadCheckpoint", undefined));
  }

  async dropCheckpoint(): Promise<void> {
    await this.#ask(({ writer }) => writer.ask("dropCheckpoint", undefined));
  }

  async retain(): Promise<void> {
    await this.#ask(async () => {
      while (await this.#retainStep());
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { reader, writer } = this.#threads;
    try {
      this.#retention.stop();
      await this.#commits.idle();
      await Promise.allSettled(this.#running);
      await this.watch?.stop();
      // The last connection to close leaves one whole file: it has to be the one that may write.
      await reader.ask("close", undefined);
      await writer.ask("close", undefined);
    } finally {
      await Promise.all([reader.end(), writer.end()]);
      this.#unlock();
    }
  }

  async #commit(batches: readonly Batch[]): Promise<readonly Outcome[]> {
    try {
      const answer = await this.#threads.writer.ask("append", { now: this.#options.now(), batches: pack(batches) });
      this.#bounds = answer.bounds;
      this.#isFailing = false;
      if (answer.stored > 0) this.#options.onCommit?.({ events: answer.stored, seconds: answer.seconds });
      const places = placesOf(
        answer.places,
        batches.map(({ events }) => events.length),
      );
      const { overtaken } = answer;
      if (overtaken === undefined) return places;
      return places.map((place, index) => {
        const repeated = overtaken.get(index);
        return repeated === undefined ? place : new Overtaken(repeated);
      });
    } catch (error) {
      if (!this.#isFailing) this.onFault(error instanceof Error ? error : new Error(String(error)));
      this.#isFailing = true;
      throw error;
    }
  }

  async #retainStep(): Promise<boolean> {
    const { retention, now, dedupeWindowMs } = this.#options;
    const due = { olderThan: now() - retention.maxAgeMs, maxBytes: retention.maxBytes, idsOlderThan: now() - dedupeWindowMs };
    const { bounds, hasMore } = await this.#threads.writer.ask("retain", due);
    this.#bounds = bounds;
    return hasMore;
  }

  #ask<T>(question: (threads: Threads) => Promise<T>): Promise<T> {
    return this.#closing === undefined ? this.#track(question(this.#threads)) : Promise.reject(closed());
  }

  #track<T>(running: Promise<T>): Promise<T> {
    const forget = () => void this.#running.delete(running);
    this.#running.add(running);
    running.then(forget, forget);
    return running;
  }
}

function closed(): LogUnavailable {
  return new LogUnavailable("the log is closed");
}
