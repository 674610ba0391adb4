/** What the registry keeps of subscriptions and connections (contract 30-transactions "Registry tables"); part of the port. */

/** What a client that names itself follows and how far it has acknowledged; outlives connection, process and machine. */
export interface KeptSubscription extends SubscriptionKey {
  /** A UUID, given by whoever saves it first. */
  readonly id: string;
  /** Its live or last connection. */
  readonly connectionId: string | undefined;
  readonly events: readonly string[];
  /** JSON text, kept as it is: 50000.00 stays 50000.00. */
  readonly filters: string;
  /** Nothing above it was sent; what is not above it is acknowledged but for `pending` (engine/acked.ts `AckedState.upTo`). */
  readonly ackedOffset: number;
  /** Mark of the log's life in which `ackedOffset` and `pending` count. */
  readonly epoch: number;
  /** Sent and not acknowledged, strictly ascending by offset, none above `ackedOffset`. */
  readonly pending: readonly KeptPending[];
  readonly subscribedAt: number;
  readonly updatedAt: number;
  readonly unsubscribedAt: number | undefined;
  /** Raised with each {@link Registry.takeSubscription}: who saves with an older one was replaced. Stays 0 where nobody takes over. */
  readonly generation: number;
  /** The node that holds the client's connection; undefined where none does. */
  readonly node: string | undefined;
}

/** A node takes a client over, to hold its connection. */
export interface Taking extends SubscriptionKey {
  /** A UUID, for a client that is not known. */
  readonly id: string;
  readonly node: string;
  /** Who held it and has let go of it, or is no more: from any other one it is not taken, nor from this one where it has taken it again. */
  readonly from: Holding | undefined;
  readonly now: number;
}

/** A client held by a node, since a taking of it. */
export interface Holding {
  readonly node: string;
  readonly generation: number;
}

/** Not taken where another node holds it. */
export type Taken = { readonly held: Holding } | { readonly subscription: KeptSubscription };

/** One subscription each. */
export interface SubscriptionKey {
  readonly tenant: string;
  readonly userId: string;
  readonly clientId: string;
}

/** Without what is pending, since a list of it has no bound worth the name. */
export type ListedSubscription = Omit<KeptSubscription, "pending">;

/** The most that one list holds. */
export const LISTED_SUBSCRIPTIONS = 1000;

export interface KeptPending {
  readonly offset: number;
  readonly eventId: string;
  readonly eventType: string;
  /** JSON text, kept as it is. */
  readonly eventData: string;
  readonly sentAt: number;
  readonly attempts: number;
  /** From then on it counts as late; nothing is dropped. */
  readonly expiresAt: number;
}

export interface KeptConnection {
  readonly id: string;
  readonly tenant: string;
  readonly userId: string;
  /** Unique. */
  readonly connectionId: string;
  readonly clientId: string | undefined;
  readonly socketId: string | undefined;
  readonly surface: string;
  readonly connectedAt: number;
  /** Undefined as long as it is open. */
  readonly disconnectedAt: number | undefined;
  readonly lastActivity: number;
  readonly ipAddress: string;
  readonly userAgent: string | undefined;
  readonly status: "CONNECTED" | "AUTHENTICATING" | "DISCONNECTED" | "STALE";
  /** The process that holds it, where there are several. */
  readonly node: string | undefined;
}

/**
 * What is kept once `saved` comes after `stored` of the same key: nothing of it where its generation is older. The id stays. Position and pending are one state and move
 * together: one that lies behind within the epoch, from whoever did not know better, leaves both as they are.
 */
export function supersede(stored: KeptSubscription, saved: KeptSubscription): KeptSubscription {
  if (saved.generation < stored.generation) return stored;
  const isBehind = saved.epoch === stored.epoch && saved.ackedOffset < stored.ackedOffset;
  const { ackedOffset, pending } = isBehind ? stored : saved;
  return { ...saved, id: isHidden(stored) ? saved.id : stored.id, ackedOffset, pending };
}

/** Was deleted, or has not subscribed yet: it stands for its generation alone, and is shown to nobody. */
export function isHidden({ events, unsubscribedAt }: Pick<KeptSubscription, "events" | "unsubscribedAt">): boolean {
  return events.length === 0 && unsubscribedAt === undefined;
}

export function subscriptionKey({ tenant, userId, clientId }: SubscriptionKey): string {
  return JSON.stringify([tenant, userId, clientId]);
}
