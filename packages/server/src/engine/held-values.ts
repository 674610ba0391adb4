/**
 * The values of one session that wait, for their time or for the connection: of each key the newest, and how many older ones it
 * stands for. Bounded by the keys of what the session follows.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Clock } from "./clock.ts";
import type { Message } from "./message.ts";
import type { Meter } from "./meter.ts";
import { dueAt } from "./pace.ts";
import type { Subscription } from "./topics.ts";
import type { Deadline, Wheel } from "./wheel.ts";

export interface HeldValue {
  message: Message;
  /** How many older ones it stands for. */
  replaced: number;
  /** Not before this time on the monotonic clock. */
  dueAt: number;
  /** Undefined where it was on its way already, and waits for the connection alone. */
  readonly subscription: Subscription | undefined;
  deadline: Deadline | undefined;
}

export interface HeldValuesHost {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly meter: Meter;
}

/** Who sends what waited. */
export interface HeldValuesOwner {
  /** Values leave as soon as they are due; else they wait for more than their time. */
  readonly takesValues: boolean;
  /** Its time has come. */
  due(value: HeldValue): void;
}

/** For so few values the oldest is known exactly; for more it is looked at so often. */
const EXACTLY_NOTED = 32;
const NOTED_EACH_MS = 100;

export class HeldValues {
  readonly #host: HeldValuesHost;
  readonly #owner: HeldValuesOwner;
  /** By topic and key. */
  readonly #values = new Map<string, HeldValue>();
  #oldest: Offset = Infinity;
  /** When that was last looked at. */
  #notedAt = -Infinity;
  /** Since when some wait, on the wall clock; whoever tells of it begins anew. */
  since: number | undefined;
  /** Values that a newer one replaced; a metric. */
  conflated = 0;

  constructor(host: HeldValuesHost, owner: HeldValuesOwner) {
    this.#host = host;
    this.#owner = owner;
  }

  get size(): number {
    return this.#values.size;
  }

  /** No value that waits is older; may be too low: a cursor that lags a little misses nothing. */
  get oldest(): Offset {
    return this.#oldest;
  }

  has(message: Message, key: string): boolean {
    return this.#values.has(idOf(message, key));
  }

  hold(subscription: Subscription | undefined, message: Message, key: string): void {
    const id = idOf(message, key);
    const held = this.#values.get(id);
    if (held !== undefined) {
      this.#replace(held, message);
      return;
    }
    this.since ??= this.#host.clock.now();
    const due = subscription === undefined ? 0 : dueAt(subscription, key);
    const value: HeldValue = { message, replaced: 0, dueAt: due, deadline: undefined, subscription };
    this.#values.set(id, value);
    this.#oldest = Math.min(this.#oldest, message.offset);
    this.#arm(value);
  }

  #replace(held: HeldValue, message: Message): void {
    if (held.message.offset > message.offset) return;
    held.message = message;
    held.replaced += 1;
    this.conflated += 1;
    this.#host.meter.conflated += 1;
  }

  #arm(value: HeldValue): void {
    const wait = value.dueAt - this.#host.clock.monotonic();
    // What is due and waits all the same is released with the others.
    value.deadline = wait <= 0 && !this.#owner.takesValues ? undefined : this.#host.wheel.arm(wait, () => this.#owner.due(value));
  }

  /** A new rate counts from the next value on; waiting ones are due as soon as it allows. */
  repace(subscription: Subscription): void {
    for (const value of this.#values.values()) {
      if (value.subscription !== subscription) continue;
      this.#host.wheel.disarm(value.deadline);
      value.dueAt = dueAt(subscription, value.message.key ?? "");
      this.#arm(value);
    }
  }

  /** What waits no longer for its time and stands before `offset` in the log, in log order. */
  dueBefore(offset: Offset): HeldValue[] {
    const now = this.#host.clock.monotonic();
    const due = [...this.#values.values()].filter((value) => value.dueAt <= now && value.message.offset < offset);
    return due.sort((a, b) => a.message.offset - b.message.offset);
  }

  /** It waits no longer. */
  remove(value: HeldValue): void {
    this.#host.wheel.disarm(value.deadline);
    this.#values.delete(idOf(value.message, value.message.key ?? ""));
    const now = this.#host.clock.monotonic();
    if (this.#values.size > EXACTLY_NOTED && now - this.#notedAt < NOTED_EACH_MS) return;
    this.#notedAt = now;
    this.noteOldest();
  }

  /** From now on {@link oldest} is exact, until the next one goes. */
  noteOldest(): void {
    this.#oldest = this.#exactlyOldest();
  }

  /** The newest place up to `offset` that passes no value which waits. */
  notPassedTo(offset: Offset): Offset {
    return Math.min(offset, this.#exactlyOldest() - 1);
  }

  #exactlyOldest(): Offset {
    let oldest = Infinity;
    for (const { message } of this.#values.values()) oldest = Math.min(oldest, message.offset);
    return oldest;
  }

  clear(): void {
    for (const value of this.#values.values()) this.#host.wheel.disarm(value.deadline);
    this.#values.clear();
    this.#oldest = Infinity;
  }
}

function idOf(message: Message, key: string): string {
  return `${message.topic}\u0000${key}`;
}
