/**
 * The one way through the house, readable top to bottom: publish → validate → append, then `applying.ts`: apply to views → route.
 * Everything after `append` is synchronous and in log order, so views and outboxes agree at every point.
 */
import { type Offset, streamId } from "@broadtape/protocol/event-id";
import type { PublishAnswer, PublishResult, PublishedEvent, StoredEvent } from "@broadtape/protocol/event";
import { type Appended, type Guard, type GuardedTopic, type Log, LogUnavailable, Overtaken, type SharedLog } from "../log/log.ts";
import { Guards, admitAll, guardsOf } from "./admission.ts";
import { Applying } from "./applying.ts";
import type { Clock } from "./clock.ts";
import { domainEvent } from "./history.ts";
import type { Message } from "./message.ts";
import type { Meter } from "./meter.ts";
import type { Product } from "./product.ts";
import type { Ring } from "./ring.ts";
import { type Applied, type RouteHost, retell } from "./route.ts";
import type { Topics } from "./topics.ts";
import type { Turn } from "./turn.ts";
import { type Admitted, BadEvents, type Checked, type Publisher, type ValidationHost, admit, check } from "./validate.ts";
import type { Views } from "./views.ts";
import type { Wire } from "../wire/wire.ts";
import type { Wheel } from "./wheel.ts";

export interface PublishingOptions {
  readonly log: Log | SharedLog;
  /** Between nodes; without it each finds in the log what others stored. */
  readonly wire?: Wire | undefined;
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly newId: () => string;
  readonly products: readonly Product[];
  readonly views: Views;
  readonly topics: Topics;
  readonly turn: Turn;
  readonly meter: Meter;
  readonly limits: {
    readonly batchEvents: number;
    readonly waitingEvents: number;
    readonly entities: number;
    readonly ringEvents: number;
    readonly ringBytes: number;
  };
  readonly onFault: (error: unknown) => void;
  /** Called after each batch, when its followers have been told. */
  readonly onRouted: () => void;
  /** As in Applying. */
  readonly onLost: (error: Error) => void;
  /** As in `applying.ts`. */
  readonly awake: () => Promise<void> | undefined;
}

/**
 * How often a batch is admitted and overtaken by what other nodes store for the same entity, before its publisher is to come again.
 * Each time another batch has gone in; under two that never pause, one of five or so attempts succeeds.
 */
const ATTEMPTS = 50;

/** A publishing request. */
interface Asked {
  readonly events: readonly unknown[];
  readonly publisher: Publisher;
  readonly receivedAt: number;
}

export class Publishing {
  readonly #options: PublishingOptions;
  readonly #productOf = new Map<string, Product>();
  readonly #validation: ValidationHost;
  readonly #routing: RouteHost;
  readonly #guards: Guards;
  readonly #applying: Applying;

  constructor(options: PublishingOptions) {
    const { views, topics, turn, clock, limits, products, newId } = options;
    this.#options = options;
    for (const product of products) for (const type of Object.keys(product.types)) this.#productOf.set(type, product);
    this.#guards = new Guards(limits.waitingEvents);
    this.#validation = { products, limits, isFull: () => views.isFull(limits.entities), now: () => clock.now(), newId };
    this.#routing = { views, topics, turn, eventIdOf: (offset, storedAt) => this.eventIdOf(offset, storedAt) };
    this.#applying = new Applying({ ...options, routing: this.#routing, productOf: (type) => this.productOf(type) });
  }

  /** Newest offset that views hold and followers were told of. */
  get routedTo(): Offset {
    return this.#applying.routedTo;
  }

  get ring(): Ring {
    return this.#applying.ring;
  }

  onStored(hear: (stored: StoredEvent) => void): void {
    this.#applying.onStored(hear);
  }

  productOf(type: string): Product | undefined {
    return this.#productOf.get(type);
  }

  /** Folds the log's events after `after` into the views, then takes events. */
  open(after: Offset): Promise<void> {
    return this.#applying.open(after);
  }

  /** As {@link Applying.catchUp}. */
  catchUp(): Promise<void> {
    return this.#applying.catchUp();
  }

  /** Takes nothing more; resolves when everything that was taken is applied. */
  close(): Promise<void> {
    return this.#applying.close();
  }

  /**
   * Publishes a batch, all or nothing. Resolves after it is durable, folded and routed.
   * Rejects with BadEvents, a FORBIDDEN refusal, or LogUnavailable; nothing is stored then.
   */
  async publish(events: readonly unknown[], publisher: Publisher): Promise<PublishAnswer> {
    const asked = { events, publisher, receivedAt: this.#options.clock.monotonic() };
    const checked = this.#try(asked, () => check(this.#validation, events, publisher));
    const guards = guardsOf(checked);
    if (guards.length === 0) {
      return this.#store(
        this.#try(asked, () => admit(this.#validation, checked, this.#options.views)),
        asked,
      );
    }
    return this.#guards.pass(guards, checked.length, () => this.#storeGuarded(checked, guards, asked));
  }

