/**
 * What one session is owed: a lossless lane whose backlog is the log, and a conflated lane with one value a key
 * (design.md, idea 3; contract 00-common "Delivery classes").
 *
 * Order: lossless messages leave in log order; a conflated value never overtakes a newer one of its key, nor a lossless
 * message before it: while the lossless lane reads the log, values wait for their place in it. A slow reader costs at most
 * `unsentBytes` of references and one value per key.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Delivery } from "./delivery.ts";
import { type HeldValue, HeldValues, type HeldValuesHost, type HeldValuesOwner } from "./held-values.ts";
import { KeptCursor } from "./kept-cursor.ts";
import { type Connection, Message, type Surface, type Words } from "./message.ts";
import { Outgoing, type OutgoingHost } from "./outgoing.ts";
import { dueAt, noteTold } from "./pace.ts";
import type { Notice } from "./sequence.ts";
import type { Subscription } from "./topics.ts";
import type { Recipient } from "./witness.ts";

/** What all outboxes share. */
export interface OutboxHost extends OutgoingHost, HeldValuesHost {
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

export class Outbox extends Outgoing implements HeldValuesOwner {
  readonly #host: OutboxHost;
  readonly #owner: OutboxOwner;
  readonly #surface: Surface;
  readonly #connection: Connection;
  readonly #held: HeldValues;
  /** Where the client keeps one. */
  readonly #cursor: KeptCursor | undefined;
  #last: Message | undefined;
  /** False while the lossless lane reads the log instead of the live stream. */
  #flowing = true;
  /** Where the lossless lane stands while it does not flow, or while something is pending: every event up to here was sent. */
  #sentTo: Offset = 0;
  /** Set where events wait for acks. */
  delivery: Delivery | undefined;
  /** Since when events wait in the log for acks of those before them, on the monotonic clock. */
  awaitsAcksSince: number | undefined;

  constructor(host: OutboxHost, owner: OutboxOwner, surface: Surface, connection: Connection) {
    super(host, owner.recipient, connection);
    this.#host = host;
    this.#owner = owner;
    this.#surface = surface;
    this.#connection = connection;
    this.#held = new HeldValues(host, this);
    this.#cursor = connection.form.keepsCursor === true ? new KeptCursor() : undefined;
  }

  get flowing(): boolean {
    return this.#flowing;
  }

  /** Values that wait for their time or for the connection; a metric. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** Values that a newer one replaced before they were sent; a metric. */
  get conflated(): number {
    return this.#held.conflated;
  }

  /** Every lossless event up to and including this one was sent or is none of this session's. */
  get sentTo(): Offset {
    return this.#flowing && this.isEmpty ? this.#host.routedTo : this.#sentTo;
  }

  /** As {@link sentTo}, but not past a conflated value that still waits: a client that resumes from here misses nothing. */
  get passedTo(): Offset {
    return this.#held.notPassedTo(this.sentTo);
  }

