/** All open sessions: limits, expiry, heartbeats, sweeping of those that stopped reading. */
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Cluster } from "../cluster/cluster.ts";
import type { Clock } from "./clock.ts";
import type { Meter } from "./meter.ts";
import type { Session } from "./session.ts";
import type { Wheel } from "./wheel.ts";

export interface SessionsHost {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly meter: Meter;
  readonly cluster: Cluster;
  readonly limits: {
    readonly connections: number;
    readonly connectionsPerUser: number;
    readonly slowConsumerMs: number;
    readonly stalledMs: number;
  };
}

const SWEEP_MS = 1000;
/** When to look again whether a connection that was busy takes its heartbeat. */
const BUSY_MS = 1000;
/** When it is worth to look again whether there is room. */
const FULL_MS = 5000;
const TOO_MANY = "too many connections of this user";

/** A connection's place among all nodes, from before it is opened. */
export interface Seat {
  readonly connectionId: string;
  /** Connections that its user had before, on all nodes; undefined where nobody could be asked. */
  readonly ofUser: number | undefined;
  /** Gives it back where the connection was not opened. */
  leave(): void;
}

interface Entrant {
  readonly identity: Identity;
  /** The cookie session that it hangs on ended while it took its seat. */
  hasEnded: boolean;
}

export class Sessions {
  readonly #host: SessionsHost;
  readonly #sessions = new Map<string, Session>();
  readonly #byUser = new Map<string, Set<Session>>();
  readonly #byCookie = new Map<string, Set<Session>>();
  /** Those that take a seat right now. */
  readonly #entering = new Set<Entrant>();
  /** Told of every session once it is here, and once it is gone. */
  onOpened: ((session: Session) => void) | undefined;
  onClosed: ((session: Session) => void) | undefined;

