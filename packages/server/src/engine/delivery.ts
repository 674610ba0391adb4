/**
 * At-least-once delivery on one connection (contract 30-transactions "Delivery guarantee"): what is in flight, up to a window,
 * and when it is sent again. What does not fit waits in the log.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import { AckedPosition, type AckedState } from "./acked.ts";
import type { Clock } from "./clock.ts";
import type { Message } from "./message.ts";

export interface DeliveryRules {
  /** Events in flight unacknowledged. */
  readonly window: number;
  /** After so long without its ack an event is sent again, then after twice as long, and so on. */
  readonly redeliverMs: number;
  /** How often an event is sent on one connection; then it waits for the next. */
  readonly sends: number;
}

/** Sent on this connection and not acknowledged. Holds the message: at most a window of them. */
export interface Flight {
  readonly message: Message;
  /** The same event on other topics that the client follows. */
  readonly others: Message[];
  /** How often it was sent, on all connections. */
  attempt: number;
  /** On this one. */
  sends: number;
  /** When it was first sent on this connection, in milliseconds since the epoch. */
  readonly sentAt: number;
  /** On the monotonic clock; Infinity when it is sent no more on this connection. */
  dueAt: number;
}

/** Where a client stands: its position, and how often each event without an ack was sent. */
export interface DeliveryState {
  readonly acked: AckedState;
  readonly attempts: ReadonlyMap<Offset, number>;
}

export class Delivery {
  /** Raised by whatever changes {@link state}. */
  version = 0;
  #position: AckedPosition;
  readonly #rules: DeliveryRules;
  readonly #clock: Clock;
  /** Invariant: every gap of the position that was sent on this connection. In the order of their first sending. */
  readonly #flights = new Map<Offset, Flight>();
  /** How often gaps were sent on connections before, and what a rewind is to send anew was on this one. */
  readonly #before: Map<Offset, number>;
  /** Up to here, what is no gap was acknowledged before and is not told again. */
  #doneTo: Offset;

  constructor(rules: DeliveryRules, clock: Clock, { acked, attempts }: DeliveryState) {
    this.#rules = rules;
    this.#clock = clock;
    this.#before = new Map(attempts);
    this.#position = new AckedPosition(acked, rules.window);
    this.#doneTo = acked.upTo;
  }

  get position(): AckedPosition {
    return this.#position;
  }

  /** Whether an event may be sent now; false while the window is full. */
  takes(offset: Offset): boolean {
    return !this.position.isFull || this.position.isPending(offset);
  }

  /** Acknowledged before this connection, so that a replay passes over it. */
  isDone(offset: Offset): boolean {
    return offset <= this.#doneTo && !this.position.isPending(offset);
  }

  /** The client asked for everything after this once more: acknowledged or not, it is sent again and waits for its ack. */
  rewind(offset: Offset): void {
    this.version += 1;
    this.#doneTo = Math.min(this.#doneTo, offset);
    const { upTo, gaps } = this.#position.toJSON();
    const kept = { upTo: Math.min(upTo, offset), gaps: gaps.filter((gap) => gap <= offset) };
    this.#position = new AckedPosition(kept, this.#rules.window);
    // It goes out anew in its place of the log; by its own deadline it would go out before those that stand before it.
    for (const [each, { attempt }] of this.#flights) {
      if (each <= offset) continue;
      this.#before.set(each, attempt);
      this.#flights.delete(each);
    }
  }

  /** For topics that are followed from here on what stands after this is told, acknowledged on others or not; those go on as they are. */
  alsoAfter(offset: Offset): void {
    this.#doneTo = Math.min(this.#doneTo, offset);
  }

  /** Begins anew after this: nothing before it is waited for any more. Returns how many were. */
  restart(offset: Offset): number {
    this.version += 1;
    const waited = this.#position.inFlight;
    this.#flights.clear();
    this.#before.clear();
    this.#doneTo = 0;
    this.#position = new AckedPosition({ upTo: offset, gaps: [] }, this.#rules.window);
    return waited;
  }

  /** Notes that the message goes out; returns which attempt it is. */
  sending(message: Message): number {
    const { offset } = message;
    this.version += 1;
    const known = this.#flights.get(offset);
    if (known !== undefined && known.message.topic !== message.topic) {
      if (!known.others.some(({ topic }) => topic === message.topic)) known.others.push(message);
      return known.attempt;
    }
    if (offset > this.position.sentTo) this.position.sent(offset);
    else this.position.reopen(offset);
    const attempt = this.#before.get(offset) ?? 0;
    const flight = known ?? { message, others: [], attempt, sends: 0, sentAt: this.#clock.now(), dueAt: Infinity };
    this.#flights.set(offset, flight);
    this.#before.delete(offset);
    return this.again(flight);
  }

  /** Notes that the event goes out once more; returns which attempt it is. */
  again(flight: Flight): number {
    this.version += 1;
    flight.attempt += 1;
    flight.sends += 1;
    const wait = this.#rules.redeliverMs * 2 ** (flight.sends - 1);
    flight.dueAt = flight.sends < this.#rules.sends ? this.#clock.monotonic() + wait : Infinity;
    return flight.attempt;
  }

  /** Whether it was waited for. */
  ack(offset: Offset): boolean {
    this.version += 1;
    this.#flights.delete(offset);
    return this.position.ack(offset);
  }

  /** Those that were waited for. */
  ackUpTo(offset: Offset): Offset[] {
    this.version += 1;
    const acked = this.#position.pending().filter((gap) => gap <= offset);
    for (const each of acked) this.#flights.delete(each);
    this.#position.ackUpTo(offset);
    return acked;
  }

  /** Gives up what was not sent on this connection: the client follows it no more. Returns how many. */
  dropUnsent(): number {
    const unsent = this.#position.pending().filter((gap) => !this.#flights.has(gap));
    for (const gap of unsent) this.ack(gap);
    return unsent.length;
  }

  /** What is to be sent again now, oldest first. */
  due(): Flight[] {
    const now = this.#clock.monotonic();
    const due = [...this.#flights.values()].filter(({ dueAt }) => dueAt <= now);
    return due.sort((a, b) => a.message.offset - b.message.offset);
  }

  /** When something is next to be sent again, on the monotonic clock; Infinity for never. */
  get nextDueAt(): number {
    let next = Infinity;
    for (const { dueAt } of this.#flights.values()) next = Math.min(next, dueAt);
    return next;
  }

  /** In the order of their first sending on this connection; a metric, and what is kept of them. */
  flights(): Iterable<Flight> {
    return this.#flights.values();
  }

  /** As the next connection begins. */
  state(): DeliveryState {
    const acked = this.position.toJSON();
    const attempts = acked.gaps.map((gap) => [gap, this.#flights.get(gap)?.attempt ?? this.#before.get(gap) ?? 1] as const);
    return { acked, attempts: new Map(attempts) };
  }
}