  /** Hot path: one call a message and follower. */
  deliver(subscription: Subscription, message: Message): void {
    if (message.offset <= subscription.from || this.#passesOver(message)) return;
    if (subscription.filter !== undefined && !subscription.filter(message)) return;
    if (message.key === undefined) {
      if (this.#flowing) this.#sendLossless(message);
      // What was not sent, or let go again, comes in its place of the log.
      if (!this.#flowing) return;
    } else if (subscription.minIntervalMs === 0 && this.takesValues && this.#held.size === 0) {
      this.push(message);
    } else {
      this.#offer(subscription, message, message.key);
    }
    this.#last = message;
  }

  /** Values leave as they come: nothing older is still to be read from the log, and the connection keeps up. */
  get takesValues(): boolean {
    return this.#flowing && !this.isBehind;
  }

  /** The newest value of a key, from before the subscription: told now, or in its place while the lossless lane reads the log. */
  tellNewest(subscription: Subscription, message: Message, key: string): void {
    if (this.#flowing) this.#sendValue(subscription, message, 0);
    else this.#held.hold(subscription, message, key);
  }

  /** A message out of the ring or the log; false where this session is not told of it. */
  replay(message: Message): boolean {
    if (this.#passesOver(message)) return false;
    if (this.#held.oldest < message.offset) this.#releaseBefore(message.offset);
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

  /** Says something to this session alone, after what it is owed so far. */
  say(words: Words): void {
    this.push({ words, size: words.body.length + 64 });
  }

  push(item: Message | Notice): void {
    if (this.isClosed) return;
    if (this.#cursor !== undefined && item instanceof Message) this.#cursor.sent(item);
    if (this.#flowing && this.isEmpty) this.#sentTo = this.#host.routedTo;
    if (!this.owe(item)) this.#overflow();
  }

  /** The connection drained. */
  ready(): void {
    if (this.isClosed) return;
    this.drained();
    if (!this.#connection.ready) return;
    if (this.#flowing) this.#releaseAll();
    this.#owner.drained();
  }

  /** Lets the lossless lane go on from the log after `offset`. What is pending is sent all the same. */
  rewind(offset: Offset): void {
    this.#sentTo = offset;
    this.#cursor?.back(offset);
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
    if (this.isBehind) return;
    this.#releaseBefore(Infinity);
    this.#held.since = undefined;
  }

  /** A new rate counts from the next value on; waiting ones are sent as soon as it allows. */
  repace(subscription: Subscription): void {
    this.#held.repace(subscription);
  }

  /** Hands over the last words whether or not the connection drains, and takes nothing more. */
  override close(): void {
    // What is handed over now may reach nobody: the place stays before it.
    this.#sentTo = this.sentTo;
    this.#flowing = false;
    super.close();
    this.#held.clear();
  }

  /** The connection takes nothing: what can be had again from the log or the newest value is let go. */
  #overflow(): void {
    let kept = this.#host.turn.empty;
    for (const item of this.takeBack()) {
      if (!(item instanceof Message)) kept = kept.then(item);
      else if (item.key !== undefined) this.#held.hold(undefined, item, item.key);
      else if (!this.#flowing) kept = kept.then(item);
    }
    if (kept.size > this.#host.limits.unsentBytes) {
      this.#owner.overrun();
      return;
    }
    this.keep(kept);
    if (!this.#flowing) return;
    this.#flowing = false;
    this.#last = undefined;
    this.#cursor?.back(this.#sentTo);
    this.#host.meter.paused += 1;
    this.#owner.paused();
  }

  #offer(subscription: Subscription, message: Message, key: string): void {
    const waits = this.#held.has(message, key);
    if (!waits && this.takesValues && dueAt(subscription, key) <= this.#host.clock.monotonic()) {
      // What is due and only waits for its timer would else open a window of its own.
      if (subscription.window !== undefined && this.#held.size > 0) this.#releaseBefore(Infinity);
      this.#sendValue(subscription, message, 0);
    } else {
      this.#held.hold(subscription, message, key);
    }
  }

  /** A value that waited for its time; where the connection takes nothing, it goes with all others when that does. */
  due(value: HeldValue): void {
    if (this.takesValues && this.#connection.ready) this.#release(value);
  }

  #releaseBefore(offset: Offset): void {
    for (const value of this.#held.dueBefore(offset)) this.#release(value);
    this.#held.noteOldest();
  }

  /** Sends what waited for the connection; what waits for its time goes on waiting. */
  #releaseAll(): void {
    const due = this.#held.dueBefore(Infinity);
    const heldSince = this.#held.since;
    this.#held.since = undefined;
    if (due.length === 0) return;
    const lagging = this.#surface.lagging?.("conflated", Math.max(0, this.#host.clock.now() - (heldSince ?? Infinity)));
    const tells = due.some((value) => value.subscription?.minIntervalMs === 0);
    if (tells && lagging !== undefined) this.say(lagging);
    for (const value of due) this.#release(value);
    const caughtUp = this.#surface.caughtUp?.();
    if (tells && lagging !== undefined && caughtUp !== undefined) this.say(caughtUp);
  }

  #release(value: HeldValue): void {
    this.#held.remove(value);
    if (this.#owner.wants(value.message)) this.#sendValue(value.subscription, value.message, value.replaced);
  }

  #sendValue(subscription: Subscription | undefined, message: Message, replaced: number): void {
    if (subscription !== undefined && subscription.minIntervalMs > 0) {
      noteTold(subscription, message.key ?? "", this.#host.clock.monotonic());
    }
    const words = replaced > 0 ? this.#surface.wordConflated?.(message, replaced) : undefined;
    const cursor = this.#cursor?.goingWith(message, this.#held.oldest);
    if (cursor !== undefined) {
      const id = this.#host.cursorAt(cursor);
      this.push({ words: { ...(words ?? this.#surface.word(message)), id }, size: message.size, of: message, replaced });
    } else if (words === undefined) this.push(message);
    else this.push({ words, size: message.size, of: message, replaced });
  }
}
