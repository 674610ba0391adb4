/**
 * The intake over PostgreSQL: a table in the log's database that services write by a function, in their own transactions. All nodes
 * ask for its lock; the one that has it moves until its session ends, however that happens, and then it is another one's turn.
 *
 * Through a pooler, it needs a session of its own (PgBouncer: `pool_mode = session`).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import { LogUnavailable } from "../../log/log.ts";
import { repeating } from "../../postgres/failures.ts";
import { type DatabasePlace, DEFAULT_SCHEMA, openPool } from "../../postgres/pool.ts";
import { Line } from "../../wire/line.ts";
import { type Intake, type IntakeMeter, newIntakeMeter, type RefusedBatch, type RefusedQuery } from "../intake.ts";
import { Mover, type MoverOptions } from "../mover.ts";
import { FIND_REFUSED, type RefusedLimits, type RefusedRow, refusedOf } from "./rows.ts";
import { dialOutbox, type OutboxSession } from "./session.ts";
import { prepareIntake } from "./tables.ts";
import type { Taken } from "./taken.ts";
import { type IntakeTimes, TIMES } from "./times.ts";

export interface IntakeOptions extends Pick<MoverOptions, "publish" | "onRefused"> {
  readonly taken: Taken;
  readonly random: () => number;
  /** As many of each tenant's refused batches are kept. */
  readonly refused?: RefusedLimits;
  /** Something that nobody expects: the batch is tried again. */
  readonly onFault: (error: unknown) => void;
  /** The session is there (undefined), or was lost with this; an outage is told of once. */
  readonly onStatus?: ((error: Error | undefined) => void) | undefined;
}

const REFUSED: RefusedLimits = { batches: 1000, bytes: 16 * 1024 * 1024 };

/** Makes tables and functions where there are none, and moves when it is this node's turn. Rejects with an Error that names what is wrong. */
export async function openPostgresIntake(place: DatabasePlace, options: IntakeOptions, times = TIMES): Promise<Intake> {
  const { url, schema = DEFAULT_SCHEMA } = place;
  const open = (name: string) =>
    openPool({
      url,
      schema,
      name: `broadtape ${name}`,
      connections: 1,
      connectMs: times.connectMs,
      // What a crash of the database brings back into the outbox is in the log already, where its id is known.
      // Statistics of a queue are never true: whoever believes them reads through what is gone.
      settings: { synchronous_commit: "off", enable_seqscan: "off" },
    });
  const keeper = open("outbox keeper");
  try {
    await prepareIntake(keeper, schema, options.taken);
  } catch (error) {
    await keeper.end();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the database cannot be opened as a Broadtape outbox: ${reason}`, { cause: error });
  }
  return new PostgresIntake({ keeper, mover: open("outbox") }, options, times);
}

class PostgresIntake implements Intake {
  readonly meter: IntakeMeter = newIntakeMeter();
  readonly #pools: { readonly keeper: Pool; readonly mover: Pool };
  readonly #options: IntakeOptions;
  readonly #times: IntakeTimes;
  readonly #mover: Mover;
  readonly #line: Line<OutboxSession>;
  /** Settles when the last session has moved its last batch. */
  #running: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(pools: { readonly keeper: Pool; readonly mover: Pool }, options: IntakeOptions, times: IntakeTimes) {
    this.#pools = pools;
    this.#options = options;
    this.#times = times;
    const { publish, onRefused, taken, refused = REFUSED } = options;
    this.#mover = new Mover({ publish, onRefused, limits: taken, meter: this.meter });
    this.#line = new Line({
      dial: () => dialOutbox({ pool: pools.mover, meter: this.meter, times, refused }),
      backoff: times.backoff,
      random: options.random,
      onUp: () => this.#begin(),
      onStatus: (status, error) => {
        if (status !== "closed") options.onStatus?.(error);
      },
    });
  }

  async refused({ tenant, before, limit }: RefusedQuery): Promise<readonly RefusedBatch[]> {
    const values = [tenant ?? null, before ?? null, limit];
    const { rows } = await repeating(() => this.#pools.keeper.query<RefusedRow>(FIND_REFUSED, values));
    return rows.map(refusedOf);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#line.connection?.stir();
    // The session stays while a batch is on its way: it is to be taken away when it is stored.
    const left = this.#running.then(() => this.#line.connection?.leave()).catch(() => undefined);
    await Promise.race([left, delay(this.#times.closeMs, undefined, { ref: false })]);
    await this.#line.close();
    await this.#pools.keeper.end();
    // It has no connection any more, or one that is being made and ends as soon as it is.
    void this.#pools.mover.end();
  }

  #begin(): void {
    const session = this.#line.connection;
    if (session === undefined) return;
    // One at a time: what the session before had begun is over when its database no longer answers.
    this.#running = this.#running.then(() => this.#run(session)).catch(() => session.close());
  }

  get #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** To the end of the session, with which it rejects. */
  async #run(session: OutboxSession): Promise<void> {
    try {
      while (!this.#isClosing && !(await session.take())) await session.woken(this.#times.lookMs);
      if (this.#isClosing) return;
      await session.begin(this.#options.taken);
      this.meter.isMover = true;
      await this.#moveAll(session);
    } finally {
      this.meter.isMover = false;
    }
  }

  async #moveAll(session: OutboxSession): Promise<void> {
    const { lookMs, restMs, oftenMs } = this.#times;
    let movedAt = -Infinity;
    while (!this.#isClosing) {
      const isOften = performance.now() - movedAt < oftenMs;
      if (await this.#move(session)) {
        movedAt = performance.now();
        if (isOften && session.isAsleep) await session.setAsleep(false);
      } else if (session.isAsleep) await session.woken(lookMs);
      else if (isOften) await delay(restMs);
      // After this one more look: what was staged before nobody was told of.
      else await session.setAsleep(true);
    }
  }

  /** Whether there was anything. */
  async #move(session: OutboxSession): Promise<boolean> {
    try {
      return (await this.#mover.move(session)) > 0;
    } catch (error) {
      // The session's own fault: it does not answer any more.
      if (session.isLost) throw error;
      if (!(error instanceof LogUnavailable)) this.#options.onFault(error);
      const waitMs = error instanceof LogUnavailable ? error.retryAfterMs : this.#times.lookMs;
      await delay(Math.min(waitMs, this.#times.lookMs));
      return true;
    }
  }
}
