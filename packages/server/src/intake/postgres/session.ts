/**
 * One session of the database, to its loss. What it does to the outbox it does over the connection that holds the lock: once
 * that is lost, nothing more is taken from the outbox by this node.
 */
import type { Pool, PoolClient } from "pg";
import type { HttpErrorBody } from "@broadtape/protocol/errors";
import type { Connection } from "../../wire/line.ts";
import type { BatchLimits, IntakeMeter, StagedBatch, Staging } from "../intake.ts";
import { CHANNEL } from "./functions.ts";
import { Looks } from "./looks.ts";
import { REFUSE, type RefusedLimits, TAKE_AWAY } from "./rows.ts";
import { type Taken, tellTaken } from "./taken.ts";
import type { IntakeTimes } from "./times.ts";
import { WaitingCount } from "./waiting.ts";

const LOCK = "select pg_try_advisory_lock(hashtextextended(current_schema || '/outbox', 0)) as is_ours";
const UNLOCK = "select pg_advisory_unlock(hashtextextended(current_schema || '/outbox', 0))";
/** PostgreSQL 13 has no such setting: there the network finds out. */
const END_WHEN_SILENT = `select set_config('idle_session_timeout', $1, false) where current_setting('server_version_num')::int >= 140000`;
const SET_ASLEEP = "update outbox_settings set is_asleep = $1";
export interface SessionOptions {
  /** Of one connection. */
  readonly pool: Pool;
  readonly meter: IntakeMeter;
  readonly times: IntakeTimes;
  readonly refused: RefusedLimits;
}

export async function dialOutbox(options: SessionOptions): Promise<OutboxSession> {
  const session = new OutboxSession(await options.pool.connect(), options);
  try {
    await session.open();
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

export class OutboxSession implements Connection, Staging {
  readonly lost: Promise<Error>;
  readonly #client: PoolClient;
  readonly #options: SessionOptions;
  readonly #looks = new Looks((text, values) => this.#ask(text, values));
  readonly #waiting = new WaitingCount((text, values) => this.#ask(text, values));
  #lose: (error: Error) => void = () => undefined;
  #isLost = false;
  #isReleased = false;
  #isAsleep = false;
  /** Whether something was staged since that was last asked. */
  #isWoken = false;
  #wake: () => void = () => undefined;
  #beat: NodeJS.Timeout | undefined;
  /** Settles when what was asked last is answered. */
  #asked: Promise<unknown> = Promise.resolve();

  constructor(client: PoolClient, options: SessionOptions) {
    this.#client = client;
    this.#options = options;
    this.lost = new Promise((resolve) => {
      this.#lose = (error) => {
        this.#isLost = true;
        this.#wake();
        resolve(error);
      };
    });
    client.once("error", this.#lose);
    client.once("end", () => this.#lose(new Error("the database ended the connection")));
    client.on("notification", () => this.stir());
  }

  async open(): Promise<void> {
    const { times } = this.#options;
    await this.#ask(END_WHEN_SILENT, [String(times.silentMs)]);
    // Whatever else goes on: the database hears of this node, and operators hear what waits.
    this.#beat = setInterval(() => void this.#count().catch(() => undefined), times.lookMs).unref();
    await this.#count();
  }

  /** Whether it is this node that moves, from now on to the end of the session. */
  async take(): Promise<boolean> {
    const [row] = await this.#ask<{ is_ours: boolean }>(LOCK);
    return row?.is_ours === true;
  }

  /** Begins to move: services are told what is taken, and wake this session. */
  async begin(taken: Taken): Promise<void> {
    await this.#ask(`listen ${CHANNEL}`);
    await tellTaken((text, values) => this.#ask(text, values), taken);
    await this.#looks.begin();
    this.#isAsleep = false;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  get isAsleep(): boolean {
    return this.#isAsleep;
  }

  /** Whether services have to wake this node. Each wake takes a lock that all notifying transactions of the cluster share. */
  async setAsleep(isAsleep: boolean): Promise<void> {
    await this.#ask(SET_ASLEEP, [isAsleep]);
    this.#isAsleep = isAsleep;
  }

  /** Resolves when something was staged since the last time, the time is over, or the session is lost. */
  async woken(ms: number): Promise<void> {
    if (!this.#isWoken && !this.#isLost) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    }
    this.#isWoken = false;
  }

  /** Ends a wait. */
  stir(): void {
    this.#isWoken = true;
    this.#wake();
  }

  next(limits: BatchLimits): Promise<readonly StagedBatch[]> {
    return this.#looks.next(limits);
  }

  async moved(batches: readonly StagedBatch[]): Promise<void> {
    const seqs = batches.map(({ seq }) => seq);
    await this.#ask(TAKE_AWAY, [seqs]);
    this.#looks.gone(seqs);
  }

  async refuse({ seq }: StagedBatch, refusal: HttpErrorBody): Promise<void> {
    const { meter, refused } = this.#options;
    const [row] = await this.#ask<{ dropped: number }>(REFUSE, [seq, JSON.stringify(refusal), refused.batches, refused.bytes]);
    meter.refusedDropped += row?.dropped ?? 0;
    this.#looks.gone([seq]);
  }

  /** Lets another node move at once; the connection's end may be noticed later. */
  async leave(): Promise<void> {
    await this.#ask(UNLOCK);
  }

  close(): Promise<void> {
    clearInterval(this.#beat);
    this.#lose(new Error("closed"));
    if (!this.#isReleased) this.#client.release(true);
    this.#isReleased = true;
    return Promise.resolve();
  }

  async #count(): Promise<void> {
    const { waiting, seconds } = await this.#waiting.count();
    this.#options.meter.waiting = waiting;
    this.#options.meter.waitingSeconds = seconds;
  }

  /** One after the other: whoever moves, and the beat. */
  #ask<R extends object>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    const asked = this.#asked.then(() => this.#askNow<R>(text, values));
    this.#asked = asked.catch(() => undefined);
    return asked;
  }

  /** The session is lost with an answer that does not come: nobody knows what became of it. */
  async #askNow<R extends object>(text: string, values: readonly unknown[]): Promise<R[]> {
    if (this.#isLost) throw new Error("the connection to the database is lost");
    try {
      return (await this.#client.query<R>(text, [...values])).rows;
    } catch (error) {
      this.#lose(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }
}
