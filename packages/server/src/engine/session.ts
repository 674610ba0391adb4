/** One authenticated client connection on one surface: its identity, what it follows, and its outbox. */
import { Refusal } from "@broadtape/protocol/errors";
import type { Offset } from "@broadtape/protocol/event-id";
import type { Identity } from "@broadtape/protocol/identity";
import type { Delivery, Flight } from "./delivery.ts";
import type { Journal } from "./journal.ts";
import type { Connection, Message, Surface, Words } from "./message.ts";
import { Outbox, type OutboxHost, type OutboxOwner } from "./outbox.ts";
import type { TopicKind } from "./product.ts";
import { type Subscription, isPattern, matchesPattern } from "./topics.ts";
import type { Deadline } from "./wheel.ts";
import type { Recipient } from "./witness.ts";

/** What a session follows under one name. */
export interface Following {
  readonly kind: TopicKind;
  readonly param: string;
  readonly subscription: Subscription;
}

/** Facts of the connection, for logs and operators. */
export interface Peer {
  readonly address: string;
  readonly userAgent: string | undefined;
  readonly clientId?: string | undefined;
  readonly correlationId: string;
}

/** What the engine does for a session. */
export interface SessionHost extends OutboxHost {
  readonly limits: OutboxHost["limits"];
  /** The spelling of the newest event id at or before this offset. */
  cursorAt(offset: Offset): string;
  catchUp(session: Session): void;
  acked(session: Session, offsets: readonly Offset[]): void;
  readonly journal: Journal;
  gone(session: Session, code: string): void;
  /** After how long a client should come back, jittered. */
  reconnectAfterMs(): number;
}

/** When to look again whether a connection takes bytes. */
const STUCK_MS = 1000;
/** Refusals that tell of a limit. */
const LIMITS: ReadonlySet<string> = new Set(["RATE_LIMITED", "LIMIT_REACHED", "SLOW_CONSUMER"]);

export class Session {
  readonly id: string;
  readonly surface: Surface;
  readonly connection: Connection;
  readonly peer: Peer;
  readonly recipient: Recipient;
  readonly outbox: Outbox;
  readonly since: number;
  /** By the name the client used. Bounded by the surface's limit of topics. */
  readonly following = new Map<string, Following>();
  identity: Identity;
  /** Set while catch-up runs, so that it runs once. */
  isCatchingUp = false;
  /** Was told that it is behind, and not yet that it has caught up. */
  isLagging = false;
  /** Called when the lossless lane's place in the log is no longer kept; without it the session is closed. */
  onExpired: ((from: Offset) => void) | undefined;
  readonly #host: SessionHost;
  readonly #deadlines = new Map<string, Deadline>();
  #heardAt: number;
  #closed = false;
  /** Actions that wait until the lossless lane flows again. Bounded by the surface's command limits. */
  #whenFlowing: (() => void)[] = [];

