/**
 * What followers are told because something else changed than the entity they follow (see {@link Deriving}): only for topics that
 * somebody follows, and for any number of changes once a window. What is told here is in no log.
 */
import { type Clock, isoTime } from "./clock.ts";
import { lookupOf } from "./snapshots.ts";
import { Message } from "./message.ts";
import type { Deriving, Product, TopicKind, View } from "./product.ts";
import type { Topic } from "./topics.ts";
import type { Views } from "./views.ts";
import type { Wheel } from "./wheel.ts";

export interface DerivedHost {
  readonly products: readonly Product[];
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly views: Views;
  readonly publicTenant: string;
  eventIdOf(offset: number, storedAt: number): string;
}

/** A followed topic of a deriving kind. Invariant: it stands in `Source.dependents` under exactly `needs`. */
interface Dependent {
  readonly topic: Topic;
  readonly entity: string;
  readonly kind: TopicKind;
  readonly source: Source;
  needs: ReadonlySet<string>;
}

/** One deriving kind, and what has changed since it last told anything. */
interface Source {
  readonly kind: TopicKind;
  readonly deriving: Deriving<unknown>;
  readonly dependents: Map<string, Set<Dependent>>;
  /** Changed entities, each with the tenants in which it did. Bounded by what is followed: others are not noted. */
  readonly changed: Map<string, Set<string>>;
  toldAt: number;
  isArmed: boolean;
}

export class Derived {
  readonly #host: DerivedHost;
  readonly #sources: readonly Source[];
  readonly #byKind: ReadonlyMap<string, Source>;
  /** By view, tenant and entity, as {@link Dependent.topic} is followed. */
  readonly #dependents = new Map<string, Dependent>();
  readonly #stale = new Set<Dependent>();

  constructor(host: DerivedHost) {
    this.#host = host;
    this.#sources = host.products
      .flatMap(({ topics }) => topics)
      .flatMap((kind) => (kind.deriving === undefined ? [] : [sourceOf(kind, kind.deriving)]));
    this.#byKind = new Map(this.#sources.map((source) => [source.kind.kind, source]));
  }

  /** Topics that depend on something; a metric. */
  get size(): number {
    return this.#dependents.size;
  }

  /** Somebody follows a topic that nobody followed. */
  followed(topic: Topic): void {
    const { kind, param } = partsOf(topic);
    const source = this.#byKind.get(kind);
    if (source === undefined) return;
    const entity = source.kind.entity(param);
    const dependent: Dependent = { topic, entity, kind: source.kind, source, needs: new Set() };
    this.#dependents.set(keyOf(source.kind.view, topic.tenant, entity), dependent);
    this.#enlist(dependent);
  }

  /** Nobody follows it any more. */
  left(topic: Topic): void {
    const { kind, param } = partsOf(topic);
    const source = this.#byKind.get(kind);
    if (source === undefined) return;
    const key = keyOf(source.kind.view, topic.tenant, source.kind.entity(param));
    const dependent = this.#dependents.get(key);
    if (dependent === undefined) return;
    this.#dependents.delete(key);
    this.#stale.delete(dependent);
    this.#strike(dependent);
  }

  /** Hot path: an entity's state changed, of whatever view. */
  changed(view: View<unknown>, tenant: string, entity: string): void {
    if (this.#dependents.size === 0) return;
    const dependent = this.#dependents.get(keyOf(view, tenant, entity));
    if (dependent !== undefined) this.#stale.add(dependent);
    for (const { deriving, dependents, changed } of this.#sources) {
      if (deriving.from !== view || !dependents.has(entity)) continue;
      const tenants = changed.get(entity);
      if (tenants === undefined) changed.set(entity, new Set([tenant]));
      else tenants.add(tenant);
    }
  }

  /** The batch was told: followers heard of events before they hear of what follows from them. */
  routed(): void {
    for (const dependent of this.#stale) this.#enlist(dependent);
    this.#stale.clear();
    for (const source of this.#sources) if (source.changed.size > 0 && !source.isArmed) this.#tellSoon(source);
  }

  #tellSoon(source: Source): void {
    const wait = source.toldAt + source.deriving.windowMs - this.#host.clock.monotonic();
    if (wait <= 0) {
      this.#tell(source);
      return;
    }
    source.isArmed = true;
    this.#host.wheel.arm(wait, () => {
      source.isArmed = false;
      this.#tell(source);
    });
  }

  #tell(source: Source): void {
    source.toldAt = this.#host.clock.monotonic();
    for (const [entity, tenants] of source.changed) {
      const everybody = tenants.has(this.#host.publicTenant);
      for (const dependent of source.dependents.get(entity) ?? []) {
        if (everybody || tenants.has(dependent.topic.tenant)) this.#tellOne(source, dependent, entity);
      }
    }
    source.changed.clear();
  }

  #tellOne({ deriving }: Source, { topic, entity, kind }: Dependent, changed: string): void {
    const { tenant } = topic;
    const lookup = lookupOf(this.#host, tenant);
    const state = this.#host.views.entry(kind.view, tenant, entity)?.state;
    const cause = lookup.newest(deriving.from, changed);
    if (state === undefined || cause === undefined) return;
    const tick = deriving.tell(state, changed, entity, lookup);
    if (tick === undefined) return;
    const { offset, storedAt } = cause;
    const message = new Message({
      tenant,
      topic: topic.name,
      event: tick.event,
      data: tick.data,
      offset,
      batch: offset,
      eventId: this.#host.eventIdOf(offset, storedAt),
      time: isoTime(storedAt),
      correlationId: "",
      key: changed,
      receivedAt: 0,
      storedAt: 0,
    });
    for (const subscription of topic.followers) subscription.session.outbox.deliver(subscription, message);
  }

  #enlist(dependent: Dependent): void {
    this.#strike(dependent);
    const { topic, entity, kind, source } = dependent;
    const state = this.#host.views.entry(kind.view, topic.tenant, entity)?.state;
    dependent.needs = new Set(state === undefined ? [] : source.deriving.needs(state));
    for (const need of dependent.needs) {
      const set = source.dependents.get(need);
      if (set === undefined) source.dependents.set(need, new Set([dependent]));
      else set.add(dependent);
    }
  }

  #strike(dependent: Dependent): void {
    const { dependents } = dependent.source;
    for (const need of dependent.needs) {
      const set = dependents.get(need);
      if (set?.delete(dependent) === true && set.size === 0) dependents.delete(need);
    }
    dependent.needs = new Set();
  }
}

function sourceOf(kind: TopicKind, deriving: Deriving<unknown>): Source {
  return { kind, deriving, dependents: new Map(), changed: new Map(), toldAt: -Infinity, isArmed: false };
}

function partsOf({ name }: Topic): { readonly kind: string; readonly param: string } {
  const colon = name.indexOf(":");
  return colon < 0 ? { kind: name, param: "" } : { kind: name.slice(0, colon), param: name.slice(colon + 1) };
}

function keyOf(view: View<unknown>, tenant: string, entity: string): string {
  return `${view.name}\u0000${tenant}\u0000${entity}`;
}
