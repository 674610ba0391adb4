/** The registry port: what must outlive the process besides the log. Every adapter passes `contract-tests.ts`. */

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

  close(): Promise<void>;
}
