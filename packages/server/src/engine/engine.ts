/**
 * The engine: publish → validate → append → views → topics → outboxes, for all products and all transports.
 * It knows neither; clock, ids, log and limits come in through the door (design.md).
 */
import { type ErrorCode, Refusal } from "@broadtape/protocol/errors";
import type { Offset } from "@broadtape/protocol/event-id";
import type { PublishAnswer, StoredEvent } from "@broadtape/protocol/event";
import type { Identity } from "@broadtape/protocol/identity";
import { alone } from "../cluster/alone.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Log } from "../log/log.ts";
import { catchUp } from "./catch-up.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { Clock } from "./clock.ts";
import { type Journal, NO_JOURNAL } from "./journal.ts";
import { Deadlines } from "./deadlines.ts";
import { Derived } from "./derived.ts";
import type { EngineLimits, EngineOptions } from "./engine-options.ts";
import { type Allowed, allow } from "./entitlement.ts";
import { type FollowRequest, type Followed, follow, resumeAt, revokeForbidden, setRate, unfollow } from "./following.ts";
import { pageOf, stateAt } from "./history.ts";
import type { Connection, Message, Surface } from "./message.ts";
import type { Meter } from "./meter.ts";
import type { Entry, Lookup, Product } from "./product.ts";
import { Publishing } from "./publish.ts";
import { Reach } from "./reach.ts";
import { type RecentRequest, beforeRecent } from "./recent.ts";
import type { Ring } from "./ring.ts";
import { type Peer, Session } from "./session.ts";
import { type Seat, Sessions } from "./sessions.ts";
import { lookupOf, snapshots } from "./snapshots.ts";
import { Subscribers } from "./subscribers.ts";
import { Ticker } from "./ticker.ts";
import { Topics } from "./topics.ts";
import { Turn } from "./turn.ts";
import type { Publisher } from "./validate.ts";
import { Views } from "./views.ts";
import { Wheel } from "./wheel.ts";

export class Engine {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly turn: Turn;
  readonly meter: Meter;
  readonly limits: EngineLimits;
  readonly products: readonly Product[];
  readonly publicTenant: string;
  readonly log: Log;
  readonly cluster: Cluster;
  /** One of several nodes, or of one that others may join. */
  readonly isShared: boolean;
  readonly views: Views;
  readonly topics = new Topics();
  readonly sessions: Sessions;
  readonly checkpoints: Checkpoints;
  readonly ticker: Ticker;
  readonly derived: Derived;
  readonly subscribers: Subscribers;
  readonly journal: Journal;
  readonly newId: () => string;
  readonly #options: EngineOptions;
  readonly #publishing: Publishing;
  readonly #reach: Reach;
  readonly #ackedHearers: ((identity: Identity, offset: Offset) => void)[] = [];
  #started = false;
  #stopping = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.meter = options.meter;
    this.limits = options.limits;
    this.journal = options.journal ?? NO_JOURNAL;
    this.products = options.products;
    this.publicTenant = options.publicTenant;
    this.log = options.log;
    this.newId = options.newId;
    this.cluster = options.cluster ?? alone({ id: options.newId(), name: "alone" }, () => options.clock.monotonic());
    this.isShared = options.cluster !== undefined && "onMoved" in options.log;
    this.wheel = new Wheel(options.clock);
    this.turn = new Turn(options.clock, options.meter, options.limits.flushWindowMs);
    this.views = new Views(options.products, options.overKeptMs);
    this.checkpoints = new Checkpoints(options.log, this.views);
    this.sessions = new Sessions(this);
    this.ticker = new Ticker(this);
    this.derived = new Derived(this);
    this.subscribers = new Subscribers(this, options.subscriptions);
    this.views.onChange = (view, tenant, entity) => {
      this.ticker.changed(view, tenant, entity);
      this.derived.changed(view, tenant, entity);
    };
    this.topics.onFollowed = (topic) => {
      this.ticker.followed(topic);
      this.derived.followed(topic);
    };
    this.topics.onLeft = (topic) => {
      this.ticker.left(topic);
      this.derived.left(topic);
    };
    const onRouted = () => {
      this.ticker.routed();
      this.derived.routed();
    };
    const onLost = (error: Error) => {
      this.onFault(error);
      this.#sendAway();
    };
    const { wheel, views, topics, turn } = this;
    this.#publishing = new Publishing({ ...options, wheel, views, topics, turn, onRouted, onLost, awake: () => this.cluster.awake() });
    this.#reach = new Reach(this, () => this.#publishing.catchUp());
    // Until it is started nothing is published: what is due then is tried again.
    new Deadlines(this.views, this.clock, this.wheel, (tenant, event) => this.#publishing.publishOwn(tenant, event));
  }

