/** What the registry and its thread say to each other. */
import type { CookieSession, DurableCursor } from "../registry.ts";

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
  | { readonly kind: "close" };

/** `id` 0 answers the start. */
export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };
