/**
 * One session of the database, to its loss. What it does to the outbox it does over the connection that holds the lock: once
 * that is lost, nothing more is taken from the outbox by this node.
 */
import type { Pool, PoolClient } from "pg";
import type { HttpErrorBody } from "@broadtape/protocol/errors";
import { HeldClient } from "../../postgres/held-client.ts";
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
  readonly #held: HeldClient;
  readonly #options: SessionOptions;
  readonly #looks: Looks;
  readonly #waiting: WaitingCount;
  #isAsleep = false;
  /** Whether something was staged since that was last asked. */
  #isWoken = false;
  #wake: () => void = () => undefined;
  #beat: NodeJS.Timeout | undefined;

  constructor(client: PoolClient, options: SessionOptions) {
    const held = (this.#held = new HeldClient(client));
    this.#options = options;
    this.#looks = new Looks((text, values) => held.ask(text, values));
    this.#waiting = new WaitingCount((text, values) => held.ask(text, values));
    held.onNotification(() => this.stir());
    void held.lost.then(() => this.stir());
  }

  get lost(): Promise<Error> {
    return this.#held.lost;
  }

  async open(): Promise<void> {
    const { times } = this.#options;
    await this.#held.ask(END_WHEN_SILENT, [String(times.silentMs)]);
    // Whatever else goes on: the database hears of this node, and operators hear what waits.
    this.#beat = setInterval(() => void this.#count().catch(() => undefined), times.lookMs).unref();
    await this.#count();
  }

  /** Whether it is this node that moves, from now on to the end of the session. */
  async take(): Promise<boolean> {
    const [row] = await this.#held.ask<{ is_ours: boolean }>(LOCK);
    return row?.is_ours === true;
  }

  /** Begins to move: services are told what is taken, and wake this session. */
  async begin(taken: Taken): Promise<void> {
    await this.#held.ask(`listen ${CHANNEL}`);
    await tellTaken((text, values) => this.#held.ask(text, values), taken);
    await this.#looks.begin();
    this.#isAsleep = false;
  }

  get isLost(): boolean {
    return this.#held.isLost;
  }

  get isAsleep(): boolean {
    return this.#isAsleep;
  }

  /** Whether services have to wake this node. Each wake takes a lock that all notifying transactions of the cluster share. */
  async setAsleep(isAsleep: boolean): Promise<void> {
    await this.#held.ask(SET_ASLEEP, [isAsleep]);
    this.#isAsleep = isAsleep;
  }

  /** Resolves when something was staged since the last time, the time is over, or the session is lost. */
  async woken(ms: number): Promise<void> {
    if (!this.#isWoken && !this.isLost) {
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
    await this.#held.ask(TAKE_AWAY, [seqs]);
    this.#looks.gone(seqs);
  }

  async refuse({ seq }: StagedBatch, refusal: HttpErrorBody): Promise<void> {
    const { meter, refused } = this.#options;
    const [row] = await this.#held.ask<{ dropped: number }>(REFUSE, [seq, JSON.stringify(refusal), refused.batches, refused.bytes]);
    meter.refusedDropped += row?.dropped ?? 0;
    this.#looks.gone([seq]);
  }

  /** Lets another node move at once; the connection's end may be noticed later. */
  async leave(): Promise<void> {
    await this.#held.ask(UNLOCK);
  }

  close(): Promise<void> {
    clearInterval(this.#beat);
    this.#held.close();
    return Promise.resolve();
  }

  async #count(): Promise<void> {
    const { waiting, seconds } = await this.#waiting.count();
    this.#options.meter.waiting = waiting;
    this.#options.meter.waitingSeconds = seconds;
  }
}
