/**
 * What one session is owed: a lossless lane whose backlog is the log, and a conflated lane with one value a key
 * (design.md, idea 3; contract 00-common "Delivery classes").
 *
 * Order: lossless messages leave in log order; a conflated value never overtakes a newer one of its key, nor a lossless
 * message before it: while the lossless lane reads the log, values wait for their place in it. A slow reader costs at most
 * `unsentBytes` of references and one value per key.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Clock } from "./clock.ts";
import type { Delivery } from "./delivery.ts";
import { type Connection, Message, type Surface, type Words } from "./message.ts";
import type { Meter } from "./meter.ts";
import type { Notice, Sequence } from "./sequence.ts";
import type { Held, Subscription } from "./topics.ts";
import type { Turn } from "./turn.ts";
import type { Deadline, Wheel } from "./wheel.ts";
import type { Recipient } from "./witness.ts";

/** What all outboxes share. */
export interface OutboxHost {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly turn: Turn;
  readonly meter: Meter;
  readonly limits: { readonly unsentBytes: number; readonly behindBytes: number };
  /** Newest offset that was routed, and while a batch is routed the newest before it. */
  readonly routedTo: Offset;
  /** The spelling of a place in the log. */
  cursorAt(offset: Offset): string;
}

/** Callbacks to the session that owns the outbox. */
export interface OutboxOwner {
  readonly recipient: Recipient;
  /** The lossless lane left the live stream; it goes on from `sentTo` when the connection drains. */
  paused(): void;
  /** The connection takes bytes again. */
  drained(): void;
  /** Whether a value that waited is still followed and newer than the snapshot of it. */
  wants(message: Message): boolean;
  /** An event was sent that waits for its ack. */
  sent(): void;
  /** A message was sent whose delivery the operator wants to see. */
  reported(message: Message): void;
  /** More is owed to this session alone than it may ever be owed. */
  overrun(): void;
}

interface HeldValue extends Held {
  deadline: Deadline | undefined;
  readonly subscription: Subscription | undefined;
}

const EXACTLY_NOTED = 32;
const NOTED_EACH_MS = 100;

export class Outbox {
  readonly #host: OutboxHost;
  readonly #owner: OutboxOwner;
  readonly #surface: Surface;
  readonly #connection: Connection;
  #pending: Sequence | undefined;
  /** Bounded by the surface's command limits. */
  #afterPending: (() => void)[] = [];
  /** By topic and key: the newest value that could not be sent yet. */
  readonly #held = new Map<string, HeldValue>();
  /** No value that waits is older; may be too low. */
  #oldestHeld: Offset = Infinity;
  /** When that was last looked at. */
  #notedAt = -Infinity;
  /** Where the newest cursor stands that went out with a value or event, on wires where the client keeps it. */
  #cursor: Offset = 0;
  #last: Message | undefined;
  #behind = false;
  #heldSince: number | undefined;
  #closed = false;
  /** False while the lossless lane reads the log instead of the live stream. */
  #flowing = true;
  /** Where the lossless lane stands while it does not flow, or while something is pending: every event up to here was sent. */
  #sentTo: Offset = 0;
  /** Set where events wait for acks. */
  delivery: Delivery | undefined;
  /** Since when events wait in the log for acks of those before them, on the monotonic clock. */
  awaitsAcksSince: number | undefined;
  /** When the connection stopped taking bytes, on the monotonic clock. */
  stuckSince: number | undefined;
  /** When something was last sent. */
  lastSentAt: number;
  /** Values that a newer one replaced before they were sent; a metric. */
  conflated = 0;

  constructor(host: OutboxHost, owner: OutboxOwner, surface: Surface, connection: Connection) {
    this.#host = host;
    this.#owner = owner;
    this.#surface = surface;
    this.#connection = connection;
    this.lastSentAt = host.clock.monotonic();
  }

  get flowing(): boolean {
    return this.#flowing;
  }