  constructor(host: SessionsHost) {
    this.#host = host;
    this.#sweepLater();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Users with at least one session; a metric. */
  get users(): number {
    return this.#byUser.size;
  }

  values(): Iterable<Session> {
    return this.#sessions.values();
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** Throws LIMIT_REACHED when the server or the user has as many connections as allowed. */
  checkRoom(identity: Identity): void {
    if (this.#sessions.size >= this.#host.limits.connections) this.#refuse(identity, "the server holds as many connections as it may");
    if (identity.isAnonymous === true) return;
    const own = this.#byUser.get(userKey(identity))?.size ?? 0;
    if (own >= this.#host.limits.connectionsPerUser) this.#refuse(identity, TOO_MANY);
  }

  #refuse(identity: Identity, message: string): never {
    this.#host.meter.witness.limited(identity, "LIMIT_REACHED", message);
    throw new Refusal("LIMIT_REACHED", message, { retryAfterMs: FULL_MS });
  }

  add(session: Session): void {
    this.#sessions.set(session.id, session);
    addTo(this.#byUser, userKey(session.identity), session);
    if (session.identity.sessionId !== undefined) addTo(this.#byCookie, session.identity.sessionId, session);
    this.armExpiry(session);
    this.#beat(session);
    this.onOpened?.(session);
  }

  remove(session: Session, code: string): void {
    this.#sessions.delete(session.id);
    this.#host.cluster.leave(session.id);
    removeFrom(this.#byUser, userKey(session.identity), session);
    if (session.identity.sessionId !== undefined) removeFrom(this.#byCookie, session.identity.sessionId, session);
    if (code !== "lost") this.#host.meter.dropped.set(code, (this.#host.meter.dropped.get(code) ?? 0) + 1);
    this.onClosed?.(session);
  }

  /** A fresh token of the same user: delivery goes on until that one's end. */
  renew(session: Session, identity: Identity): void {
    if (session.identity.sessionId !== undefined) removeFrom(this.#byCookie, session.identity.sessionId, session);
    session.identity = identity;
    if (identity.sessionId !== undefined) addTo(this.#byCookie, identity.sessionId, session);
    this.armExpiry(session);
  }

  armExpiry(session: Session): void {
    if (session.identity.expiresAt === Infinity) return;
    session.arm("expiry", session.identity.expiresAt - this.#host.clock.now(), () => {
      session.close(new Refusal("TOKEN_EXPIRED", "the token or session has expired"));
    });
  }

  /** Closes what hangs on a cookie session that ended. */
  endCookie(sessionId: string): void {
    for (const session of [...(this.#byCookie.get(sessionId) ?? [])]) {
      session.close(new Refusal("TOKEN_EXPIRED", "the session has ended"), false);
    }
    for (const entrant of this.#entering) if (entrant.identity.sessionId === sessionId) entrant.hasEnded = true;
  }

  /**
   * Takes a seat among all nodes for a connection that is about to be opened under this id. It is to be given back where that does
   * not come about; an opened connection gives it back by itself. Rejects with LIMIT_REACHED, or TOKEN_EXPIRED where the session ended meanwhile.
   */
  async enter(identity: Identity, connectionId: string, claim: string | undefined): Promise<Seat> {
    const { cluster, limits } = this.#host;
    const { tenant, userId, isAnonymous = false } = identity;
    const entrant = { identity, hasEnded: false };
    this.#entering.add(entrant);
    const { ofUser } = await cluster.enter({ connectionId, tenant, userId, isAnonymous, claim });
    this.#entering.delete(entrant);
    const leave = () => {
      if (!this.#sessions.has(connectionId)) cluster.leave(connectionId);
    };
    try {
      if (entrant.hasEnded) throw new Refusal("TOKEN_EXPIRED", "the session has ended");
      if (!isAnonymous && ofUser !== undefined && ofUser >= limits.connectionsPerUser) this.#refuse(identity, TOO_MANY);
    } catch (error) {
      leave();
      throw error;
    }
    return { connectionId, ofUser, leave };
  }

  /** Newest and oldest sessions of a user, in order of arrival. */
  ofUser(identity: Pick<Identity, "tenant" | "userId">): readonly Session[] {
    return [...(this.#byUser.get(userKey(identity)) ?? [])];
  }

  /** Where the surface beats only into silence, that is counted from the last thing sent, not from the last beat. */
  #beat(session: Session, afterMs = session.surface.heartbeatMs): void {
    const { heartbeatMs, beatsWhenBusy } = session.surface;
    session.arm("heartbeat", afterMs, () => {
      const now = this.#host.clock.now();
      const quietFor = beatsWhenBusy === false ? this.#host.clock.monotonic() - session.outbox.lastSentAt : heartbeatMs;
      const remains = heartbeatMs - quietFor;
      const isDue = remains < 1;
      const beats = isDue && session.outbox.idle;
      if (beats) session.say(session.surface.heartbeat(session.cursor, now));
      // While something is on its way, it is not due for another interval only because of this moment.
      this.#beat(session, beats ? heartbeatMs : isDue ? Math.min(heartbeatMs, BUSY_MS) : remains);
    });
  }

  #sweepLater(): void {
    this.#host.wheel.arm(SWEEP_MS, () => {
      this.#sweep();
      this.#sweepLater();
    });
  }

  /** Ends connections that have not drained for too long: the lossless ones of a slow reader, later all. */
  #sweep(): void {
    const now = this.#host.clock.monotonic();
    const { slowConsumerMs, stalledMs } = this.#host.limits;
    for (const session of [...this.#sessions.values()]) {
      const { stuckSince, awaitsAcksSince, flowing } = session.outbox;
      if (awaitsAcksSince !== undefined && now - awaitsAcksSince >= slowConsumerMs)
        session.close(new Refusal("SLOW_CONSUMER", "no event was acknowledged for too long"));
      if (stuckSince === undefined) continue;
      const allowed = flowing ? stalledMs : slowConsumerMs;
      if (now - stuckSince >= allowed) session.close(new Refusal("SLOW_CONSUMER", "the connection does not drain"));
    }
  }
}

function userKey({ tenant, userId }: Pick<Identity, "tenant" | "userId">): string {
  return `${tenant}\u0000${userId}`;
}

function addTo(map: Map<string, Set<Session>>, key: string, session: Session): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([session]));
  else set.add(session);
}

function removeFrom(map: Map<string, Set<Session>>, key: string, session: Session): void {
  const set = map.get(key);
  if (set?.delete(session) === true && set.size === 0) map.delete(key);
}