  /** Mark of the log's life. */
  get epoch(): number {
    return this.log.epoch;
  }

  get onFault(): (error: unknown) => void {
    return this.#options.onFault;
  }

  /** Newest offset that views hold and followers were told of. */
  get routedTo(): Offset {
    return this.#publishing.routedTo;
  }

  get ring(): Ring {
    return this.#publishing.ring;
  }

  /** True once views are caught up and until shutdown begins. */
  get isReady(): boolean {
    return this.#started && !this.#stopping;
  }

  /** Brings the views to the log's head: checkpoint, then what came since. */
  async start(): Promise<void> {
    // What is gone before anybody can have saved a checkpoint of it since is not to be had any more.
    const { oldest } = this.log.bounds();
    await this.#publishing.open(Math.max(await this.checkpoints.load(), oldest - 1));
    this.#started = true;
    this.#checkpointLater();
  }

  /**
   * Publishes a batch, all or nothing. Resolves after it is durable, folded and routed.
   * Rejects with BadEvents, a FORBIDDEN refusal, or LogUnavailable; nothing is stored then.
   */
  publish(events: readonly unknown[], publisher: Publisher): Promise<PublishAnswer> {
    return this.#publishing.publish(events, publisher);
  }

  /** Throws SHUTTING_DOWN or LIMIT_REACHED where {@link open} would. */
  checkRoom(identity: Identity): void {
    if (this.#stopping) throw new Refusal("SHUTTING_DOWN", "the server is shutting down", { reconnectAfterMs: this.reconnectAfterMs() });
    this.sessions.checkRoom(identity);
  }

  /**
   * Takes a seat for a connection that is about to be opened under this id, among those of all nodes; resolves when it is one more of its
   * user's, and everything is here that it may have been told elsewhere. Rejects with SHUTTING_DOWN or LIMIT_REACHED. `claim`: what the client
   * calls itself, and on what surface.
   */
  async enter(identity: Identity, connectionId: string, claim?: string): Promise<Seat> {
    this.checkRoom(identity);
    const seat = await this.sessions.enter(identity, connectionId, claim);
    await this.current();
    return seat;
  }

  /** Resolves when everything is here that was stored when this was asked, or that takes too long; undefined where nobody else stores. */
  current(): Promise<void> | undefined {
    return this.#reach.current();
  }

  /** Resolves when what was stored up to there has arrived here, whoever stored it, or that takes too long. */
  reach(offset: Offset): Promise<void> {
    return this.#reach.to(offset);
  }

  /** Opens a session; throws SHUTTING_DOWN or LIMIT_REACHED. The surface greets it. */
  open(identity: Identity, surface: Surface, connection: Connection, peer: Peer, id = this.newId()): Session {
    this.checkRoom(identity);
    const session = new Session(this, id, identity, surface, connection, peer);
    this.sessions.add(session);
    return session;
  }

  /** `done` is not called where the session is sent back. */
  follow(session: Session, request: FollowRequest, maxTopics: number, done: (followed: Followed) => void): void {
    if (this.sendBack(session, request.after)) return;
    follow(this, session, request, maxTopics, done);
  }

  /** True when the session followed it. `name` as the client wrote it. */
  unfollow(session: Session, topic: string): boolean {
    const allowed = allow(this, session.identity, topic);
    return unfollow(this.topics, session, typeof allowed === "string" ? topic : allowed.name);
  }

  /** Changes the rate of a running subscription; false when the session does not follow it. */
  setRate(session: Session, topic: string, maxUpdatesPerSecond: number | undefined): boolean {
    return setRate(this, session, topic, maxUpdatesPerSecond);
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

  /** What readers of a tenant may look up in the views. */
  lookup(tenant: string): Lookup {
    return lookupOf(this, tenant);
  }

  allow(identity: Identity, topic: string): Allowed | ErrorCode {
    return allow(this, identity, topic);
  }

  /** The newest state of a topic with its own `eventId`, as JSON text ("null" where nothing is known). */
  snapshot(identity: Identity, topic: Allowed): { state: string; cut: string } {
    const [first] = snapshots(this, identity.tenant, topic);
    return { state: first?.state ?? "null", cut: this.cursorAt(this.routedTo) };
  }

  /** The state of a topic at a past cursor or time; folds the log, so it may take long. */
  async snapshotAt(
    identity: Identity,
    topic: Allowed,
    at: { offset: Offset } | { time: number },
  ): Promise<Entry<unknown> | "expired" | undefined> {
    return stateAt(this, identity.tenant, topic, at);
  }

  /** Stored events of a topic, oldest first. */
  async history(identity: Identity, topic: Allowed, range: { after: Offset; until: Offset; limit: number }) {
    return pageOf(this, identity.tenant, topic, range);
  }

  /** The place right before the newest events of some topics; undefined where there are none. */
  beforeRecent(request: RecentRequest): Promise<Offset | undefined> {
    return beforeRecent(this, request);
  }

  /** Where a cursor stands in the log as it is now. */
  resumeAt(cursor: string): { offset: Offset } | { reason: "unknown" | "expired" } {
    return resumeAt(this, cursor);
  }

  /**
   * Ends a session that has been told elsewhere what this node cannot know, because the log does not answer it: here it would be shown an older state,
   * and told everything since once more. It goes on at another node, or later. True where that is so.
   */
  sendBack(session: Session, cursor: string | undefined): boolean {
    if (cursor === undefined || !this.#reach.isBeyond(cursor)) return false;
    const reconnectAfterMs = this.reconnectAfterMs();
    session.close(new Refusal("SHUTTING_DOWN", "this server cannot tell yet what came after what you know", { reconnectAfterMs }));
    return true;
  }

  /** Milliseconds after which a client should come back, jittered so that they do not all come at once. */
  reconnectAfterMs(): number {
    return Math.round(this.limits.reconnectAfterMs * (0.5 + this.#options.random()));
  }

  /** Tells all clients to reconnect elsewhere, saves the views, closes the log. */
  async stop(): Promise<void> {
    this.#sendAway();
    await this.subscribers.flush().catch(this.onFault);
    await this.#publishing.close();
    this.wheel.stop();
    // What is not kept is folded again at the next start.
    await this.checkpoints.save(this.routedTo).catch(this.onFault);
    await this.log.close();
  }

  /** Nobody is served from now on. Clients go on elsewhere, or here after a start. */
  #sendAway(): void {
    this.#stopping = true;
    for (const session of [...this.sessions.values()]) {
      session.close(new Refusal("SHUTTING_DOWN", "the server is shutting down", { reconnectAfterMs: this.reconnectAfterMs() }));
    }
    this.turn.flush();
  }

  bounds() {
    return this.log.bounds();
  }

  eventIdOf(offset: Offset, storedAt: number): string {
    return this.#publishing.eventIdOf(offset, storedAt);
  }

  cursorAt(offset: Offset): string {
    return this.#publishing.cursorAt(offset);
  }

  productOf(type: string): Product | undefined {
    return this.#publishing.productOf(type);
  }

  messagesOf(stored: StoredEvent): readonly Message[] {
    return this.#publishing.messagesOf(stored);
  }

  catchUp(session: Session): void {
    catchUp(this, session).catch((error: unknown) => {
      session.close(new Refusal("SLOW_CONSUMER", "what was missed could not be read; resume later"));
      this.#options.onFault(error);
    });
  }

  gone(session: Session, code: string): void {
    for (const { subscription } of session.following.values()) this.topics.unfollow(subscription);
    this.sessions.remove(session, code);
    this.journal.ended(session, code);
    this.subscribers.left(session);
  }

  /** Hears of every event once it was routed, in log order. */
  onStored(hear: (stored: StoredEvent) => void): void {
    this.#publishing.onStored(hear);
  }

  /** Hears of every ack of a lossless event. */
  onAcked(hear: (identity: Identity, offset: Offset) => void): void {
    this.#ackedHearers.push(hear);
  }

  acked(session: Session, offsets: readonly Offset[]): void {
    for (const hear of this.#ackedHearers) for (const offset of offsets) hear(session.identity, offset);
  }

  countResync(): void {
    this.meter.resynced += 1;
  }

  #checkpointLater(): void {
    this.wheel.arm(this.limits.checkpointMs, () => {
      if (this.#stopping) return;
      this.checkpoints.save(this.routedTo).catch(this.#options.onFault);
      this.#checkpointLater();
    });
  }
}
