/** Gives each event to each of its callbacks until that one has succeeded, and to none twice; says when all have. */
import { ledgerId, parseEventId } from "@broadtape/protocol/event-id";
import type { FeedEventMessage } from "@broadtape/protocol/products/transactions/messages";

/** One registration: the same function may be there twice. */
export interface Taker {
  /** What it returns is waited for where it is a promise. */
  readonly callback: (message: FeedEventMessage) => unknown;
}

export interface HandOutEvents {
  /** All callbacks have succeeded, now or at an earlier delivery. */
  onHandled(eventId: string): void;
  /** What a callback threw. */
  onError(error: unknown): void;
}

interface Told {
  readonly type: FeedEventMessage["type"];
  readonly succeeded: Set<Taker>;
}

/** Far more than is ever in flight: the server sends again only what it has no ack of. */
const MIN_REMEMBERED = 4096;

export class HandOut {
  readonly #events: HandOutEvents;
  readonly #remembered: number;
  /** Invariant: the newest events that need no callback any more, with their type; at most `#remembered`. */
  readonly #handled = new Map<string, FeedEventMessage["type"]>();
  /** Callbacks are at work on these. Bounded by the server's window. */
  readonly #running = new Map<string, Told>();
  /** A callback has failed. At most `#remembered`. */
  readonly #failed = new Map<string, Told>();

  /** @param window events that the server sends without their acks */
  constructor(window: number, events: HandOutEvents) {
    this.#remembered = Math.max(MIN_REMEMBERED, 4 * window);
    this.#events = events;
  }

  take(message: FeedEventMessage, takers: Iterable<Taker>): void {
    const { eventId } = message;
    if (this.#handled.has(eventId)) {
      // Its ack was lost.
      this.#events.onHandled(eventId);
      return;
    }
    // Sent again because a callback takes its time: it is acknowledged when that one is done.
    if (this.#running.has(eventId)) return;
    const told = this.#failed.get(eventId) ?? { type: message.type, succeeded: new Set() };
    const due = [...takers].filter((taker) => !told.succeeded.has(taker));
    this.#running.set(eventId, told);
    const promises = due.flatMap((taker) => this.#call(taker, message, told.succeeded) ?? []);
    const finish = () => this.#finish(eventId, due, told);
    if (promises.length === 0) finish();
    else void Promise.all(promises).then(finish);
  }

  /** A place in the log such that whatever was told up to there needs no callback any more; undefined before anything was. */
  get position(): string | undefined {
    // Balances as they stand are told ahead of events that are older, and anew with each subscription.
    const open = [...this.#running, ...this.#failed].flatMap(([eventId, { type }]) => (type === "balance" ? [] : eventId)).sort();
    if (open[0] !== undefined) return before(open[0]);
    return [...this.#handled].reduce<string | undefined>((newest, [eventId, type]) => {
      return type === "balance" || (newest !== undefined && newest > eventId) ? newest : eventId;
    }, undefined);
  }

  /** What comes now is of somebody else, or of another life of the log. */
  forget(): void {
    this.#handled.clear();
    this.#failed.clear();
  }

  /** The promise of one that has not finished yet; it never rejects. */
  #call(taker: Taker, message: FeedEventMessage, succeeded: Set<Taker>): Promise<unknown> | undefined {
    try {
      const result = taker.callback(message);
      if (isPromiseLike(result)) {
        return Promise.resolve(result).then(
          () => succeeded.add(taker),
          (error: unknown) => this.#events.onError(error),
        );
      }
      succeeded.add(taker);
    } catch (error) {
      this.#events.onError(error);
    }
    return undefined;
  }

  #finish(eventId: string, due: readonly Taker[], told: Told): void {
    this.#running.delete(eventId);
    this.#failed.delete(eventId);
    if (due.every((taker) => told.succeeded.has(taker))) {
      this.#handled.set(eventId, told.type);
      trim(this.#handled, this.#remembered);
      this.#events.onHandled(eventId);
    } else {
      this.#failed.set(eventId, told);
      trim(this.#failed, this.#remembered);
    }
  }
}

/** The place in the log just before an event. */
function before(eventId: string): string | undefined {
  const place = parseEventId(eventId);
  return place && ledgerId(place.epoch, place.offset - 1);
}

function trim(map: Map<string, unknown>, size: number): void {
  if (map.size <= size) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
