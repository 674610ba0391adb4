/** What the registry and its thread say to each other. */
import type { CookieSession, DurableCursor, NoticeClaim, NoticeEnd, NoticeKey, NoticeQuery, OfNodes } from "../registry.ts";
import type { KeptConnection, KeptSubscription, SubscriptionKey, Taking } from "../subscriptions.ts";

export interface WorkerStart {
  readonly file: string;
}

export type Request =
  | { readonly kind: "saveSession"; readonly session: CookieSession }
  | { readonly kind: "findSession"; readonly idHash: string }
  | { readonly kind: "endSession"; readonly idHash: string }
  | { readonly kind: "sweepSessions"; readonly now: number }
  | { readonly kind: "saveCursors"; readonly cursors: readonly DurableCursor[] }
  | { readonly kind: "findCursor"; readonly key: Pick<DurableCursor, "tenant" | "userId" | "clientId" | "surface"> }
  | { readonly kind: "claimNotice"; readonly claim: NoticeClaim }
  | { readonly kind: "finishNotice"; readonly end: NoticeEnd }
  | { readonly kind: "releaseNotice"; readonly key: NoticeKey }
  | { readonly kind: "abandonNotices"; readonly doneAt: number; readonly of: OfNodes | undefined }
  | { readonly kind: "listNotices"; readonly query: NoticeQuery }
  | { readonly kind: "sweepNotices"; readonly claimedBefore: number }
  | { readonly kind: "saveSubscriptions"; readonly subscriptions: readonly KeptSubscription[] }
  | { readonly kind: "takeSubscription"; readonly taking: Taking }
  | { readonly kind: "findSubscription"; readonly key: SubscriptionKey }
  | { readonly kind: "subscriptionById"; readonly tenant: string; readonly userId: string; readonly id: string }
  | { readonly kind: "subscriptionsOf"; readonly tenant: string; readonly userId: string }
  | { readonly kind: "deleteSubscription"; readonly tenant: string; readonly userId: string; readonly id: string; readonly now: number }
  | { readonly kind: "sweepSubscriptions"; readonly before: number }
  | { readonly kind: "saveConnections"; readonly connections: readonly KeptConnection[] }
  | { readonly kind: "closeOpenConnections"; readonly now: number; readonly of: OfNodes | undefined }
  | { readonly kind: "sweepConnections"; readonly before: number }
  | { readonly kind: "close" };

/** `id` 0 answers the start. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  /** `code`: SQLite's, where it is the database that failed. */
  | { readonly id: number; readonly error: string; readonly code: string | undefined };