  constructor(host: SessionHost, id: string, identity: Identity, surface: Surface, connection: Connection, peer: Peer) {
    this.#host = host;
    this.id = id;
    this.identity = identity;
    this.surface = surface;
    this.connection = connection;
    this.peer = peer;
    this.since = host.clock.now();
    this.#heardAt = host.clock.monotonic();
    const { tenant, userId } = identity;
    this.recipient = { connectionId: id, tenant, userId, clientId: peer.clientId, surface: surface.name };
    this.outbox = new Outbox(host, this.#owner(), surface, connection);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** When the client last showed a sign of life, on the monotonic clock. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Any packet is a sign of life, the protocol's own pong included. */
  heard(): void {
    this.#heardAt = this.#host.clock.monotonic();
  }

  /** Says something to this client alone, in order with everything else it is sent. */
  say(words: Words): void {
    this.outbox.say(words);
  }

  /** Cursor of the newest event that this session was sent or has passed. */
  get cursor(): string {
    return this.#host.cursorAt(this.outbox.passedTo);
  }

  /** Runs now if the lossless lane is live, else as soon as it is. */
  whenFlowing(run: () => void): void {
    if (this.outbox.flowing) run();
    else this.#whenFlowing.push(run);
  }

  /** The catch-up reached the live stream. */
  flow(): void {
    this.outbox.flow();
    const waiting = this.#whenFlowing;
    this.#whenFlowing = [];
    for (const run of waiting) run();
  }

  /** From now on lossless events are acknowledged: sent up to a window, and again until they are. */
  guarantee(delivery: Delivery): void {
    this.outbox.delivery = delivery;
  }

  /** Acks of these came in: what waited for them goes on. */
  acked(offsets: readonly Offset[]): void {
    this.#host.acked(this, offsets);
    this.#host.meter.witness.acked(this.recipient, offsets, this.#host.clock.monotonic());
    this.outbox.awaitsAcksSince = undefined;
    if (!this.outbox.flowing) this.#host.catchUp(this);
  }

  #redeliverLater(): void {
    const { delivery } = this.outbox;
    if (delivery === undefined || this.#deadlines.get("redelivery")?.done === false) return;
    const { nextDueAt } = delivery;
    if (nextDueAt === Infinity) return;
    this.arm("redelivery", nextDueAt - this.#host.clock.monotonic(), () => {
      // Nothing is sent again to a connection that has not yet taken the first.
      if (this.outbox.idle) for (const flight of delivery.due()) this.#redeliver(flight, delivery.again(flight));
      if (this.outbox.idle || delivery.nextDueAt > this.#host.clock.monotonic()) this.#redeliverLater();
      else this.arm("redelivery", STUCK_MS, () => this.#redeliverLater());
    });
  }

  #redeliver({ message, others }: Flight, attempt: number): void {
    for (const each of [message, ...others]) this.outbox.redeliver(each, attempt);
  }

  /** Arms a named deadline of this session in place of the one of that name before. */
  arm(name: string, ms: number, run: () => void): void {
    this.#host.wheel.disarm(this.#deadlines.get(name));
    if (!this.#closed) this.#deadlines.set(name, this.#host.wheel.arm(ms, run));
  }

  disarm(name: string): void {
    this.#host.wheel.disarm(this.#deadlines.get(name));
    this.#deadlines.delete(name);
  }

  /** Notes for operators that this client hit a limit; other refusals are passed over. */
  noteLimit({ code, message }: Pick<Refusal, "code" | "message">): void {
    if (LIMITS.has(code)) this.#host.meter.witness.limited(this.recipient, code, message);
  }

  /** Ends the connection by the server's will: tells why, flushes, closes. Nothing is delivered after it. */
  close(refusal: Refusal, reconnect = true): void {
    if (this.#closed) return;
    this.noteLimit(refusal);
    this.say(this.surface.refuse(refusal));
    const reconnectAfterMs = refusal.details.reconnectAfterMs ?? this.#host.reconnectAfterMs();
    const farewell = this.surface.farewell?.(refusal, reconnect ? reconnectAfterMs : undefined);
    if (farewell !== undefined) this.say(farewell);
    this.#end(refusal.code);
    this.connection.close(refusal);
  }

  /** The client or the network ended the connection. */
  lost(): void {
    this.#end("lost");
  }

  #wants(message: Message): boolean {
    const exact = this.following.get(message.topic)?.subscription;
    if (exact !== undefined) return message.offset > exact.from;
    for (const [name, { subscription }] of this.following) {
      if (isPattern(name) && message.offset > subscription.from && matchesPattern(name, message.topic)) return true;
    }
    return false;
  }

  #end(code: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.outbox.close();
    for (const deadline of this.#deadlines.values()) this.#host.wheel.disarm(deadline);
    this.#deadlines.clear();
    this.#whenFlowing = [];
    this.#host.gone(this, code);
    this.following.clear();
  }

  #owner(): OutboxOwner {
    return {
      recipient: this.recipient,
      paused: () => {
        this.#host.meter.witness.limited(this.recipient, "PAUSED", "the connection does not keep up; what it missed comes out of the log");
        this.#host.journal.overflowed(this);
        this.#host.catchUp(this);
      },
      drained: () => {
        if (!this.outbox.flowing) this.#host.catchUp(this);
      },
      wants: (message: Message) => this.#wants(message),
      reported: (message: Message) => {
        this.#host.journal.delivered(this, message);
      },
      sent: () => {
        this.#redeliverLater();
      },
      overrun: () => {
        // Not in the middle of routing: others are being told.
        this.#host.clock.endOfTurn(() => {
          this.close(new Refusal("SLOW_CONSUMER", "more is owed to this connection than it takes"));
        });
      },
    };
  }
}
