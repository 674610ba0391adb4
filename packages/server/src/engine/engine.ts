/**
 * The engine: publish → validate → append → views → topics → outboxes, for all products and all transports.
 * It knows neither; clock, ids, log and limits come in through the door (design.md).
 */
import { type ErrorCode, Refusal } from "@broadtape/protocol/errors";
import { type Offset, parseEventId, streamId } from "@broadtape/protocol/event-id";
import type { PublishAnswer, PublishedEvent, StoredEvent } from "@broadtape/protocol/event";
import type { Identity } from "@broadtape/protocol/identity";
import { type Appended, type Log, LogUnavailable } from "../log/log.ts";
import { type CatchUpHost, catchUp } from "./catch-up.ts";
import { Checkpoints } from "./checkpoints.ts";
import { type Clock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import {
  type Allowed,
  type FollowRequest,
  type Followed,
  allow,
  follow,
  newestEntry,
  resumeAt,
  revokeForbidden,
  snapshots,
  unfollow,
} from "./following.ts";
import { type HistoryHost, domainEvent, pageOf, stateAt, tenantsOf } from "./history.ts";
import { type Connection, Message, type Surface } from "./message.ts";
import type { Meter } from "./meter.ts";
import type { Entry, Product } from "./product.ts";
import { Ring } from "./ring.ts";
import { type Applied, apply, retell, route } from "./route.ts";
import { type Following, type Peer, Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { Topics } from "./topics.ts";
import { Turn } from "./turn.ts";
import { type Admitted, type Publisher, type ValidationHost, validate } from "./validate.ts";
import { Views } from "./views.ts";
import { Wheel } from "./wheel.ts";

export interface EngineLimits {
  readonly batchEvents: number;
  readonly unsentBytes: number;
  readonly behindBytes: number;
  readonly slowConsumerMs: number;
  readonly stalledMs: number;
  readonly ringEvents: number;
  readonly ringBytes: number;
  readonly entities: number;
  readonly connections: number;
  readonly connectionsPerUser: number;
  readonly flushWindowMs: number;
  readonly checkpointMs: number;
  readonly reconnectAfterMs: number;
}

export interface EngineOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Unique ids for events and connections. */
  readonly newId: () => string;
  /** In [0, 1); for jitter. */
  readonly random: () => number;
  readonly products: readonly Product[];
  readonly limits: EngineLimits;
  readonly publicTenant: string;
  readonly meter: Meter;
  /** A broken invariant or a failing component; the composition root decides what ends. */
  readonly onFault: (error: unknown) => void;
}

const FOLD_PAGE = 5000;

export class Engine {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly turn: Turn;
  readonly meter: Meter;
  readonly limits: EngineLimits;
  readonly products: readonly Product[];
  readonly publicTenant: string;
  readonly log: Log;
  readonly views: Views;
  readonly topics = new Topics();
  readonly sessions: Sessions;
  readonly checkpoints: Checkpoints;
  readonly newId: () => string;
  readonly #options: EngineOptions;
  readonly #productOf = new Map<string, Product>();
  readonly #validation: ValidationHost;
  readonly #history: HistoryHost;
  readonly #catchUp: CatchUpHost;
  #ring: Ring;
  #routedTo: Offset = 0;
  #routedStoredAt = 0;
  /** Batches are applied in the order of their calls to `append`, which is log order. */
  #applying: Promise<void> = Promise.resolve();
  #started = false;
  #stopping = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.meter = options.meter;
    this.limits = options.limits;
    this.products = options.products;
    this.publicTenant = options.publicTenant;
    this.log = options.log;
    this.newId = options.newId;
    this.wheel = new Wheel(options.clock);
    this.turn = new Turn(options.clock, options.meter, options.limits.flushWindowMs);
    this.views = new Views(options.products);
    this.checkpoints = new Checkpoints(options.log, this.views);
    this.sessions = new Sessions(this);
    this.#ring = new Ring(0, { events: options.limits.ringEvents, bytes: options.limits.ringBytes });
    for (const product of options.products) for (const type of Object.keys(product.types)) this.#productOf.set(type, product);
    this.#validation = this.#validationHost();
    this.#history = this.#historyHost();
    this.#catchUp = this.#catchUpHost();
    new Deadlines(this.views, this.clock, this.wheel, (tenant, event) => this.#publishOwn(tenant, event));
  }

  /** Mark of the log's life. */
  get epoch(): number {
    return this.log.epoch;
  }

  /** Newest offset that views hold and followers were told of. */
  get routedTo(): Offset {
    return this.#routedTo;
  }

  get ring(): Ring {
    return this.#ring;
  }

  /** True once views are caught up and until shutdown begins. */
  get isReady(): boolean {
    return this.#started && !this.#stopping;
  }

  /** Brings the views to the log's head: checkpoint, then what came since. */
  async start(): Promise<void> {
    let after = await this.checkpoints.load();
    for (;;) {
      const page = await this.log.read({ after: Math.max(after, this.log.bounds().oldest - 1), limit: FOLD_PAGE });
      for (const stored of page.events) {
        const product = this.#productOf.get(stored.type);
        if (product !== undefined) this.views.fold(product, domainEvent(stored));
      }
      after = page.upTo;
      if (page.complete) break;
    }
    this.#routedTo = after;
    this.#routedStoredAt = this.log.bounds().headStoredAt;
    this.#ring = new Ring(after, { events: this.limits.ringEvents, bytes: this.limits.ringBytes });
    this.#started = true;
    this.#checkpointLater();
  }

  /**
   * Publishes a batch, all or nothing. Resolves after it is durable, folded and routed.
   * Throws BadEvents, a FORBIDDEN refusal, or LogUnavailable; nothing is stored then.
   */
  async publish(events: readonly unknown[], publisher: Publisher): Promise<PublishAnswer> {
    const receivedAt = this.clock.monotonic();
    const admitted = this.#admit(events, publisher);
    const appending = this.log.append(admitted.map(({ event }) => event));
    // A rejected append is the publisher's to hear of; applying goes on with the next batch.
    const applied = this.#applying
      .then(() => appending)
      .then((appended) => {
        this.#apply(admitted, appended, receivedAt);
      });
    this.#applying = applied.catch((error: unknown) => {
      if (!(error instanceof Error && error.name === "LogUnavailable")) this.#options.onFault(error);
    });
    await applied;
    const appended = await appending;
    return { accepted: appended.length, results: appended.map((place, index) => this.#resultOf(place, admitted[index])) };
  }

  /** Opens a session; throws LIMIT_REACHED. The surface greets it. */
  open(identity: Identity, surface: Surface, connection: Connection, peer: Peer, id = this.newId()): Session {
    if (this.#stopping) throw new Refusal("SHUTTING_DOWN", "the server is shutting down", { reconnectAfterMs: this.reconnectAfterMs() });
    this.sessions.checkRoom(identity);
    const session = new Session(this, id, identity, surface, connection, peer);
    this.sessions.add(session);
    return session;
  }

  follow(session: Session, request: FollowRequest, maxTopics: number, done: (followed: Followed) => void): void {
    follow(this, session, request, maxTopics, done);
  }

  /** True when the session followed it. `name` as the client wrote it. */
  unfollow(session: Session, topic: string): boolean {
    const allowed = allow(this, session.identity, topic);
    return unfollow(this.topics, session, typeof allowed === "string" ? topic : allowed.name);
  }

  /** Changes the rate of a running subscription; false when the session does not follow it. */
  setRate(session: Session, topic: string, maxUpdatesPerSecond: number | undefined): boolean {
    const allowed = allow(this, session.identity, topic);
    const subscription = typeof allowed === "string" ? undefined : session.following.get(allowed.name)?.subscription;
    if (subscription === undefined) return false;
    subscription.minIntervalMs = maxUpdatesPerSecond === undefined ? 0 : 1000 / maxUpdatesPerSecond;
    session.outbox.repace(subscription);
    return true;
  }

  /** A fresh token for an open session: same user and tenant only. What it may no longer follow ends at once. */
  reauthenticate(session: Session, identity: Identity): readonly string[] {
    if (identity.userId !== session.identity.userId || identity.tenant !== session.identity.tenant) {
      throw new Refusal("FORBIDDEN", "the token is of another user or tenant");
    }
    this.sessions.renew(session, identity);
    const ended = revokeForbidden(this, session);
    const words = ended.length > 0 ? session.surface.revoked?.(ended) : undefined;
    if (words !== undefined) session.say(words);
    return ended;
  }

  allow(identity: Identity, topic: string): Allowed | ErrorCode {
    return allow(this, identity, topic);
  }

  /** The newest state of a topic with its own `eventId`, as JSON text ("null" where nothing is known). */
  snapshot(identity: Identity, topic: Allowed): { state: string; cut: string } {
    const [first] = snapshots(this, identity.tenant, topic);
    return { state: first?.state ?? "null", cut: this.cursorAt(this.#routedTo) };
  }

  /** The state of a topic at a past cursor or time; folds the log, so it may take long. */
  async snapshotAt(identity: Identity, topic: Allowed, at: { offset: Offset } | { time: number }): Promise<Entry<unknown> | undefined> {
    return stateAt(this.#history, identity.tenant, topic, at);
  }

  /** Stored events of a topic, oldest first. */
  async history(identity: Identity, topic: Allowed, range: { after: Offset; until: Offset; limit: number }) {
    return pageOf(this.#history, identity.tenant, topic, range);
  }

  /** Where a cursor stands in the log as it is now. */
  resumeAt(cursor: string): { offset: Offset } | { reason: "unknown" | "expired" } {
    return resumeAt(this, cursor);
  }

  /** Milliseconds after which a client should come back, jittered so that they do not all come at once. */
  reconnectAfterMs(): number {
    return Math.round(this.limits.reconnectAfterMs * (0.5 + this.#options.random()));
  }

  /** Tells all clients to reconnect elsewhere, saves the views, closes the log. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const session of [...this.sessions.values()]) {
      session.close(new Refusal("SHUTTING_DOWN", "the server is shutting down", { reconnectAfterMs: this.reconnectAfterMs() }));
    }
    this.turn.flush();
    await this.#applying;
    this.wheel.stop();
    await this.checkpoints.save(this.#routedTo);
    await this.log.close();
  }

  bounds() {
    return this.log.bounds();
  }

  eventIdOf(offset: Offset, storedAt: number): string {
    return streamId(this.log.epoch, offset, storedAt);
  }

  cursorAt(offset: Offset): string {
    // The time is for people to read: resume looks at the offset alone.
    return streamId(this.log.epoch, offset, this.#routedStoredAt);
  }

  parseCursor(text: string): Offset | undefined {
    const id = parseEventId(text);
    return id?.epoch === this.log.epoch ? id.offset : undefined;
  }

  catchUp(session: Session): void {
    if (session.isCatchingUp) return;
    session.isCatchingUp = true;
    catchUp(this.#catchUp, session).then(
      () => {
        session.isCatchingUp = false;
      },
      (error: unknown) => {
        session.isCatchingUp = false;
        session.close(new Refusal("SLOW_CONSUMER", "what was missed could not be read; resume later"));
        this.#options.onFault(error);
      },
    );
  }

  gone(session: Session, code: string): void {
    for (const { subscription } of session.following.values()) this.topics.unfollow(subscription);
    this.sessions.remove(session, code);
  }

  tellNewest(session: Session, { kind, param, subscription }: Following, after: Offset): void {
    const allowed = { kind, param, name: subscription.name };
    const entries = tenantsOf(this, session.identity.tenant, allowed).map((tenant) =>
      this.views.entry(kind.view, tenant, kind.entity(param)),
    );
    const entry = newestEntry(entries);
    if (entry === undefined || entry.offset <= after || kind.newestType === undefined) return;
    session.outbox.push(this.#newestMessage(session, kind.newestType, allowed, entry));
  }

  countResync(): void {
    this.meter.resynced += 1;
  }

  #newestMessage(session: Session, event: string, { kind, param, name }: Allowed, entry: Entry<unknown>): Message {
    return new Message({
      tenant: session.identity.tenant,
      topic: name,
      event,
      data: kind.render(entry.state),
      offset: entry.offset,
      batch: entry.offset,
      eventId: this.eventIdOf(entry.offset, entry.storedAt),
      time: new Date(entry.storedAt).toISOString(),
      correlationId: "",
      key: kind.entity(param),
      receivedAt: 0,
    });
  }

  #admit(events: readonly unknown[], publisher: Publisher): readonly Admitted[] {
    // Before the views are caught up, or while the log closes, nobody could be told.
    if (!this.isReady) throw new LogUnavailable("the server is not ready");
    try {
      return validate(this.#validation, events, publisher);
    } catch (error) {
      this.meter.refused += 1;
      throw error;
    }
  }

  #apply(admitted: readonly Admitted[], appended: readonly Appended[], receivedAt: number): void {
    const batch: Applied[] = [];
    for (const [index, place] of appended.entries()) {
      const source = admitted[index];
      if (source === undefined || place.duplicate) continue;
      const stored: StoredEvent = { ...source.event, offset: place.offset, batch: place.batch, storedAt: place.storedAt };
      const event = {
        type: stored.type,
        data: source.data,
        text: stored.data,
        tenant: stored.tenant,
        offset: stored.offset,
        storedAt: stored.storedAt,
        time: stored.time,
      };
      batch.push({ product: source.product, stored, event, receivedAt });
    }
    this.meter.published += batch.length;
    this.meter.duplicates += appended.length - batch.length;
    const last = batch.at(-1);
    if (last === undefined) return;
    const messages = apply(this, batch);
    route(this, messages);
    this.#routedTo = last.stored.offset;
    this.#routedStoredAt = last.stored.storedAt;
    this.#ring.add(
      last.stored.offset,
      last.stored.storedAt,
      messages.filter(({ key }) => key === undefined),
    );
  }

  #resultOf(place: Appended, source: Admitted | undefined) {
    if (source === undefined) throw new Error("the log answered for more events than it was given");
    const eventId = source.product.spellEventId?.(this.log.epoch, place.offset) ?? this.eventIdOf(place.offset, place.storedAt);
    return { id: source.event.id, eventId, offset: place.offset, duplicate: place.duplicate };
  }

  async #publishOwn(tenant: string, event: PublishedEvent): Promise<void> {
    if (!this.isReady) throw new Error("the engine is not started");
    await this.publish([event], { userId: "broadtape", tenant, anyTenant: false, correlationId: event.id ?? this.newId(), isServer: true });
  }

  #validationHost(): ValidationHost {
    return {
      products: this.products,
      limits: this.limits,
      isFull: () => this.views.isFull(this.limits.entities),
      now: () => this.clock.now(),
      newId: this.newId,
    };
  }

  #historyHost(): HistoryHost {
    return { log: this.log, epoch: this.log.epoch, publicTenant: this.publicTenant, productOf: (type) => this.#productOf.get(type) };
  }

  #catchUpHost(): CatchUpHost {
    const ring = () => this.#ring;
    const routedTo = () => this.#routedTo;
    return {
      log: this.log,
      get ring() {
        return ring();
      },
      get routedTo() {
        return routedTo();
      },
      now: () => this.clock.now(),
      messagesOf: (stored) => {
        const product = this.#productOf.get(stored.type);
        return product === undefined ? [] : retell(this, product, domainEvent(stored), stored);
      },
      countReplayed: (messages) => {
        this.meter.replayed += messages;
      },
    };
  }

  #checkpointLater(): void {
    this.wheel.arm(this.limits.checkpointMs, () => {
      if (this.#stopping) return;
      this.checkpoints.save(this.#routedTo).catch(this.#options.onFault);
      this.#checkpointLater();
    });
  }
}
