/**
 * What one connection is owed next, in order: handed over whole at the end of the turn, or as soon as the connection takes bytes again.
 * An outbox is one of these, and not the holder of one: each delivery would have to fetch one more object from memory.
 */
import type { Clock } from "./clock.ts";
import type { Connection } from "./message.ts";
import type { Meter } from "./meter.ts";
import type { Item, Sequence } from "./sequence.ts";
import type { Turn } from "./turn.ts";
import type { Recipient } from "./witness.ts";

export interface OutgoingHost {
  readonly clock: Clock;
  readonly turn: Turn;
  readonly meter: Meter;
  readonly limits: { readonly unsentBytes: number; readonly behindBytes: number };
}

export class Outgoing {
  readonly #host: OutgoingHost;
  readonly #recipient: Recipient;
  readonly #connection: Connection;
  #list: Sequence | undefined;
  /** Bounded by the surface's command limits. */
  #afterPending: (() => void)[] = [];
  #isBehind = false;
  #isClosed = false;
  #stuckSince: number | undefined;
  #lastSentAt: number;

  constructor(host: OutgoingHost, recipient: Recipient, connection: Connection) {
    this.#host = host;
    this.#recipient = recipient;
    this.#connection = connection;
    this.#lastSentAt = host.clock.monotonic();
  }

  /** Nothing waits and the connection takes bytes. */
  get idle(): boolean {
    return this.#list === undefined && this.#connection.ready;
  }

  /** Bytes that wait here and in the connection; a metric. */
  get queuedBytes(): number {
    return (this.#list?.size ?? 0) + this.#connection.unsentBytes;
  }

  /** When the connection stopped taking bytes, on the monotonic clock. */
  get stuckSince(): number | undefined {
    return this.#stuckSince;
  }

  /** When something was last handed over, on the monotonic clock. */
  get lastSentAt(): number {
    return this.#lastSentAt;
  }

  protected get isEmpty(): boolean {
    return this.#list === undefined;
  }

  /** More waits, here or in the connection, than with a client that keeps up. */
  protected get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Nothing is handed over any more. */
  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  /** False where more waits now than may, and the connection takes nothing: see {@link takeBack}. */
  protected owe(item: Item): boolean {
    if (this.#list === undefined) {
      this.#list = this.#host.turn.empty.then(item);
      this.#host.turn.add(this);
    } else {
      this.#list = this.#list.then(item);
    }
    const { size } = this.#list;
    if (size <= this.#host.limits.behindBytes || this.#connection.ready) return true;
    this.#isBehind = true;
    return size + this.#connection.unsentBytes <= this.#host.limits.unsentBytes;
  }

  /** Runs when what is pending now has been handed to the connection; never after the end. */
  afterPending(run: () => void): void {
    if (this.#list === undefined) run();
    else this.#afterPending.push(run);
  }

  /** Hands over what is pending if the connection takes bytes; else it stays until {@link drained}. */
  flush(): void {
    const list = this.#list;
    if (list === undefined || this.#isClosed) return;
    const { clock, meter, limits } = this.#host;
    if (!this.#connection.ready) {
      this.#stuckSince ??= clock.monotonic();
      return;
    }
    this.#list = undefined;
    this.#connection.send(list.parcel(this.#connection.form));
    meter.writes += 1;
    meter.delivered += list.count;
    meter.bytes += list.size;
    this.#lastSentAt = clock.monotonic();
    meter.witness.wrote(list, this.#recipient, this.#lastSentAt);
    this.#noteUnsent(this.#lastSentAt, limits.behindBytes);
    this.#runAfterPending();
  }

  /** What was just handed over may have filled the connection. */
  #noteUnsent(now: number, behindBytes: number): void {
    if (this.#connection.ready) return;
    this.#stuckSince ??= now;
    if (this.#connection.unsentBytes > behindBytes) this.#isBehind = true;
  }

  #runAfterPending(): void {
    if (this.#afterPending.length === 0) return;
    const waiting = this.#afterPending;
    this.#afterPending = [];
    for (const run of waiting) run();
  }

  /** The connection takes bytes again: hands over what waits. */
  protected drained(): void {
    this.#stuckSince = undefined;
    this.#isBehind = false;
    this.flush();
  }

  /** All that waits, in order; it waits here no longer. */
  protected takeBack(): Item[] {
    const items = this.#list?.items() ?? [];
    this.#list = undefined;
    return items;
  }

  /** Of what was taken back, this waits on. */
  protected keep(list: Sequence): void {
    if (list.count > 0) this.#list = list;
    else this.#runAfterPending();
  }

  /** Hands over the last words whether or not the connection drains, and takes nothing more. */
  close(): void {
    if (this.#list !== undefined && !this.#isClosed) this.#connection.send(this.#list.parcel(this.#connection.form));
    this.#isClosed = true;
    this.#list = undefined;
    this.#afterPending = [];
  }
}
