/** The log of several nodes: PostgreSQL, group commit in each node, offsets under a lock (design.md "Where it runs"). */
import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import { type DatabasePlace, DEFAULT_SCHEMA, openPool, type PoolOptions, withClient } from "../../postgres/pool.ts";
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
import { Retention } from "../retention.ts";
import { Asking, databaseAway } from "./asking.ts";
import { dropCheckpoint, loadCheckpoint, saveCheckpoint } from "./checkpoints.ts";
import { checkDurability, type Durability } from "./durability.ts";
import { type Head, readHead } from "./head.ts";
import { Known } from "./known.ts";
import { beginLife, endLife, followTimeline, wrongWith } from "./life.ts";
import { Reader } from "./reader.ts";
import { retain } from "./retain.ts";
import { makeSegmentsAhead } from "./segments.ts";
import { type Sizes, sizesFor } from "./sizes.ts";
import { prepareTables } from "./tables.ts";
import { Writer } from "./writer.ts";

export interface PostgresLog extends SharedLog {
  /** What the database promised when the log was opened. */
  readonly durability: Durability;
  /** Names it among all logs, the same for every node: cluster, database and tables. */
  readonly place: string;
  /** Whether the database failed when it was last asked, which is once a second at least. */
  readonly isAway: boolean;
  /** Forgets everything that retention allows to be forgotten now. By itself it looks every few seconds. */
  retain(): Promise<void>;
}

/** What other nodes stored is known by then also where no wire tells of it. */
const POLL_MS = 1000;
/** At close, a COMMIT in doubt is asked after for so long. */
const CLOSE_MS = 2000;
/** When thousands of clients come back at once, the last of them is read for some seconds later. */
const READ_WAIT_MS = 30_000;
/** Who waits for the log's lock gives up later than one that stopped loses it. */
const LOCK_SLACK_MS = 3000;

