/** Several nodes that know of each other through PostgreSQL (decision 0008). */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { isReadOnly } from "../../postgres/failures.ts";
import type { DatabasePlace } from "../../postgres/pool.ts";
import {
  type Answer,
  ASK_MS,
  type AskOptions,
  type Cluster,
  type ClusterNode,
  type Entered,
  type HitLimit,
  type Seat,
} from "../cluster.ts";
import { Hearers } from "../hearers.ts";
import { type ClusterMeter, newClusterMeter } from "../meter.ts";
import { Questions } from "../questions.ts";
import { Standstill, TICK_MS } from "../standstill.ts";
import { Bell } from "./bell.ts";
import { Database, within } from "./database.ts";
import { DatabaseClock, type LocalClock } from "./database-clock.ts";
import { Letters } from "./letters.ts";
import type { LetterRow, Look } from "./line.ts";
import { Lookout } from "./lookout.ts";
import { Notes } from "./notes.ts";
import { Presence } from "./presence.ts";
import { digest } from "./sql.ts";
import { sweep } from "./sweep.ts";
import { prepareTables } from "./tables.ts";
import { type ClusterTimes, TIMES } from "./times.ts";
import { Turnstile } from "./turnstile.ts";

export interface PostgresClusterOptions {
  readonly node: ClusterNode;
  /** This node's own, wrong as it may be. */
  readonly clock: LocalClock;
  /** From 0 to 1, so that not all nodes sweep at once. */
  readonly random: () => number;
  /** What fails; of an outage of the database once. */
  readonly onFault: (error: unknown) => void;
  /** What an operator should look after. */
  readonly onWarning: (message: string) => void;
  readonly times?: Partial<ClusterTimes> | undefined;
}

/** A clock that is off by more is told of. */
const WARN_OFFSET_MS = 1000;
/** A node that leaves does not wait for longer. */
const LEAVE_MS = 3000;

const READ_ONLY = "it takes no writes: a standby, or set to be read-only. Name the primary";

/** Joins the cluster in this database. Rejects with an Error of one line that names what is wrong. */
export async function openPostgresCluster(place: DatabasePlace, options: PostgresClusterOptions): Promise<PostgresCluster> {
  let cluster: PostgresCluster | undefined;
  try {
    await prepareTables(place);
    cluster = new PostgresCluster(place, options);
    await cluster.open();
    return cluster;
  } catch (error) {
    cluster?.abandon();
    const reason = isReadOnly(error) ? READ_ONLY : error instanceof Error ? error.message : String(error);
    throw new Error(`the database cannot be opened for a cluster of Broadtape's nodes: ${reason}`, { cause: error });
  }
}

export class PostgresCluster implements Cluster {
  readonly self: ClusterNode;
  readonly meter: ClusterMeter = newClusterMeter();
  readonly #options: PostgresClusterOptions;
  readonly #times: ClusterTimes;
  readonly #database: Database;
  readonly #clock: DatabaseClock;
  readonly #hearers: Hearers;
  readonly #questions: Questions;
  readonly #presence: Presence;
  readonly #turnstile: Turnstile;
  readonly #notes: Notes;
  readonly #letters: Letters;
  readonly #lookout: Lookout;
  readonly #bell: Bell;
  readonly #standstill: Standstill;
  readonly #ticking: NodeJS.Timeout;
  #sweptAt: number;
  /** When the database was back after it was away. */
  #backAt = -Infinity;
  #isOff = false;
  #closing: Promise<void> | undefined;

  constructor(place: DatabasePlace, options: PostgresClusterOptions) {
    const { node, clock, onFault } = options;
    const { monotonic } = clock;
    const { meter } = this;
    this.self = node;
    this.#options = options;
    const times = (this.#times = { ...TIMES, ...options.times });
    const database = (this.#database = new Database(place, { times, meter, onFault }));
    const channel = `broadtape_cluster_${digest(database.schema)}`;
    this.#bell = new Bell(database, channel);
    this.#clock = new DatabaseClock(clock);
    this.#hearers = new Hearers(onFault);
    this.#questions = new Questions(after, meter);
    this.#presence = new Presence(node.id, times);
    this.#turnstile = new Turnstile(node, database, { leaseMs: times.leaseMs, meter, monotonic });
    this.#notes = new Notes(node, database, meter, () => void this.#bell.ring());
    this.#letters = new Letters(node, database, channel);
    this.#lookout = new Lookout({
      ...{ node, channel, times, database, meter, monotonic },
      clock: this.#clock,
      onWarning: options.onWarning,
      onLook: (look) => this.#takeIn(look),
      onNote: ({ from, kind, body }) => {
        if (from.id === node.id) return;
        meter.heard += 1;
        this.#hearers.tell(kind, body, from);
      },
    });
    // A look is over in time, since each of its questions is answered by then or not at all.
    this.#standstill = new Standstill({ monotonic, hear: () => this.#lookout.next() });
    this.#ticking = setInterval(() => this.#standstill.tick(), TICK_MS).unref();
    this.#sweptAt = monotonic() - times.sweepMs * options.random();
  }

  /** Whether nodes know of each other only what they knew when the database went away. */
  get isAway(): boolean {
    return this.#database.isAway;
  }

