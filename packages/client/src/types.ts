/** What stands on a topic, in types: from the catalogue, so that `event.data` is known once `event.event` is. */
import type { EventData, EventTypeName } from "@broadtape/protocol/catalogue";
import type { ErrorCode } from "@broadtape/protocol/errors";
import type { EventMessage } from "@broadtape/protocol/native";
import type { BestPrice } from "@broadtape/protocol/products/market-data/best-price";

/** A payload as JavaScript reads it: numbers whose digits the server keeps are plain numbers here. */
export type Plain<T> = T extends { readonly digits: string } ? number : T extends object ? { readonly [Key in keyof T]: Plain<T[Key]> } : T;

/** An event of the catalogue. A union over `T`, told apart by `event`. */
export type TapeEvent<T extends EventTypeName = EventTypeName> = {
  [Name in T]: Omit<EventMessage, "event" | "data"> & { readonly event: Name; readonly data: Plain<EventData<Name>> };
}[T];

/** Whether an event is of this type; then its `data` is typed. */
export function isEvent<T extends EventTypeName>(event: EventMessage, type: T): event is TapeEvent<T> & EventMessage {
  return event.event === type;
}

/** A best price as clients read it, with the id of the event that made it. */
export type Price = Plain<BestPrice> & { readonly eventId: string };

/** Kinds of topic: the state of a snapshot and the types of events. Products of your own are added by declaration merging. */
export interface TopicKinds {
  readonly symbol: { readonly state: Price; readonly event: TapeEvent<"market-data.best-price"> };
}

type KindOf<Name extends string> = Name extends `${infer Kind}:${string}` ? Kind : Name;

/** State of the topic of this name; unknown where the name is not known to the compiler. */
export type StateOf<Name extends string> = KindOf<Name> extends keyof TopicKinds ? TopicKinds[KindOf<Name>]["state"] : unknown;

/** Events of the topic of this name. */
export type EventOf<Name extends string> =
  KindOf<Name> extends keyof TopicKinds ? TopicKinds[KindOf<Name>]["event"] & EventMessage : EventMessage;

/**
 * What became of a subscription. Besides the server's codes: `REVOKED` when an entitlement ended, `CLOSED` when the
 * connection did, `UNFOLLOWED` when nobody waited for the answer any more.
 */
export type FollowStatus =
  | { readonly topic: string; readonly ok: true }
  | {
      readonly topic: string;
      readonly ok: false;
      readonly code: ErrorCode | "REVOKED" | "CLOSED" | "UNFOLLOWED";
      readonly message?: string;
    };

/** As of where in the log a snapshot is. */
export interface SnapshotPlace {
  /** Whose state it is: the topic itself, or one that a pattern matches. */
  readonly topic: string;
  /** Everything up to this event is in it. */
  readonly cursor: string;
}

/** Called for one topic. What a callback throws goes to `onError` and silences nobody. */
export interface TopicHandlers<State = unknown, Event extends EventMessage = EventMessage> {
  /** The state at the beginning, and anew after a gap that could not be filled. `null`: nothing was published yet. */
  readonly onSnapshot?: ((state: State | null, place: SnapshotPlace) => void) | undefined;
  /** The same, all states of one answer together: of a pattern there may be many, or none. */
  readonly onSnapshots?:
    ((states: readonly { readonly topic: string; readonly state: State | null }[], cursor: string) => void) | undefined;
  /** Each event after the snapshot: in order, none missing, none twice. */
  readonly onEvent?: ((event: Event) => void) | undefined;
  /** The same events as they belong together: all of this topic's in one publish batch, one or more. */
  readonly onBatch?: ((events: readonly Event[]) => void) | undefined;
  /** What became of the subscription, whenever that changes. */
  readonly onStatus?: ((status: FollowStatus) => void) | undefined;
  /** The server could not resume: what was missed is in the snapshot that follows. */
  readonly onResync?: ((reason: "unknown" | "expired") => void) | undefined;
}
