/**
 * The writing side: one transaction a group of batches, under the partition's lock, on a connection of its own. What became of a
 * COMMIT that was not answered is found out before anybody hears anything.
 */
import type { Pool, PoolClient } from "pg";
import { isRefusal, isWorthRepeating } from "../../postgres/failures.ts";
import { withClient } from "../../postgres/pool.ts";
import { type LogBounds, LogUnavailable } from "../log.ts";
import type { Batch, Outcome } from "../group-commit.ts";
import { TopicDigests } from "./digest.ts";
import { type Group, groupOf, type Known, type KnownId, Rows } from "./group.ts";
import { BEGIN_LOCKED, type Head, readHead } from "./head.ts";
import { makeSegments } from "./segments.ts";
import { PARTITION } from "./tables.ts";

export interface WriterOptions {
  /** A UUID of this opening of the log. */
  readonly writer: string;
  readonly dedupeWindowMs: number;
  readonly segmentEvents: number;
  readonly now: () => number;
  /** What this process knows of the log now. */
  readonly known: () => LogBounds;
  /** Throws where the head shows that this is not the log it was when `known` was known. Inside the transaction. */
  readonly check: (head: Head, known: LogBounds) => void;
  /** A COMMIT was not answered: until it is known what became of it, nothing can be stored. */
  readonly onDoubt: (error: unknown) => void;
}

export interface Committed {
  readonly outcomes: readonly Outcome[];
  readonly stored: number;
  readonly bounds: LogBounds;
}

const FIND_IDS = {
  name: "find-ids",
  text: `select key, "offset", batch, stored_at from event_ids where key = any($1::uuid[])`,
};

/** $1 topics, $2 after: the newest event of each above it. */
const FIND_NEWEST = {
  name: "find-newest",
  text: `select asked.topic, found."offset" from unnest($1::uuid[]) as asked (topic) cross join lateral (
    select t."offset" from event_topics t where t.topic = asked.topic and t."offset" > $2::bigint order by t."offset" desc limit 1
  ) found`,
};

/** One round trip for everything: $1-$10 columns of events, $11 stored at, $12-$13 topics, $14-$16 ids, $17 head, $18-$20 writer. */
const STORE = {
  name: "store",
  text: `with stored as (
    insert into events ("offset", batch, tenant, type, source, id, time, subject, correlation_id, data, stored_at)
    select *, $11::bigint from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
  ), topics as (
    insert into event_topics (topic, "offset") select * from unnest($12::uuid[], $13::bigint[])
  ), ids as (
    insert into event_ids (key, "offset", batch, stored_at)
    select *, $11::bigint from unnest($14::uuid[], $15::bigint[], $16::bigint[])
    on conflict (key) do update set "offset" = excluded."offset", batch = excluded.batch, stored_at = excluded.stored_at
  ), noted as (
    insert into writers values ($18::uuid, $19::bigint, $20::bigint)
    on conflict (writer) do update set last_commit = excluded.last_commit, used_at = excluded.used_at
  )
  update heads set head = $17::bigint, stored_at = $11::bigint where partition = '${PARTITION}'`,
};

const LAST_COMMIT = { name: "last-commit", text: "select last_commit from writers where writer = $1" };

/** Of one group: a stale connection or two writers that met fail once. */
const ATTEMPTS = 3;
/** Between two looks at what became of a COMMIT. */
const LOOK_MS = 200;

export class Writer {
  readonly #pool: Pool;
  readonly #options: WriterOptions;
  readonly #digests = new TopicDigests();
  #lastCommit = 0;
  #isGivenUp = false;

  constructor(pool: Pool, options: WriterOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Resolves when all of it is durable; rejects when none of it is stored. */
  async commit(batches: readonly Batch[]): Promise<Committed> {
    const group = groupOf(batches, this.#digests);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(group);
      } catch (error) {
        if (error instanceof InDoubt) {
          this.#options.onDoubt(error.cause);
          if (await this.#isStored(error.commit)) return error.committed;
        } else if (attempt >= ATTEMPTS || !isWorthRepeating(error)) throw error;
      }
    }
  }

  /** The end: a COMMIT in doubt stays so. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  async #attempt(group: Group): Promise<Committed> {
    return withClient(this.#pool, async (client) => {
      const knownBefore = this.#options.known();
      await client.query(BEGIN_LOCKED);
      const before = await readHead(client);
      this.#options.check(before, knownBefore);
      const storedAt = Math.max(this.#options.now(), before.headStoredAt);
      const known = await this.#known(client, group, before);
      const rows = new Rows(group, known, storedAt, this.#options.dedupeWindowMs, this.#digests);
      if (rows.count === 0) {
        await client.query("rollback");
        return { outcomes: rows.outcomes, stored: 0, bounds: before };
      }
      if (rows.head > before.segmentsTo) await makeSegments(client, before.segmentsTo, rows.head, this.#options.segmentEvents);
      const commit = ++this.#lastCommit;
      const writer = [this.#options.writer, commit, this.#options.now()];
      const { events, topics, ids } = rows.parameters;
      await client.query({ ...STORE, values: [...events, storedAt, ...topics, ...ids, rows.head, ...writer] });
      const bounds = { oldest: before.oldest, head: rows.head, headStoredAt: storedAt };
      const committed = { outcomes: rows.outcomes, stored: rows.count, bounds };
      await client.query("commit").catch((error: unknown) => {
        throw isRefusal(error) ? error : new InDoubt(commit, committed, error);
      });
      return committed;
    });
  }

  async #known(client: PoolClient, { keys, guarded }: Group, { oldest, head }: Head): Promise<Known> {
    const asked = keys.flat().filter((key) => key !== undefined);
    const ids = asked.length === 0 ? [] : (await client.query<KnownId>({ ...FIND_IDS, values: [asked] })).rows;
    const newest = new Map<string, number>();
    if (guarded !== undefined && guarded.after < head) {
      const topics = [...new Set([...guarded.topics.values()].flat())];
      const { rows } = await client.query<{ topic: string; offset: number }>({ ...FIND_NEWEST, values: [topics, guarded.after] });
      for (const { topic, offset } of rows) newest.set(topic, offset);
    }
    return { oldest, head, ids, newest };
  }

  /** Looks until the database answers. The lock is free when the transaction has ended, one way or the other. */
  async #isStored(commit: number): Promise<boolean> {
    for (;;) {
      if (this.#isGivenUp) throw new LogUnavailable("the log is closed before the database told what became of a commit");
      try {
        return await withClient(this.#pool, async (client) => {
          await client.query(BEGIN_LOCKED);
          const { rows } = await client.query<{ last_commit: number }>({ ...LAST_COMMIT, values: [this.#options.writer] });
          await client.query("rollback");
          return rows[0]?.last_commit === commit;
        });
      } catch {
        // It was told that the database is away (`onDoubt`).
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    }
  }
}

/** What was to be committed, of which nobody knows whether it is. */
class InDoubt extends Error {
  override readonly name = "InDoubt";
  readonly commit: number;
  readonly committed: Committed;

  constructor(commit: number, committed: Committed, cause: unknown) {
    super("a commit was not answered", { cause });
    this.commit = commit;
    this.committed = committed;
  }
}