  /** Seats that the others do not see yet, or still see. */
  get seatsWaiting(): number {
    return this.#turnstile.waiting;
  }

  /** What to add to this node's time for the database's, which all nodes go by. */
  clockOffsetMs(): number {
    return this.#clock.offsetMs();
  }

  async open(): Promise<void> {
    await this.#lookout.open();
    // The others see this one at once.
    void this.#bell.ring();
  }

  /** After an {@link open} that failed. */
  abandon(): void {
    clearInterval(this.#ticking);
    this.#database.close();
  }

  others(): readonly ClusterNode[] {
    return this.#presence.others;
  }

  enter(seat: Seat): Promise<Entered> {
    return this.#turnstile.enter(seat);
  }

  leave(connectionId: string): void {
    this.#turnstile.leave(connectionId);
  }

  hit(key: string, limit: HitLimit): Promise<number | undefined> {
    return this.#turnstile.hit(key, limit);
  }

  tell(kind: string, body: string): Promise<void> {
    return this.#notes.tell(kind, body);
  }

  onTold(...listener: Parameters<Cluster["onTold"]>): () => void {
    return this.#hearers.onTold(...listener);
  }

  async ask(kind: string, body: string, { to, timeoutMs = ASK_MS }: AskOptions = {}): Promise<readonly Answer[]> {
    // Whoever asks may know already that the database is back.
    if (this.#database.isAway) await within(this.#lookout.next(), Math.min(timeoutMs, this.#times.answerMs)).catch(() => undefined);
    if (this.#database.isAway || this.#closing !== undefined) return [];
    const asked = this.others().filter(({ id }) => to === undefined || id === to);
    const question = randomUUID();
    const patienceMs = timeoutMs + this.#untilOthersLookMs();
    const answers = this.#questions.ask(question, asked, patienceMs);
    const sent = asked.map(({ id }) => this.#letters.send({ recipient: id, question, kind, body, endsInMs: patienceMs }));
    if (sent.includes(false)) this.#questions.abandon(question);
    return answers;
  }

  onAsked(...listener: Parameters<Cluster["onAsked"]>): () => void {
    return this.#hearers.onAsked(...listener);
  }

  onGone(hear: Parameters<Cluster["onGone"]>[0]): () => void {
    return this.#hearers.onGone(hear);
  }

  awake(): Promise<void> | undefined {
    return this.#closing === undefined ? this.#standstill.awake() : undefined;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#ticking);
    this.#hearers.clear();
    this.#questions.close();
    const leaving = Promise.all([this.#notes.close(), this.#letters.close(), this.#lookout.close()])
      .then(() => this.#turnstile.close())
      .then(() => this.#bell.ring())
      // It is told of; the lease ends by itself.
      .catch(() => undefined);
    const end = new AbortController();
    await Promise.race([leaving, delay(LEAVE_MS, undefined, { signal: end.signal }).catch(() => undefined)]);
    end.abort();
    this.#database.close();
  }

  /** After an outage, which each node finds to be over when it looks again. */
  #untilOthersLookMs(): number {
    const { leaseMs, answerMs, renewMs } = this.#times;
    return this.#options.clock.monotonic() - this.#backAt < leaseMs ? answerMs + renewMs : 0;
  }

  #takeIn(look: Look): void {
    const wasAway = this.#database.answered();
    if (wasAway) this.#backAt = this.#options.clock.monotonic();
    for (const node of this.#presence.look(look.nodes, look.life, this.#options.clock.monotonic())) {
      this.#questions.gone(node.id);
      this.#hearers.tellGone(node);
    }
    if (look.wasUnknown) this.#turnstile.retake();
    else if (wasAway) this.#turnstile.write();
    for (const letter of look.letters) this.#read(letter);
    this.#checkClock();
    this.#sweepNowAndThen();
  }

  #read({ from, question, kind, body, endsInMs }: LetterRow): void {
    if (kind === undefined) {
      this.#questions.answered(question, from, body);
      return;
    }
    void this.#hearers.answer(kind, body ?? "", from).then((answer) => {
      this.#letters.send({ recipient: from.id, question, kind: undefined, body: answer, endsInMs });
    });
  }

  #checkClock(): void {
    const offset = this.clockOffsetMs();
    const isOff = Math.abs(offset) > WARN_OFFSET_MS;
    if (isOff && !this.#isOff)
      this.#options.onWarning(
        `this node's clock is ${Math.abs(offset)} ms ${offset > 0 ? "behind" : "ahead of"} the database's, which it goes by`,
      );
    this.#isOff = isOff;
  }

  #sweepNowAndThen(): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#sweptAt < this.#times.sweepMs) return;
    this.#sweptAt = now;
    // Where it fails, it is done the next time.
    this.#turnstile.review().catch(() => undefined);
    this.#database
      .ask((client) => sweep(client, this.#times))
      .then((isMore) => {
        // At the next look: who opens streams from ever new addresses leaves rows faster than one sweep takes them away.
        if (isMore) this.#sweptAt = -Infinity;
      })
      // Another node, or the next time, does it.
      .catch(() => undefined);
  }
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
}