/** Opens or creates the log in this database. Rejects with an Error of one line that names what is wrong. */
export async function openPostgresLog(
  place: DatabasePlace,
  options: LogOptions,
  sizes = sizesFor(options.retention.maxBytes),
): Promise<PostgresLog> {
  const { url, schema = DEFAULT_SCHEMA } = place;
  const pools: Pool[] = [];
  const open = (name: string, connections: number, others: Pick<PoolOptions, "settings" | "connectMs"> = {}) => {
    const pool = openPool({ url, schema, name: `broadtape log ${name}`, connections, ...others });
    pools.push(pool);
    return pool;
  };
  try {
    const keeper = open("keeper", 2);
    const durability = await checkDurability(keeper);
    await prepareTables(keeper, schema);
    const head = await beginLife(keeper);
    await makeSegmentsAhead(keeper, sizes.segmentEvents);
    const writer = open("writer", 1, {
      settings: {
        synchronous_commit: durability.synchronousCommit,
        // It would end a COMMIT's wait for the standby, and have it answered as done.
        statement_timeout: 0,
        idle_in_transaction_session_timeout: sizes.lockHeldMs,
        lock_timeout: sizes.lockHeldMs + LOCK_SLACK_MS,
      },
    });
    const reader = open("reader", sizes.readers, { connectMs: READ_WAIT_MS });
    return new OpenLog(options, sizes, { keeper, writer, reader }, head, durability);
  } catch (error) {
    await Promise.all(pools.map((pool) => pool.end()));
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the database cannot be opened as a Broadtape log: ${reason}`, { cause: error });
  }
}

interface Pools {
  /** For all that is neither an append nor a read of events. */
  readonly keeper: Pool;
  readonly writer: Pool;
  readonly reader: Pool;
}

class OpenLog implements PostgresLog {
  readonly epoch: Epoch;
  readonly durability: Durability;
  readonly place: string;
  readonly #options: LogOptions;
  readonly #sizes: Sizes;
  readonly #pools: Pools;
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #commits: GroupCommit;
  readonly #retention: Retention;
  readonly #poll: NodeJS.Timeout;
  readonly #known: Known;
  readonly #asking: Asking;
  /** Why this is not the log any more that was opened. */
  #displaced: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: LogOptions, sizes: Sizes, pools: Pools, head: Head & { readonly place: string }, durability: Durability) {
    this.epoch = head.epoch;
    this.place = head.place;
    this.durability = durability;
    this.#options = options;
    this.#sizes = sizes;
    this.#pools = pools;
    this.#known = new Known(head);
    this.#asking = new Asking(options.onFault);
    this.#writer = new Writer(pools.writer, {
      writer: randomUUID(),
      dedupeWindowMs: options.dedupeWindowMs,
      segmentEvents: sizes.segmentEvents,
      now: options.now,
      known: () => this.#known.bounds,
      check: (each, known) => this.#check(each, known),
      onDoubt: (error) => this.#asking.doubts(error),
    });
    this.#reader = new Reader(pools.reader, sizes);
    this.#commits = new GroupCommit((batches) => this.#commit(batches), options.maxWaitingEvents, options.pace);
    this.#retention = new Retention(
      () => this.#ask(() => this.#retainStep()),
      () => undefined,
    );
    this.#poll = setInterval(() => void this.refresh().catch(() => undefined), POLL_MS).unref();
  }

  get isAway(): boolean {
    return this.#asking.isAway;
  }

  bounds(): LogBounds {
    return this.#known.bounds;
  }

  heard({ offset, storedAt }: Pick<StoredEvent, "offset" | "storedAt">): void {
    this.#known.learn({ oldest: this.#known.bounds.oldest, head: offset, headStoredAt: storedAt });
  }

  onMoved(hear: (bounds: LogBounds) => void): () => void {
    return this.#known.onMoved(hear);
  }

  async refresh(): Promise<LogBounds> {
    return this.#ask(async () => {
      // Commits go on while the answer is on its way.
      const known = this.bounds();
      const head = await withClient(this.#pools.keeper, readHead);
      this.#check(head, known);
      this.#known.learn(head);
      return this.bounds();
    });
  }

  append(events: readonly NewEvent[], guard?: Guard): Promise<readonly Appended[]> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    if (this.#displaced !== undefined) return Promise.reject(new LogUnavailable(this.#displaced));
    if (this.#asking.isInDoubt) return Promise.reject(databaseAway());
    return this.#commits.append(events, guard);
  }

  async read(request: ReadRequest): Promise<LogPage> {
    if (request.topics !== undefined && request.tenant === undefined) throw new TypeError("topics are read of one tenant: name it");
    const answer = await this.#ask(() => this.#reader.read(request));
    if ("oldest" in answer) throw new RangeError(`the log begins at ${answer.oldest}: what follows ${request.after} is gone`);
    return answer;
  }

  async find(tenant: string, source: string, id: string): Promise<StoredEvent | undefined> {
    return this.#ask(() => this.#reader.find(tenant, source, id));
  }

  async saveCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[]): Promise<void> {
    await this.#ask(() => saveCheckpoint(this.#pools.keeper, this.epoch, checkpoint, entries));
  }

  async advanceCheckpoint(checkpoint: Checkpoint, entries: readonly CheckpointEntry[], since: Offset): Promise<Advanced> {
    return this.#ask(() => saveCheckpoint(this.#pools.keeper, this.epoch, checkpoint, entries, since));
  }

  async loadCheckpoint(
    version?: string,
  ): Promise<{ readonly checkpoint: Checkpoint; readonly entries: readonly CheckpointEntry[] } | undefined> {
    return this.#ask(() => loadCheckpoint(this.#pools.keeper, version));
  }

  async dropCheckpoint(): Promise<void> {
    await this.#ask(() => dropCheckpoint(this.#pools.keeper));
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
    clearInterval(this.#poll);
    this.#retention.stop();
    const giveUp = setTimeout(() => {
      this.#writer.giveUp();
    }, CLOSE_MS);
    await this.#commits.idle();
    clearTimeout(giveUp);
    await this.#asking.settled();
    await Promise.all(Object.values<Pool>({ ...this.#pools }).map((pool) => pool.end()));
  }

  async #commit(batches: readonly Batch[]): Promise<readonly Outcome[]> {
    const started = performance.now();
    const { outcomes, stored, bounds } = await this.#asking.once(() => this.#writer.commit(batches));
    this.#known.learn(bounds);
    if (stored > 0) this.#options.onCommit?.({ events: stored, seconds: (performance.now() - started) / 1000 });
    return outcomes;
  }

  async #retainStep(): Promise<boolean> {
    if (this.#displaced !== undefined) return false;
    const { keeper } = this.#pools;
    await followTimeline(keeper, () => this.bounds());
    const { bounds, hasMore } = await retain(keeper, this.#options, this.#sizes);
    this.#known.learn(bounds);
    return hasMore;
  }

  /** Throws where the database holds another log than the one that was opened, or less of it than was known before it was asked. */
  #check(head: Head, known: LogBounds): void {
    const wrong = wrongWith(head, this.epoch, known);
    if (wrong === undefined) return;
    if (this.#displaced === undefined) {
      this.#displaced = wrong;
      this.#options.onFault?.(new LogEnded(wrong));
      // Where that fails too, the next one that sees it tries again.
      endLife(this.#pools.keeper, this.epoch).catch(() => (this.#displaced = undefined));
    }
    throw new LogUnavailable(wrong);
  }

  #ask<T>(question: () => Promise<T>): Promise<T> {
    return this.#closing === undefined ? this.#asking.ask(question) : Promise.reject(closed());
  }
}

function closed(): LogUnavailable {
  return new LogUnavailable("the log is closed");
}
