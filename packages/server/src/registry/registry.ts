/** The registry port: what must outlive the process besides the log. Every adapter passes `contract-tests.ts`. */
import type { KeptConnection, KeptSubscription, ListedSubscription, SubscriptionKey, Taken, Taking } from "./subscriptions.ts";

/** A cookie session (contract 00-common "Identity"). The id itself is never stored, only its SHA-256. */
export interface CookieSession {
  readonly idHash: string;
  readonly userId: string;
  readonly tenant: string;
  readonly permissions: readonly string[];
  readonly team: readonly string[];
  readonly name: string | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** How far a named client (`clientId`) has acknowledged, and what it follows (contract 60-native `ack`). */
export interface DurableCursor {
  readonly tenant: string;
  readonly userId: string;
  readonly clientId: string;
  readonly surface: string;
  /** Every event up to and including this offset is acknowledged. */
  readonly ackedOffset: number;
  /** Mark of the log's life in which `ackedOffset` counts. */
  readonly epoch: number;
  readonly updatedAt: number;
}

/** How an attempt to tell a user by other means ended, or that it has begun (contract 30-transactions "Fallback"). */
export type NoticeStatus = "claimed" | NoticeOutcome;

/** `unknown`: it may have arrived, and it is not sent again. */
export type NoticeOutcome = "sent" | "failed" | "unknown";

/** What names a notice: one for each event at most. */
export interface NoticeKey {
  readonly tenant: string;
  readonly eventId: string;
}

export interface NoticeClaim extends NoticeKey {
  readonly userId: string;
  /** By what it goes: `webhook`, `smtp`. */
  readonly kind: string;
  readonly claimedAt: number;
  /** The process that sends it, where there are several. */
  readonly node: string | undefined;
}

export interface NoticeEnd extends NoticeKey {
  readonly status: NoticeOutcome;
  readonly attempts: number;
  /** Why the last attempt failed; holds neither secrets nor what the other side wrote. */
  readonly lastError: string | undefined;
  readonly doneAt: number;
}

export interface NoticeRecord extends NoticeClaim {
  readonly status: NoticeStatus;
  readonly attempts: number;
  readonly lastError: string | undefined;
  /** Undefined as long as it is claimed. */
  readonly doneAt: number | undefined;
}

export interface NoticeQuery {
  /** Undefined: of all tenants. */
  readonly tenant?: string | undefined;
  readonly limit: number;
  /** The last record of the page before. */
  readonly after?: Pick<NoticeRecord, "claimedAt" | "tenant" | "eventId"> | undefined;
}

/** Whose rows: of a node that is no more, or of all but those that run. */
export type OfNodes = { readonly node: string } | { readonly except: readonly string[] };

/** Thrown (as a rejection) where the registry is away or broken: whoever asked over HTTP gets 503 and comes back. `cause` says why. */
export class RegistryUnavailable extends Error {
  override readonly name = "RegistryUnavailable";
  readonly retryAfterMs: number;

  constructor(message: string, cause?: unknown, retryAfterMs = 1000) {
    super(message, cause === undefined ? {} : { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Registry {
  saveSession(session: CookieSession): Promise<void>;
  /** Undefined for unknown and for ended sessions; expired ones are returned until they are swept. */
  findSession(idHash: string): Promise<CookieSession | undefined>;
  /** True if there was one. */
  endSession(idHash: string): Promise<boolean>;
  /** Removes sessions that expired before `now`; returns how many. */
  sweepSessions(now: number): Promise<number>;

  /** Write-behind: called in batches, the newest of each (tenant, user, client, surface) wins; an ack never moves back within an epoch. */
  saveCursors(cursors: readonly DurableCursor[]): Promise<void>;
  findCursor(key: Pick<DurableCursor, "tenant" | "userId" | "clientId" | "surface">): Promise<DurableCursor | undefined>;

  /** True for the first claim of an event, which is on the disk by then; false for every other one, whatever became of the first. */
  claimNotice(claim: NoticeClaim): Promise<boolean>;
  /** Ends a claim, once: true if there was one without an outcome. */
  finishNotice(end: NoticeEnd): Promise<boolean>;
  /** Takes back a claim without an outcome, as if it had never been; true if there was one. */
  releaseNotice(key: NoticeKey): Promise<boolean>;
  /** Ends claims without an outcome as `unknown`, since whoever claimed them is gone: all, or those of some nodes. Returns how many. */
  abandonNotices(doneAt: number, of?: OfNodes): Promise<number>;
  /** By `claimedAt`, newest first. */
  listNotices(query: NoticeQuery): Promise<readonly NoticeRecord[]>;
  /** Removes what was claimed before this time and has an outcome; returns how many. */
  sweepNotices(claimedBefore: number): Promise<number>;

  /**
   * Write-behind: called in batches, all or none, the newest of each (tenant, user, client) wins. A stored one keeps its id.
   * Position and pending move together, and never back within an epoch. Rejects where a new one's id is another's.
   * Resolves with those that another node has taken over since: of these nothing was changed.
   */
  saveSubscriptions(subscriptions: readonly KeptSubscription[]): Promise<readonly SubscriptionKey[]>;
  /**
   * Takes a client over, known or not: raises its generation and reads where it is, in one step, so that no node that held it before
   * writes after that. Changes nothing where a third node holds it.
   */
  takeSubscription(taking: Taking): Promise<Taken>;
  /** Unsubscribed ones too, until they are deleted. */
  findSubscription(key: SubscriptionKey): Promise<KeptSubscription | undefined>;
  /** Undefined for a foreign one. */
  subscriptionById(tenant: string, userId: string, id: string): Promise<KeptSubscription | undefined>;
  /** By `subscribedAt`, newest first, at most `LISTED_SUBSCRIPTIONS`. */
  subscriptionsOf(tenant: string, userId: string): Promise<readonly ListedSubscription[]>;
  /** With what is pending; true if there was one and it was not foreign. */
  deleteSubscription(tenant: string, userId: string, id: string, now: number): Promise<boolean>;
  /** Forgets the generations of those that were deleted, or came and never subscribed, before this time; returns how many. */
  sweepSubscriptions(before: number): Promise<number>;

  /** Write-behind: called in batches, the newest of each `connectionId` wins. A stored one keeps its id. */
  saveConnections(connections: readonly KeptConnection[]): Promise<void>;
  /** Ends connections that have no end, since whoever held them is gone: all, or those of some nodes. Returns how many. */
  closeOpenConnections(now: number, of?: OfNodes): Promise<number>;
  /** Removes connections that ended before this time; returns how many. */
  sweepConnections(before: number): Promise<number>;

  close(): Promise<void>;
}

/** What of it is about the subscriptions of clients that name themselves. */
export type SubscriptionStore = Pick<
  Registry,
  | "saveSubscriptions"
  | "takeSubscription"
  | "findSubscription"
  | "subscriptionById"
  | "subscriptionsOf"
  | "deleteSubscription"
  | "sweepSubscriptions"
>;