  /**
   * Admits on what the log says, and stores where it says so still. What other nodes stored meanwhile is folded, and it is admitted
   * again; nothing is refused either before everything is folded that was stored when it was asked.
   */
  async #storeGuarded(checked: readonly Checked[], topics: readonly GuardedTopic[], asked: Asked): Promise<PublishAnswer> {
    const { views, log } = this.#options;
    // Who stores alone has folded everything.
    let isCurrent = !("refresh" in log);
    let known: ReadonlySet<number> | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const after = this.routedTo;
      const { admitted, repeated, faults, doubts } = this.#try(asked, () => admitAll({ ...this.#validation, views }, checked, known));
      if (faults.length === 0) {
        const stored = await this.#store(admitted, asked, { after, topics, repeated });
        if (!(stored instanceof Overtaken)) return stored;
        known = stored.repeated;
      } else if (isCurrent) {
        this.#refuse(asked, new BadEvents([...faults, ...doubts].sort((a, b) => a.index - b.index)));
      }
      // A log that was overtaken was looked at under its lock just now.
      const folding = known === undefined ? this.#applying.catchUp() : this.#applying.applyKnown();
      await folding.catch((error: unknown) => this.#failed(asked, error));
      isCurrent = true;
    }
    this.#refuse(asked, new LogUnavailable("other nodes keep storing events of the same entity"));
  }

  /** Appends what is admitted; resolves when it is folded and routed too, or when its guard did not hold. */
  async #store(admitted: readonly Admitted[], asked: Asked): Promise<PublishAnswer>;
  async #store(admitted: readonly Admitted[], asked: Asked, guard: Guard): Promise<PublishAnswer | Overtaken>;
  async #store(admitted: readonly Admitted[], asked: Asked, guard?: Guard): Promise<PublishAnswer | Overtaken> {
    this.#checkOpen();
    const events = admitted.map(({ event }) => event);
    const appending = this.#options.log.append(events, guard);
    try {
      await this.#applying.own(appending, (appended) => this.#batchOf(admitted, appended, asked.receivedAt));
    } catch (error) {
      return error instanceof Overtaken ? error : this.#failed(asked, error);
    }
    const appended = await appending;
    return { accepted: appended.length, results: appended.map((place, index) => this.#resultOf(place, admitted[index])) };
  }

  /** What the server publishes by itself: states that lapsed. */
  async publishOwn(tenant: string, event: PublishedEvent & { readonly id: string }): Promise<void> {
    await this.publish([event], { userId: "broadtape", tenant, anyTenant: false, correlationId: event.id, isServer: true });
  }

  /** What lossless followers were told of a stored event. */
  messagesOf(stored: StoredEvent): readonly Message[] {
    const product = this.#productOf.get(stored.type);
    return product === undefined ? [] : retell(this.#routing, product, domainEvent(stored), stored);
  }

  eventIdOf(offset: Offset, storedAt: number): string {
    return streamId(this.#options.log.epoch, offset, storedAt);
  }

  /** The id of the event at this offset: a cursor is one, so that cursors and ids sort as one. */
  cursorAt(offset: Offset): string {
    return streamId(this.#options.log.epoch, offset, this.#applying.storedAt(offset));
  }

  /** Before the views are caught up, or while the log closes, nobody could be told. */
  #checkOpen(): void {
    if (!this.#applying.isOpen) throw new LogUnavailable("the server is not ready");
  }

  #try<T>(asked: Asked, check: () => T): T {
    this.#checkOpen();
    try {
      return check();
    } catch (error) {
      return this.#refuse(asked, error);
    }
  }

  /** The log could not say or take something. */
  #failed(asked: Asked, error: unknown): never {
    if (error instanceof LogUnavailable) this.#refuse(asked, error);
    this.#options.onFault(error);
    throw error;
  }

  #refuse(asked: Asked, error: unknown): never {
    this.#noteRefused(asked, error);
    throw error;
  }

  #noteRefused({ events, publisher: { tenant, userId, correlationId, tellsRefusals } }: Asked, error: unknown): void {
    if (tellsRefusals === true) return;
    const { meter } = this.#options;
    meter.refused += 1;
    meter.witness.refused({ tenant, userId, correlationId, events, error });
  }

  #batchOf(admitted: readonly Admitted[], appended: readonly Appended[], receivedAt: number): readonly Applied[] {
    const batch: Applied[] = [];
    for (const [index, place] of appended.entries()) {
      const source = admitted[index];
      if (source !== undefined && !place.duplicate) batch.push(appliedOf(source, place, receivedAt));
    }
    this.#options.meter.published += batch.length;
    this.#options.meter.duplicates += appended.length - batch.length;
    return batch;
  }

  #resultOf(place: Appended, source: Admitted | undefined): PublishResult {
    if (source === undefined) throw new Error("the log answered for more events than it was given");
    const spelling = source.product.spellEventId?.(this.#options.log.epoch, place.offset);
    const eventId = spelling ?? this.eventIdOf(place.offset, place.storedAt);
    return { id: source.event.id, eventId, offset: place.offset, duplicate: place.duplicate };
  }
}

function appliedOf({ product, event, data }: Admitted, { offset, batch, storedAt }: Appended, receivedAt: number): Applied {
  const { type, tenant, time, data: text } = event;
  const stored: StoredEvent = { ...event, offset, batch, storedAt };
  return { product, stored, event: { type, data, text, tenant, offset, storedAt, time }, receivedAt };
}
