/**
 * What a product declares (house.md "A product is a declaration"): its event types, views, topics and what followers are
 * told. No socket, no timer, no map of connections, no database: all that is the engine's.
 */
import type { z } from "zod";
import type { Epoch, Offset } from "@broadtape/protocol/event-id";
import type { PublishedEvent } from "@broadtape/protocol/event";
import type { Identity } from "@broadtape/protocol/identity";
import type { Message } from "./message.ts";

/** A stored event as folds and tellings see it: `data` checked and parsed, digits kept. */
export interface DomainEvent {
  readonly type: string;
  readonly data: unknown;
  /** `data` as JSON text, as it was published. */
  readonly text: string;
  readonly tenant: string;
  readonly offset: Offset;
  readonly storedAt: number;
  readonly time: string;
}

/** An event that has passed its schema and has no place in the log yet. */
export interface DraftEvent {
  readonly type: string;
  readonly data: unknown;
  readonly tenant: string;
}

/** State folded from the log, an entity at a time. `fold` is pure: the same events give the same state on every node. */
export interface View<S, E extends DomainEvent = DomainEvent> {
  readonly name: string;
  /** Raised when `fold` or the shape of `S` changes: checkpoints of another version are not used. */
  readonly version: number;
  /** Which entity of its tenant an event belongs to; undefined for events that this view passes over. */
  entityOf(event: E): string | undefined;
  /** The next state; the same reference when the event changes nothing; undefined when the entity is no more. */
  fold(state: S | undefined, event: E): S | undefined;
  /** Whether nothing more happens to the entity: it is forgotten when the log has moved on by as long as it is kept (over.ts). */
  isOver?(state: S): boolean;
  /** An event that the server publishes by itself when the state is still such at that time; its id makes repetitions harmless. */
  due?(state: S, entity: string): Due | undefined;
}

/** Something that lapses by time alone. */
export interface Due {
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  readonly event: PublishedEvent & { readonly id: string };
}

/** An entity of a view. */
export interface Entry<S> {
  readonly state: S;
  /** The event that made this state. */
  readonly offset: Offset;
  readonly storedAt: number;
}

/** Reads views as they stand at the event being routed. */
export interface States {
  entry<S>(view: View<S>, tenant: string, entity: string): Entry<S> | undefined;
  /** Entities of a tenant, in no order. */
  entities<S>(view: View<S>, tenant: string): Iterable<readonly [entity: string, entry: Entry<S>]>;
}

/** What a topic's words may look up beside its own state. */
export interface Lookup {
  /** An entity as the topic's readers may know it: their tenant's or the public one's, whichever is newer. */
  newest<S>(view: View<S>, entity: string): Entry<S> | undefined;
}

/** Of a past point only the topic's own state is known. */
export const NO_LOOKUP: Lookup = { newest: () => undefined };

/** What the followers of one topic are told of one event. */
export interface Telling {
  readonly topic: string;
  /** Type of the catalogue. */
  readonly event: string;
  /** JSON text of an object. */
  readonly data: string;
}

/** As {@link Telling}, for followers to whom only the newest value of a key is worth anything. */
export interface ConflatedTelling extends Telling {
  readonly key: string;
}

/** A message that the clock brings. */
export interface Tick {
  /** As in {@link Telling}; no type of the catalogue, since it is never stored. */
  readonly event: string;
  /** JSON text of an object. */
  readonly data: string;
}

/** Times at which followers of an entity are told something, as its state stands. */
export interface Ticking<S> {
  /** The next time after `now`, in milliseconds since the epoch; undefined where there is none. */
  dueAfter(state: S, now: number): number | undefined;
  /** What is told at one of these times; and at once, when a new state changes them (undefined: nothing then). */
  tell(state: S, at: number): Tick | undefined;
}

/**
 * What the followers of an entity are told because entities of another view have changed, on which its state depends: a position's
 * worth by its symbol's price. Conflated by the other entity, never stored or replayed: who comes later finds it in the snapshot.
 */
