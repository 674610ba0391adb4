/**
 * Clients that name themselves (contract 30-transactions "Delivery guarantee"): what they follow and how far they have
 * acknowledged outlives connection, process and machine. Written behind, in batches: no database stands between an event and
 * its delivery; it is read once, when a client comes.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import { RegistryUnavailable, type SubscriptionStore } from "../registry/registry.ts";
import type { KeptSubscription, ListedSubscription, SubscriptionKey } from "../registry/subscriptions.ts";
import { Delivery, type DeliveryRules } from "./delivery.ts";
import { type Kept, KeptClients, type KeptClientsHost, nameOf } from "./kept-clients.ts";
import type { Session } from "./session.ts";
import { type Subscriber, type Wants, epochOf, reviewPlace, stateOf, subscriberOf, versionOf } from "./subscriber.ts";
import { newReplaced, Takeover } from "./takeover.ts";

export interface SubscribersHost extends KeptClientsHost {
  readonly routedTo: Offset;
  readonly newId: () => string;
  bounds(): { readonly oldest: Offset };
  /** As `Engine.reach`. */
  reach(offset: Offset): Promise<void>;
}

/** What somebody asks for over REST, at whatever node. */
type Change = { readonly wants: Partial<Wants> } | { readonly remove: string };

/** How a client that came is to go on. */
export interface Returned {
  readonly subscriber: Subscriber;
  /** Whether it had subscribed before. */
  readonly isKnown: boolean;
  /** What it missed begins after this. */
  readonly after: Offset;
  /** Its place is no more: everything begins anew. */
  readonly lost?: "unknown" | "expired" | undefined;
}

/** A node that slept so long writes nothing any more over what others wrote since. */
const FORGOTTEN_MS = 86_400_000;
const SWEEP_MS = 3_600_000;

/** Another node has the client, for a connection that came later than this one. */
interface Later {
  /** Milliseconds since the epoch. */
  readonly laterThan: number;
}

export class Subscribers {
  readonly #host: SubscribersHost;
  readonly #store: SubscriptionStore;
  readonly #kept: KeptClients;
  readonly #connected = new WeakMap<Session, Kept>();
  /** Reads under way. */
  readonly #loading = new Map<string, Promise<Kept | Later>>();
  readonly #takeover: Takeover;

