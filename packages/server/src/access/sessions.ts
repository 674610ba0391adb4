/** Cookie sessions: kept by the server, revocable, good over a restart. The cookie holds 256 random bits, the registry their hash. */
import { createHash, randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Cluster } from "../cluster/cluster.ts";
import { type CookieSession, type Registry, RegistryUnavailable } from "../registry/registry.ts";

/** What the cookie holds: 32 bytes in base64url. */
const SESSION_ID = /^[A-Za-z0-9_-]{43}$/;
const SWEEP_MS = 3_600_000;
/** Sessions ended elsewhere that are remembered: for longer than whoever ends one takes to say so in the registry. */
const ENDED = 10_000;
const ENDED_KIND = "session-ended";

export interface CookieSessionsOptions {
  /** The server's clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** The longest life of a session. */
  readonly ttlMs: number;
  /** Sessions that end at one node end at all; without it, there is one. */
  readonly cluster?: Pick<Cluster, "tell" | "onTold" | "ask" | "onAsked"> | undefined;
  /** Sessions kept in memory, so that not every request asks the registry. */
  readonly cached?: number;
}

/** Hears the `Identity.sessionId` of a session that ended before its time. */
export type EndListener = (sessionId: string) => void;

export class CookieSessions {
  readonly #registry: Registry;
  readonly #options: CookieSessionsOptions & { readonly cached: number };
  /** Live sessions by hash, the least recently used first; never one that was ended. */
  readonly #cache = new Map<string, CookieSession>();
  readonly #listeners = new Set<EndListener>();
  /** Grows with every ended session: what was read from the registry before may be of yesterday. */
  #endings = 0;
  #sweptAt: number;
  /** Ended by another node, in that order. */
  readonly #endedElsewhere = new Set<string>();

  constructor(registry: Registry, options: CookieSessionsOptions) {
    this.#registry = registry;
    this.#options = { cached: 10_000, ...options };
    this.#sweptAt = options.now();
    options.cluster?.onTold(ENDED_KIND, (sessionId) => void this.#endedByAnother(sessionId));
    options.cluster?.onAsked(ENDED_KIND, async (sessionId) => {
      await this.#endedByAnother(sessionId);
      return ENDED_KIND;
    });
  }

  /** Opens a session, which ends with the token that vouched for it at the latest. `id` is for the cookie alone. */
  async open(identity: Identity): Promise<{ readonly id: string; readonly expiresAt: number }> {
    // It would outlive the end of the first.
    if (identity.sessionId !== undefined) throw new Refusal("UNAUTHORIZED", "A bearer token opens a session, not a session");
    const id = randomBytes(32).toString("base64url");
    const createdAt = this.#options.now();
    const expiresAt = Math.min(identity.expiresAt, createdAt + this.#options.ttlMs);
    const { userId, tenant, permissions, team, name } = identity;
    const session = { idHash: hashOf(id), userId, tenant, permissions: [...permissions], team: [...team], name, createdAt, expiresAt };
    await this.#sweepNowAndThen(createdAt);
    await this.#registry.saveSession(session);
    return { id, expiresAt };
  }

  /** Undefined for anything but the id of a live session. */
  async find(id: string): Promise<Identity | undefined> {
    if (!SESSION_ID.test(id)) return undefined;
    const idHash = hashOf(id);
    if (this.#endedElsewhere.has(idHash)) return undefined;
    const session = this.#recall(idHash) ?? (await this.#read(idHash));
    return session === undefined || session.expiresAt <= this.#options.now() ? undefined : identityOf(session);
  }

  /** Ends the session with this id and tells the listeners; true if there was one. */
  async end(id: string): Promise<boolean> {
    return SESSION_ID.test(id) && this.revoke(hashOf(id));
  }

  /** As {@link end}, by `Identity.sessionId`. */
  async revoke(sessionId: string): Promise<boolean> {
    if (!(await this.#tellOthers(sessionId))) return false;
    const ended = await this.#registry.endSession(sessionId);
    this.#forget(sessionId);
    if (ended) await this.#tellListeners(sessionId);
    // Whoever is answered is told nothing more anywhere, but by a node that does not answer: it ends the session when it hears of it.
    await this.#options.cluster?.ask(ENDED_KIND, sessionId);
    return ended;
  }

  async #endedByAnother(sessionId: string): Promise<void> {
    if (this.#endedElsewhere.has(sessionId)) {
      // Told and asked: the listeners hear it in this turn.
      await setImmediate();
      return;
    }
    this.#endedElsewhere.add(sessionId);
    const [oldest] = this.#endedElsewhere;
    if (oldest !== undefined && this.#endedElsewhere.size > ENDED) this.#endedElsewhere.delete(oldest);
    this.#forget(sessionId);
    await this.#tellListeners(sessionId);
  }

  /** First of all, so that no node lets anybody in by it who comes later. False where there is no such session. */
  async #tellOthers(sessionId: string): Promise<boolean> {
    const { cluster } = this.#options;
    if (cluster === undefined) return true;
    if ((await this.#registry.findSession(sessionId)) === undefined) return false;
    await cluster.tell(ENDED_KIND, sessionId).catch((error: unknown) => {
      throw new RegistryUnavailable("the end of the session could not be told to all nodes", error);
    });
    return true;
  }

  #forget(sessionId: string): void {
    this.#endings += 1;
    this.#cache.delete(sessionId);
  }

  async #tellListeners(sessionId: string): Promise<void> {
    // In the next turn: whoever was let in by this session in this one has taken up its identity by then.
    await setImmediate();
    for (const listener of this.#listeners) listener(sessionId);
  }

  /** Calls back when a session is ended, so that what hangs on it is closed. Returns the way out. */
  onEnd(listener: EndListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #recall(idHash: string): CookieSession | undefined {
    const session = this.#cache.get(idHash);
    if (session !== undefined) this.#remember(session);
    return session;
  }

  #remember(session: CookieSession): void {
    this.#cache.delete(session.idHash);
    this.#cache.set(session.idHash, session);
    for (const idHash of this.#cache.keys()) {
      if (this.#cache.size <= this.#options.cached) return;
      this.#cache.delete(idHash);
    }
  }

  /** Reads again where a session was ended meanwhile: it may have been this one. */
  async #read(idHash: string): Promise<CookieSession | undefined> {
    for (;;) {
      const endings = this.#endings;
      const session = await this.#registry.findSession(idHash);
      if (session !== undefined && endings !== this.#endings) continue;
      if (this.#endedElsewhere.has(idHash)) return undefined;
      if (session !== undefined) this.#remember(session);
      return session;
    }
  }

  async #sweepNowAndThen(now: number): Promise<void> {
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    await this.#registry.sweepSessions(now);
  }
}

function hashOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}

function identityOf(session: CookieSession): Identity {
  const { userId, tenant, permissions, team, name, expiresAt, idHash } = session;
  return { userId, tenant, permissions: new Set(permissions), team: new Set(team), name, expiresAt, sessionId: idHash };
}