  /** Values that wait for their time or for the connection; a metric. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** Bytes that wait here and in the connection; a metric. */
  get queuedBytes(): number {
    return (this.#pending?.size ?? 0) + this.#connection.unsentBytes;
  }

  /** Nothing waits and the connection takes bytes. */
  get idle(): boolean {
    return this.#pending === undefined && this.#connection.ready;
  }

  /** Every lossless event up to and including this one was sent or is none of this session's. */
  get sentTo(): Offset {
    return this.#flowing && this.#pending === undefined ? this.#host.routedTo : this.#sentTo;
  }

  /** As {@link sentTo}, but not past a conflated value that still waits: a client that resumes from here misses nothing. */
  get passedTo(): Offset {
    let offset = this.sentTo;
    for (const { message } of this.#held.values()) offset = Math.min(offset, message.offset - 1);
    return offset;
  }

  /** Hot path: one call a message and follower. */
  deliver(subscription: Subscription, message: Message): void {
    if (message.offset <= subscription.from || this.#passesOver(message)) return;
    if (subscription.filter !== undefined && !subscription.filter(message)) return;
    if (message.key === undefined) {
      if (this.#flowing) this.#sendLossless(message);
      // What was not sent, or let go again, comes in its place of the log.
      if (!this.#flowing) return;
    } else if (subscription.minIntervalMs === 0 && this.#takesValues && this.#held.size === 0) {
      this.push(message);
    } else {
      this.#offer(subscription, message, message.key);
    }
    this.#last = message;
  }

  /** Values leave as they come: nothing older is still to be read from the log, and the connection keeps up. */
  get #takesValues(): boolean {
    return this.#flowing && !this.#behind;
  }

  /** The newest value of a key, from before the subscription: told now, or in its place while the lossless lane reads the log. */
  tellNewest(subscription: Subscription, message: Message, key: string): void {
    if (this.#flowing) this.#sendValue(subscription, message, 0);
    else this.#hold(subscription, message, key);
  }

  /** A message out of the ring or the log; false where this session is not told of it. */
  replay(message: Message): boolean {
    if (this.#passesOver(message)) return false;
    if (this.#oldestHeld < message.offset) this.#releaseBefore(message.offset);
    this.#sendLossless(message);
    this.#last = message;
    return true;
  }

  /** False where the event has to wait for acks of those before it: see {@link awaitAcks}. */
  takes(offset: Offset): boolean {
    return this.delivery?.takes(offset) !== false;
  }

  /** The lossless lane stops before this event; it goes on when acks have made room. */
  awaitAcks(offset: Offset): void {
    this.#sentTo = offset - 1;
    this.#flowing = false;
    this.awaitsAcksSince ??= this.#host.clock.monotonic();
  }

  /** Sends an event again that was not acknowledged. */
  redeliver(message: Message, attempt: number): void {
    this.#host.meter.redelivered += 1;
    const words = this.#surface.wordRedelivered?.(message, attempt);
    this.push(words === undefined ? message : { words, size: message.size, of: message, attempt });
  }

  #sendLossless(message: Message): void {
    const { delivery } = this;
    if (this.#surface.reports?.(message) === true) this.#owner.reported(message);
    if (delivery === undefined) {
      this.push(message);
      return;
    }
    if (!delivery.takes(message.offset)) {
      this.awaitAcks(message.offset);
      return;
    }
    const attempt = delivery.sending(message);
    if (attempt > 1) this.redeliver(message, attempt);
    else this.push(message);
    this.#owner.sent();
  }

  /** Told already on another topic, or nothing that this surface has words for. */
  #passesOver(message: Message): boolean {
    const last = this.#last;
    if (message === last) return true;
    if (this.#surface.tells?.(message) === false) return true;
    // Values have a key and an order of their own.
    if (this.#surface.isOneFeed !== true || last === undefined || message.key !== undefined) return false;
    return last.offset === message.offset && last.event === message.event;
  }

  /** Runs when what is pending now has been handed to the connection; never after the session's end. */
  afterPending(run: () => void): void {
    if (this.#pending === undefined) run();
    else this.#afterPending.push(run);
  }

  /** Says something to this session alone, after what it is owed so far. */
  say(words: Words): void {
    this.push({ words, size: words.body.length + 64 });
  }

  push(item: Message | Notice): void {
    if (this.#closed) return;
    if (item instanceof Message && item.offset > this.#cursor && item.eventId !== "") this.#cursor = item.offset;
    if (this.#pending === undefined) {
      if (this.#flowing) this.#sentTo = this.#host.routedTo;
      this.#pending = this.#host.turn.empty.then(item);
      this.#host.turn.add(this);
    } else {
      this.#pending = this.#pending.then(item);
    }
    const { size } = this.#pending;
    if (size > this.#host.limits.behindBytes && !this.#connection.ready) {
      this.#behind = true;
      if (size + this.#connection.unsentBytes > this.#host.limits.unsentBytes) this.#overflow();
    }
  }

  /** Hands what is pending to the connection if that takes bytes; else it stays until {@link ready}. */
  flush(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#closed) return;
    const { clock, meter, limits } = this.#host;
    if (!this.#connection.ready) {
      this.stuckSince ??= clock.monotonic();
      return;
    }
    this.#pending = undefined;
    this.#connection.send(pending.parcel(this.#connection.form));
    meter.writes += 1;
    meter.delivered += pending.count;
    meter.bytes += pending.size;
    this.lastSentAt = clock.monotonic();
    meter.witness.wrote(pending, this.#owner.recipient, this.lastSentAt);
    this.#noteUnsent(this.lastSentAt, limits.behindBytes);
    this.#runAfterPending();
  }

  #runAfterPending(): void {
    if (this.#afterPending.length === 0) return;
    const waiting = this.#afterPending;
    this.#afterPending = [];
    for (const run of waiting) run();
  }

  /** What was just handed over may have filled the connection. */
  #noteUnsent(now: number, behindBytes: number): void {
    if (this.#connection.ready) return;
    this.stuckSince ??= now;
    if (this.#connection.unsentBytes > behindBytes) this.#behind = true;
  }

  /** The connection drained. */
  ready(): void {
    if (this.#closed) return;
    this.stuckSince = undefined;
    this.#behind = false;
    this.flush();
    if (!this.#connection.ready) return;
    if (this.#flowing) this.#releaseAll();
    this.#owner.drained();
  }

  /** Lets the lossless lane go on from the log after `offset`. What is pending is sent all the same. */
  rewind(offset: Offset): void {
    this.#sentTo = offset;
    this.#cursor = Math.min(this.#cursor, offset);
    this.#last = undefined;
    this.#flowing = false;
  }

  /** Catch-up sent everything up to `offset`. */
  advance(offset: Offset): void {
    this.#sentTo = offset;
  }

  /** The lossless lane has caught up with what was routed: from here on it is told live, and so are values. */
  flow(): void {
    this.#flowing = true;
    if (this.#behind) return;
    this.#releaseBefore(Infinity);
    this.#heldSince = undefined;
  }

  /** A new rate counts from the next value on; waiting ones are sent as soon as it allows. */
  repace(subscription: Subscription): void {
    for (const value of this.#held.values()) {
      if (value.subscription !== subscription) continue;
      this.#host.wheel.disarm(value.deadline);
      value.dueAt = this.#dueAt(subscription, value.message.key ?? "");
      this.#arm(value);
    }
  }

  /** Hands over the last words whether or not the connection drains, and takes nothing more. */
  close(): void {
    const pending = this.#pending;
    // What is handed over now may reach nobody: the place stays before it.
    this.#sentTo = this.sentTo;
    this.#flowing = false;
    if (pending !== undefined && !this.#closed) this.#connection.send(pending.parcel(this.#connection.form));
    this.#closed = true;
    this.#pending = undefined;
    for (const value of this.#held.values()) this.#host.wheel.disarm(value.deadline);
    this.#held.clear();
    this.#oldestHeld = Infinity;
    this.#afterPending = [];
  }

  /** The connection takes nothing: what can be had again from the log or the newest value is let go. */
  #overflow(): void {
    const items = this.#pending?.items() ?? [];
    this.#pending = undefined;
    let kept = this.#host.turn.empty;
    for (const item of items) {
      if (!(item instanceof Message)) kept = kept.then(item);
      else if (item.key !== undefined) this.#hold(undefined, item, item.key);
      else if (!this.#flowing) kept = kept.then(item);
    }
    if (kept.size > this.#host.limits.unsentBytes) {
      this.#owner.overrun();
      return;
    }
    if (kept.count > 0) this.#pending = kept;
    else this.#runAfterPending();
    if (!this.#flowing) return;
    this.#flowing = false;
    this.#last = undefined;
    this.#cursor = Math.min(this.#cursor, this.#sentTo);
    this.#host.meter.paused += 1;
    this.#owner.paused();
  }

  #offer(subscription: Subscription, message: Message, key: string): void {
    const waits = this.#held.has(heldKey(message, key));
    if (!waits && this.#takesValues && this.#dueAt(subscription, key) <= this.#host.clock.monotonic()) {
      // What is due and only waits for its timer would else open a window of its own.
      if (subscription.window !== undefined && this.#held.size > 0) this.#releaseBefore(Infinity);
      this.#sendValue(subscription, message, 0);
    } else {
      this.#hold(subscription, message, key);
    }
  }

  #hold(subscription: Subscription | undefined, message: Message, key: string): void {
    const id = heldKey(message, key);
    const held = this.#held.get(id);
    if (held !== undefined) {
      if (held.message.offset > message.offset) return;
      held.message = message;
      held.replaced += 1;
      this.conflated += 1;
      this.#host.meter.conflated += 1;
      return;
    }
    this.#heldSince ??= this.#host.clock.now();
    const dueAt = subscription === undefined ? 0 : this.#dueAt(subscription, key);
    const value: HeldValue = { message, replaced: 0, dueAt, deadline: undefined, subscription };
    this.#held.set(id, value);
    this.#oldestHeld = Math.min(this.#oldestHeld, message.offset);
    this.#arm(value);
  }

  #arm(value: HeldValue): void {
    const wait = value.dueAt - this.#host.clock.monotonic();
    value.deadline =
      wait <= 0 && !this.#takesValues
        ? undefined
        : this.#host.wheel.arm(wait, () => {
            if (this.#takesValues && this.#connection.ready) this.#release(value);
          });
  }

  /** What waits no longer for its time and stands before `offset` in the log, in log order. */
  #dueBefore(offset: Offset): HeldValue[] {
    const now = this.#host.clock.monotonic();
    const due = [...this.#held.values()].filter((value) => value.dueAt <= now && value.message.offset < offset);
    return due.sort((a, b) => a.message.offset - b.message.offset);
  }

  #releaseBefore(offset: Offset): void {
    for (const value of this.#dueBefore(offset)) this.#release(value);
    this.#noteOldest();
  }

  /** Sends what waited for the connection; what waits for its time goes on waiting. */
  #releaseAll(): void {
    const due = this.#dueBefore(Infinity);
    const heldSince = this.#heldSince;
    this.#heldSince = undefined;
    if (due.length === 0) return;
    const lagging = this.#surface.lagging?.("conflated", Math.max(0, this.#host.clock.now() - (heldSince ?? Infinity)));
    const tells = due.some((value) => value.subscription?.minIntervalMs === 0);
    if (tells && lagging !== undefined) this.say(lagging);
    for (const value of due) this.#release(value);
    const caughtUp = this.#surface.caughtUp?.();
    if (tells && lagging !== undefined && caughtUp !== undefined) this.say(caughtUp);
  }

  #release(value: HeldValue): void {
    this.#host.wheel.disarm(value.deadline);
    this.#held.delete(heldKey(value.message, value.message.key ?? ""));
    this.#noteReleased();
    if (this.#owner.wants(value.message)) this.#sendValue(value.subscription, value.message, value.replaced);
  }

  /** Exact for few values, which is what most hold; for many once in a while: a cursor that lags a little misses nothing. */
  #noteReleased(): void {
    const now = this.#host.clock.monotonic();
    if (this.#held.size > EXACTLY_NOTED && now - this.#notedAt < NOTED_EACH_MS) return;
    this.#notedAt = now;
    this.#noteOldest();
  }

  #noteOldest(): void {
    let oldest = Infinity;
    for (const { message } of this.#held.values()) oldest = Math.min(oldest, message.offset);
    this.#oldestHeld = oldest;
  }

  #sendValue(subscription: Subscription | undefined, message: Message, replaced: number): void {
    if (subscription !== undefined && subscription.minIntervalMs > 0) {
      const now = this.#host.clock.monotonic();
      if (subscription.window === undefined) subscription.sentAt.set(message.key ?? "", now);
      else subscription.window.sentAt = now;
    }
    const words = replaced > 0 ? this.#surface.wordConflated?.(message, replaced) : undefined;
    const cursor = this.#connection.form.keepsCursor === true ? this.#cursorWith(message) : undefined;
    if (cursor !== undefined)
      this.push({ words: { ...(words ?? this.#surface.word(message)), id: cursor }, size: message.size, of: message, replaced });
    else if (words === undefined) this.push(message);
    else this.push({ words, size: message.size, of: message, replaced });
  }

  /**
   * The cursor that a client may keep once it has this value, where that is not the value's own id: it never passes a value that
   * still waits, and never goes back. Resuming from it misses nothing.
   */
  #cursorWith({ offset, eventId }: Message): string | undefined {
    if (eventId === "") return undefined;
    const passed = Math.min(offset, this.#oldestHeld - 1);
    if (passed === offset && offset >= this.#cursor) {
      this.#cursor = offset;
      return undefined;
    }
    this.#cursor = Math.max(this.#cursor, passed);
    return this.#host.cursorAt(this.#cursor);
  }

  #dueAt(subscription: Subscription, key: string): number {
    if (subscription.minIntervalMs === 0) return 0;
    const sentAt = subscription.window?.sentAt ?? subscription.sentAt.get(key) ?? -Infinity;
    return sentAt + subscription.minIntervalMs;
  }
}

function heldKey(message: Message, key: string): string {
  return `${message.topic}\u0000${key}`;
}