export interface Deriving<S> {
  /** Of the topic's tenant and the public one. */
  readonly from: View<unknown>;
  /** At most one telling an entity and window, in milliseconds: the first at once, what comes after it at the window's end. */
  readonly windowMs: number;
  /** The entities of {@link Deriving.from} that the state depends on, each once. */
  needs(state: S): Iterable<string>;
  /** What the change of one of them makes of the state; undefined where it makes nothing. */
  tell(state: S, changed: string, entity: string, lookup: Lookup): Tick | undefined;
}

/** A family of topics `{kind}:{param}`, or one topic `{kind}` where params are empty. */
export interface TopicKind<S = unknown> {
  readonly kind: string;
  /** Whether any lossless message is told on it; then it is resumed from the log, else by its newest value. */
  readonly lossless: boolean;
  /** Followers also follow the public tenant's topic of the same name (contract 70-details "public prices"). */
  readonly shared?: boolean;
  /** The canonical param of what a client wrote (`me` → the user's id), or undefined where it is none. */
  param(written: string, identity: Identity): string | undefined;
  /** Asked at subscription, and again whenever the identity changes. */
  mayFollow(identity: Identity, param: string, states: States): boolean;
  /** Whether this identity may follow `*` patterns of this kind. Without it nobody may. */
  mayFollowPatterns?(identity: Identity): boolean;
  /** Where its snapshot comes from. */
  readonly view: View<S>;
  entity(param: string): string;
  /** The snapshot as JSON text of an object without `eventId` (the engine adds it), as it reads at `now`, by the server's clock. */
  render(state: S, now: number, lookup: Lookup): string;
  /** What followers are told by the clock alone, besides what events tell; conflated by entity, never stored or replayed. */
  readonly ticking?: Ticking<S>;
  /** What followers are told of other entities' changes. */
  readonly deriving?: Deriving<S>;
  /** The catalogue's type under which the newest value is told to a resumed follower, for kinds whose messages are conflated. */
  readonly newestType?: string;
  /** Fields of an event's data that a subscription may filter by (dotted paths). */
  readonly filterable?: readonly string[];
  /** In place of `filterable`: filters with a meaning of their own. Throws BAD_REQUEST, with a path, for what is none. */
  filter?(filters: unknown): (message: Message) => boolean;
}

/** A fault that the schema cannot see. */
export interface Fault {
  readonly path: string;
  readonly message: string;
  /** Where the state stands in the log that the event contradicts. */
  readonly offset?: Offset;
}

/** The event is good, and is stored with this for its data: what the server knows besides what the publisher said. */
export interface Completion {
  readonly data: unknown;
}

export interface Product<E extends DomainEvent = DomainEvent> {
  readonly name: string;
  /** The event types it owns, with the schema of their data; `internal` ones are refused from outside. */
  readonly types: Readonly<Record<string, { readonly schema: z.ZodType; readonly internal?: true }>>;
  readonly views: readonly View<unknown, E>[];
  readonly topics: readonly TopicKind[];
  /**
   * Refuses what passed the schema and must not be stored all the same, or completes it. `states` are those that the event
   * would be folded into, for what is under topics that {@link Product.admitsBy} names; others may be newer by the time it is stored.
   */
  admit?(event: DraftEvent, states: Pick<States, "entry">): Fault | Completion | undefined;
  /**
   * The topics on whose events admission depends: whatever changes what `admit` looks at goes to one of them (`topicsOf`). Events
   * of one topic are admitted one after the other, on all nodes.
   */
  admitsBy?(event: DraftEvent): readonly string[];
  /** The product's own spelling of event ids in publish answers; default `{milliseconds}-{suffix}`. */
  spellEventId?(epoch: Epoch, offset: Offset): string;
  /** The topics under which history finds the event. Pure. */
  topicsOf(event: E): readonly string[];
  /** What lossless followers are told: a pure function of the event, so that replay tells the same. */
  tell?(event: E): readonly Telling[];
  /** What conflated followers are told, from the views right after this event. */
  tellNewest?(event: E, states: States): readonly ConflatedTelling[];
}