  constructor(host: SubscribersHost, store: SubscriptionStore) {
    this.#host = host;
    this.#store = store;
    this.#kept = new KeptClients(host, {
      save: (rows) => store.saveSubscriptions(rows),
      onReplaced: (kept) => this.#replaced(kept),
    });
    this.#takeover = new Takeover(host, (taking) => store.takeSubscription(taking), {
      release: (key, since) => this.#releaseTo(key, since),
      replaced: (key, generation) => {
        const kept = this.#kept.get(key);
        if (kept !== undefined && kept.generation < generation) this.#replaced(kept);
      },
      perform: async ({ key, body }) => {
        await this.#loading.get(nameOf(key))?.catch(() => undefined);
        const kept = this.#kept.get(key);
        // What another node of this release wrote.
        return kept && JSON.stringify(await this.#perform(kept, JSON.parse(body) as Change));
      },
    });
    this.#sweepLater();
  }

  /** Clients in memory; a metric. */
  get size(): number {
    return this.#kept.size;
  }

  /**
   * The client of a session that named itself. Another live connection of the same client is closed with REPLACED, and its
   * place taken over. Rejects where the registry cannot be read. Undefined when the session ended meanwhile; `wentOn` tells then what it
   * followed from a cursor of its own, if it did.
   */
  async returned(
    session: Session,
    clientId: string,
    rules: DeliveryRules | undefined,
    wentOn: () => Wants | undefined = () => undefined,
  ): Promise<Returned | undefined> {
    const { tenant, userId } = session.identity;
    const key = { tenant, userId, clientId };
    let loaded = await this.#load(key, session.since);
    while ("laterThan" in loaded && loaded.laterThan < session.since) loaded = await this.#load(key, session.since);
    this.#checkReached(loaded);
    if ("laterThan" in loaded) {
      session.close(newReplaced(), false);
      return undefined;
    }
    if (session.isClosed) {
      const wants = wentOn();
      if (wants !== undefined) this.#wentOn(this.#newest(loaded), session, wants);
      return undefined;
    }
    const kept = this.#newest(loaded);
    const { subscriber } = kept;
    this.#dismiss(kept);
    this.#kept.add(kept);
    this.#connected.set(session, kept);
    subscriber.session = session;
    subscriber.connectionId = session.id;
    const { place, lost } = reviewPlace(subscriber, this.#host);
    if (rules !== undefined) session.guarantee(new Delivery(rules, this.#host.clock, place));
    const { upTo, gaps } = place.acked;
    const isKnown = subscriber.wants.events.length > 0;
    return { subscriber, isKnown, after: gaps[0] === undefined ? upTo : gaps[0] - 1, lost };
  }

  /** The client is where its session was, that ended before it was known whose it is. */
  #wentOn(kept: Kept, { outbox }: Session, wants: Wants): void {
    const { subscriber } = kept;
    // Whoever came since goes on from a place that it was told; and nobody goes back.
    if (subscriber.session !== undefined || outbox.sentTo < subscriber.state.acked.upTo) return;
    this.#kept.add(kept);
    subscriber.state = { acked: { upTo: outbox.sentTo, gaps: [] }, attempts: new Map() };
    subscriber.epoch = this.#host.epoch;
    this.wants(subscriber, wants);
  }

  /** The session ended: its client's place is kept. */
  left(session: Session): void {
    const kept = this.#connected.get(session);
    if (kept?.subscriber.session === session) this.#leave(kept);
  }

  /** What the client wants changed by its own words. */
  wants(subscriber: Subscriber, wants: Wants): void {
    subscriber.wants = wants;
    subscriber.updatedAt = this.#host.clock.now();
    subscriber.unsubscribedAt = wants.events.length === 0 ? this.#host.clock.now() : undefined;
    const kept = this.#kept.get(subscriber);
    if (kept?.subscriber === subscriber) kept.isChanged = true;
  }

  /** A user's subscriptions, newest first. */
  async list(tenant: string, userId: string): Promise<readonly ListedSubscription[]> {
    await this.flush();
    return this.#store.subscriptionsOf(tenant, userId);
  }

  async find(tenant: string, userId: string, id: string): Promise<ListedSubscription | undefined> {
    await this.flush();
    return this.#store.subscriptionById(tenant, userId, id);
  }

  /**
   * Sets what a client wants from outside its connection, which is told at once; what is left out stays as it is where the client is held.
   * The client need not exist.
   */
  async change(key: SubscriptionKey, wants: Partial<Wants>): Promise<ListedSubscription> {
    return (await this.#order(key, { wants })) as ListedSubscription;
  }

  /** Forgets a subscription; its live connection goes on without any. False where there is none. */
  async remove(tenant: string, userId: string, id: string): Promise<boolean> {
    const row = await this.find(tenant, userId, id);
    if (row === undefined) return false;
    return (await this.#order(row, { remove: id })) as boolean;
  }

  /** Where the client is held, there; else here. */
  async #order(key: SubscriptionKey, change: Change): Promise<unknown> {
    const { tenant, userId, clientId } = key;
    const kept = this.#kept.get(key) ?? (await this.#loading.get(nameOf(key)));
    // One that others took over since is none of this node any more.
    if (kept !== undefined && !("laterThan" in kept)) {
      const done = await this.#perform(kept, change);
      if (done !== undefined) return done;
    }
    const here = this.#host.isShared ? undefined : await this.#load(key, Infinity);
    if (here !== undefined && !("laterThan" in here)) return this.#perform(here, change);
    const ordered = await this.#takeover.order({ key: { tenant, userId, clientId }, body: JSON.stringify(change) });
    return typeof ordered === "string" ? (JSON.parse(ordered) as unknown) : this.#perform(this.#keptOf(key, ordered), change);
  }

  /** Undefined where another node has the client by now. */
  async #perform(kept: Kept, change: Change): Promise<ListedSubscription | boolean | undefined> {
    const { subscriber } = kept;
    if ("wants" in change) {
      this.#kept.add(kept);
      this.wants(subscriber, { ...subscriber.wants, ...change.wants });
      subscriber.onChanged?.(subscriber.wants);
      await this.#kept.write(kept);
      const { pending: _pending, ...listed } = this.#kept.rowOf(kept);
      return kept.isReplaced ? undefined : listed;
    }
    subscriber.wants = { ...subscriber.wants, events: [] };
    subscriber.unsubscribedAt = undefined;
    subscriber.onChanged?.(subscriber.wants);
    subscriber.session?.outbox.delivery?.restart(this.#host.routedTo);
    kept.isChanged = false;
    kept.savedVersion = versionOf(subscriber);
    return this.#store.deleteSubscription(subscriber.tenant, subscriber.userId, change.remove, this.#host.clock.now());
  }

  /** Writes down what changed. Rejects when the registry is away; nothing is forgotten then. */
  flush(): Promise<void> {
    return this.#kept.flush();
  }

  /** Writes down what this client wants. Rejects when the registry is away. */
  async keep(subscriber: Subscriber): Promise<void> {
    const kept = this.#kept.get(subscriber);
    if (kept?.subscriber === subscriber) await this.#kept.write(kept);
  }

  /** Ends the client's connection in favour of another one. */
  #dismiss(kept: Kept): void {
    const { session } = kept.subscriber;
    if (session === undefined) return;
    this.#leave(kept);
    session.close(newReplaced(), false);
  }

  /** Of this and what came of another load of the same client, which began before this one was here: the other is no more. */
  #newest(loaded: Kept): Kept {
    const known = this.#kept.get(loaded.subscriber);
    if (known === undefined || known === loaded) return loaded;
    if (known.generation >= loaded.generation) return known;
    this.#replaced(known);
    return loaded;
  }

  /** Another node has the client: nothing of what this one knows of it is written any more. */
  #replaced(kept: Kept): void {
    kept.isReplaced = true;
    this.#dismiss(kept);
    this.#kept.drop(kept);
  }

  /**
   * Another node takes the client over for a connection that came at `since`. False where the one here came later: that one ended long ago, though its
   * node, which was slow, may not know it yet.
   */
  async #releaseTo(key: SubscriptionKey, since: number): Promise<boolean> {
    await this.#loading.get(nameOf(key))?.catch(() => undefined);
    const kept = this.#kept.get(key);
    if (kept?.subscriber.session !== undefined && kept.subscriber.session.since > since) return false;
    if (kept !== undefined) await this.#release(kept);
    return true;
  }

  async #release(kept: Kept): Promise<void> {
    this.#dismiss(kept);
    await this.#kept.write(kept);
  }

  #leave(kept: Kept): void {
    const { subscriber } = kept;
    subscriber.state = stateOf(subscriber);
    subscriber.epoch = epochOf(subscriber, this.#host.epoch);
    subscriber.session = undefined;
    subscriber.isFollowing = false;
    subscriber.onChanged = undefined;
    kept.isChanged = true;
    if (subscriber.wants.events.length === 0 && subscriber.unsubscribedAt === undefined) this.#kept.drop(kept);
  }

  /** `since`: when the connection came that asks for it. */
  #load({ tenant, userId, clientId }: SubscriptionKey, since: number): Promise<Kept | Later> {
    const key = { tenant, userId, clientId };
    const name = nameOf(key);
    const kept = this.#kept.get(key);
    if (kept !== undefined && !this.#host.isShared) return Promise.resolve(kept);
    const loading = this.#loading.get(name) ?? this.#read(key, kept, since).finally(() => this.#loading.delete(name));
    this.#loading.set(name, loading);
    return loading;
  }

  async #read(key: SubscriptionKey, known: Kept | undefined, since: number): Promise<Kept | Later> {
    if (!this.#host.isShared) return this.#keptOf(key, await this.#store.findSubscription(key));
    try {
      // Another node may have had the client since, and this one slept.
      if (known !== undefined) await this.#release(known);
      const taken = await this.#takeover.take(key, since);
      if (taken === undefined) return { laterThan: since };
      const kept = this.#keptOf(key, taken);
      // Where it was, this node may not be yet.
      if (kept.subscriber.epoch === this.#host.epoch) await this.#host.reach(kept.subscriber.state.acked.upTo);
      return kept;
    } catch (error) {
      // Without the registry a node goes by what it knows.
      if (known === undefined || known.isReplaced || !(error instanceof RegistryUnavailable)) throw error;
      return known;
    }
  }

  /** A place in this log that is not here, though it was waited for, is no place that is lost: who comes later, or elsewhere, finds it. */
  #checkReached(loaded: Kept | Later): void {
    if ("laterThan" in loaded || !this.#host.isShared) return;
    const { epoch, state } = loaded.subscriber;
    if (epoch === this.#host.epoch && state.acked.upTo > this.#host.routedTo) throw new RegistryUnavailable("the log does not answer");
  }

  #keptOf(key: SubscriptionKey, stored: KeptSubscription | undefined): Kept {
    const { clock, routedTo, epoch, newId } = this.#host;
    const subscriber = subscriberOf(key, stored, { now: clock.now(), routedTo, epoch, newId });
    const { generation = 0 } = stored ?? {};
    const savedVersion = versionOf(subscriber);
    return { subscriber, generation, isReplaced: false, isChanged: false, savedVersion, savedAt: clock.monotonic() };
  }

  #sweepLater(): void {
    this.#host.wheel.arm(SWEEP_MS, () => {
      this.#store.sweepSubscriptions(this.#host.clock.now() - FORGOTTEN_MS).catch(this.#host.onFault);
      this.#sweepLater();
    });
  }
}
