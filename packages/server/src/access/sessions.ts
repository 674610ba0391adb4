/** Cookie sessions: server-side, revocable, kept over a restart. The cookie holds 256 random bits; the registry holds their hash. */
import { createHash, randomBytes } from "node:crypto";
import type { Identity } from "@broadtape/protocol/identity";
import type { CookieSession, Registry } from "../registry/registry.ts";

const ID = /^[A-Za-z0-9_-]{43}$/;

export class CookieSessions {
  readonly #registry: Registry;
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #onEnd: (sessionId: string) => void;

  /** `onEnd` hears the `Identity.sessionId` of a session that ended, so that what hangs on it is closed. */
  constructor(registry: Registry, options: { now: () => number; ttlMs: number; onEnd: (sessionId: string) => void }) {
    this.#registry = registry;
    this.#now = options.now;
    this.#ttlMs = options.ttlMs;
    this.#onEnd = options.onEnd;
  }

  /** Opens a session that ends with the token that vouched for it, at the latest. */
  async open(identity: Identity): Promise<{ readonly id: string; readonly expiresAt: number }> {
    const id = randomBytes(32).toString("base64url");
    const now = this.#now();
    const expiresAt = Math.min(identity.expiresAt, now + this.#ttlMs);
    await this.#registry.saveSession({
      idHash: hashOf(id),
      userId: identity.userId,
      tenant: identity.tenant,
      permissions: [...identity.permissions],
      team: [...identity.team],
      name: identity.name,
      createdAt: now,
      expiresAt,
    });
    return { id, expiresAt };
  }

  /** Undefined for anything that is not a live session's id. */
  async find(id: string): Promise<Identity | undefined> {
    if (!ID.test(id)) return undefined;
    const session = await this.#registry.findSession(hashOf(id));
    return session === undefined || session.expiresAt <= this.#now() ? undefined : identityOf(session);
  }

  /** Ends a session and what hangs on it; true if there was one. */
  async end(id: string): Promise<boolean> {
    if (!ID.test(id)) return false;
    const idHash = hashOf(id);
    const ended = await this.#registry.endSession(idHash);
    if (ended) this.#onEnd(idHash);
    return ended;
  }

  async sweep(): Promise<number> {
    return this.#registry.sweepSessions(this.#now());
  }
}

function hashOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}

function identityOf(session: CookieSession): Identity {
  return {
    userId: session.userId,
    tenant: session.tenant,
    permissions: new Set(session.permissions),
    team: new Set(session.team),
    name: session.name,
    expiresAt: session.expiresAt,
    sessionId: session.idHash,
  };
}
