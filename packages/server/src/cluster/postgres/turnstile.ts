/** Where connections are let in and hits are counted, for all nodes together: one transaction at a time, with all that waits. */
import type { ClusterNode, Entered, HitLimit, Seat } from "../cluster.ts";
import type { ClusterMeter } from "../meter.ts";
import { Windows } from "../windows.ts";
import { type Database, queryAll } from "./database.ts";
import { type GroupOutcome, writeGroup } from "./group.ts";
import { Hitting, type Taken } from "./hitting.ts";
import { heldSeat, Holding } from "./holding.ts";
import { SEATS_LOCK, text } from "./sql.ts";

/** Seats of one transaction. */
const GROUP_SIZE = 1000;

const NOBODY_ASKED: Entered = { ofUser: undefined };

export interface TurnstileOptions {
  readonly leaseMs: number;
  readonly meter: ClusterMeter;
  readonly monotonic: () => number;
}

export class Turnstile {
  readonly #node: ClusterNode;
  readonly #database: Database;
  readonly #options: TurnstileOptions;
  readonly #holding = new Holding();
  readonly #hitting = new Hitting();
  /** Who waits to hear what the others hold, by connection. */
  readonly #asking = new Map<string, (others: number | undefined) => void>();
  /** What this node counts while it cannot ask. */
  readonly #own: Windows;
  /** Seats of the transaction that runs. */
  #underWay = 0;
  #writing: Promise<void> | undefined;
  /** When a transaction was last given up: it may still be carried out, after what came later. Undefined where that has been looked into. */
  #givenUpAt: number | undefined;
  #isClosed = false;

  constructor(node: ClusterNode, database: Database, options: TurnstileOptions) {
    this.#node = node;
    this.#database = database;
    this.#options = options;
    this.#own = new Windows(options.monotonic);
  }

  /** Seats that the database has still to learn of. */
  get waiting(): number {
    return this.#holding.waiting + this.#underWay;
  }

  async enter(seat: Seat): Promise<Entered> {
    // Nobody counts them, so that nobody has to know of them.
    if (seat.isAnonymous) return { ofUser: 0 };
    if (this.#isClosed) return NOBODY_ASKED;
    const own = this.#holding.enter(heldSeat(seat));
    if (this.#database.isAway) return NOBODY_ASKED;
    const others = await new Promise<number | undefined>((resolve) => {
      this.#asking.set(seat.connectionId, resolve);
      this.write();
    });
    return others === undefined ? NOBODY_ASKED : { ofUser: own + others };
  }

  leave(connectionId: string): void {
    if (!this.#holding.leave(connectionId)) return;
    this.#tell(connectionId, undefined);
    this.write();
  }

  async hit(key: string, limit: HitLimit): Promise<number | undefined> {
    if (this.#isClosed || this.#database.isAway) return this.#own.hit(key, limit);
    const counting = this.#hitting.hit(key, limit);
    this.write();
    const counted = await counting;
    return counted.isKnown ? counted.waitMs : this.#own.hit(key, limit);
  }

  /** Writes what waits, as long as the database is there. */
  write(): void {
    if (this.#writing !== undefined || this.#isClosed || this.#database.isAway) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      // What came while the last one ended.
      if (this.#isDue()) this.write();
    });
  }

  /** The database does not know this node any more, and has forgotten what it held. */
  retake(): void {
    this.#options.meter.retaken += 1;
    this.#holding.retake();
    this.write();
  }

  /** Gives back the seats that the database has of this node and this node does not hold, where a transaction that was given up may have left some. */
  async review(): Promise<void> {
    const { leaseMs, monotonic } = this.#options;
    const givenUpAt = this.#givenUpAt;
    if (givenUpAt === undefined || monotonic() - givenUpAt < leaseMs || this.#isClosed || this.#database.isAway) return;
    const [rows = []] = await this.#database.ask((client) =>
      queryAll(client, [`select connection_id from seats where node = ${text(this.#node.id)}`]),
    );
    if (this.#givenUpAt === givenUpAt) this.#givenUpAt = undefined;
    for (const row of rows) this.#holding.found(String(row["connection_id"]));
    this.write();
  }

  /** Gives all seats back, and the node with them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    this.#giveUp();
    const id = text(this.#node.id);
    const statements = [SEATS_LOCK, `delete from seats where node = ${id}`, `delete from nodes where id = ${id}`];
    await this.#database.ask((client) => queryAll(client, statements));
  }

  #isDue(): boolean {
    return !this.#isClosed && !this.#database.isAway && this.#holding.waiting + this.#hitting.size > 0;
  }

  async #writeAll(): Promise<void> {
    // What enters in this turn goes into one transaction.
    await Promise.resolve();
    while (this.#isDue()) await this.#writeNext();
    if (this.#database.isAway) this.#giveUp();
  }

  async #writeNext(): Promise<void> {
    const seats = this.#holding.take(GROUP_SIZE);
    const hits = this.#hitting.take();
    const group = { node: this.#node, leaseMs: this.#options.leaseMs, ...seats, hits: hits.hits };
    this.#underWay = seats.entering.length + seats.leaving.length;
    let outcome: GroupOutcome;
    try {
      outcome = await this.#database.ask((client) => writeGroup(client, group));
    } catch {
      // Told of by the database; nobody knows whether it was written.
      this.#givenUpAt = this.#options.monotonic();
      this.#holding.putBack(seats);
      hits.giveUp();
      return;
    } finally {
      this.#underWay = 0;
    }
    this.#settle(group.entering, outcome, hits);
    if (outcome.wasUnknown) this.retake();
  }

  #settle(entering: readonly { readonly connectionId: string }[], { others, windows }: GroupOutcome, hits: Taken): void {
    for (const [index, { connectionId }] of entering.entries()) this.#tell(connectionId, others[index]);
    hits.settle(windows);
  }

  #tell(connectionId: string, others: number | undefined): void {
    const tell = this.#asking.get(connectionId);
    this.#asking.delete(connectionId);
    tell?.(others);
  }

  /** Whoever waits goes by what this node knows. */
  #giveUp(): void {
    for (const connectionId of [...this.#asking.keys()]) this.#tell(connectionId, undefined);
    this.#hitting.take().giveUp();
  }
}
