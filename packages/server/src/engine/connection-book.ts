/**
 * Who was connected, when and from where, for operators (contract 30-transactions "Registry tables"). Written behind, in batches:
 * a registry that is away or slow holds up nobody; what it did not take waits.
 */
import type { Cluster } from "../cluster/cluster.ts";
import type { OfNodes } from "../registry/registry.ts";
import type { KeptConnection } from "../registry/subscriptions.ts";
import type { Clock } from "./clock.ts";
import { Outage } from "./outage.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Wheel } from "./wheel.ts";

/** What of the registry this needs. */
export interface ConnectionStore {
  saveConnections(connections: readonly KeptConnection[]): Promise<void>;
  closeOpenConnections(now: number, of?: OfNodes): Promise<number>;
  sweepConnections(before: number): Promise<number>;
}

export interface ConnectionBookHost {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly sessions: Sessions;
  readonly cluster: Cluster;
  readonly isShared: boolean;
  readonly newId: () => string;
  readonly onFault: (error: unknown) => void;
}

export interface ConnectionBookRules {
  /** Ended connections are kept so long. */
  readonly keptMs: number;
  /** Rows that may wait for the registry; beyond it the oldest are given up. */
  readonly waiting: number;
}

export const STALE_MS = 300_000;
const WRITE_MS = 1000;
/** How far behind the last activity of a connection may be in the registry. */
const ACTIVITY_MS = 60_000;
/** Two clocks that are read one after the other differ by less. */
const SAME_MS = 1000;
const SWEEP_MS = 3_600_000;
/** Who was away for longer may be gone for other nodes, and its connections with it. */
const ASLEEP_MS = 4000;
/** Rows of one write. */
const BATCH = 500;

/** When the client last showed a sign of life. Whoever only listens shows it by taking what it is sent. */
export function wasActiveAt({ heardAt, outbox, connection }: Session, clock: Clock): number {
  const tookAt = connection.isOneWay === true && outbox.stuckSince === undefined ? outbox.lastSentAt : 0;
  return Math.round(clock.now() - (clock.monotonic() - Math.max(heardAt, tookAt)));
}

/** Whoever is still to say who it is has no session, and nobody knows whose it would be: AUTHENTICATING is none's. */
export function connectionStatus(session: Session, clock: Clock): KeptConnection["status"] {
  if (session.isClosed) return "DISCONNECTED";
  return clock.now() - wasActiveAt(session, clock) >= STALE_MS ? "STALE" : "CONNECTED";
}

export class ConnectionBook {
  readonly #host: ConnectionBookHost;
  readonly #store: ConnectionStore;
  readonly #rules: ConnectionBookRules;
  /** Rows to be written, by connection, the longest waiting first. Never more than `rules.waiting`. */
  readonly #waiting = new Map<string, KeptConnection>();
  /** What was last noted of each open connection. Bounded by the connections. */
  readonly #noted = new Map<string, KeptConnection>();
  readonly #startedAt: number;
  /** Those that another life of the process left open are closed first of all, and no one of this. */
  #isCleared = false;
  readonly #outage: Outage;
  /** Nodes that are no more, whose connections are to be closed. */
  readonly #gone = new Set<string>();
  #awakeAt: number;
  #saving: Promise<void> | undefined;
  #lost = 0;

  constructor(host: ConnectionBookHost, store: ConnectionStore, rules: ConnectionBookRules) {
    this.#host = host;
    this.#store = store;
    this.#rules = rules;
    this.#outage = new Outage(host.onFault);
    this.#startedAt = host.clock.now();
    this.#awakeAt = host.clock.monotonic();
    host.cluster.onGone(({ id }) => this.#gone.add(id));
    host.sessions.onOpened = (session) => {
      this.#note(session);
    };
    host.sessions.onClosed = (session) => {
      this.#note(session);
      this.#noted.delete(session.id);
    };
    this.#every(WRITE_MS, () => {
      this.#write();
    });
    this.#every(ACTIVITY_MS, () => {
      this.#noteActivity();
    });
    this.#every(SWEEP_MS, () => {
      this.#store.sweepConnections(host.clock.now() - rules.keptMs).catch(host.onFault);
    });
  }

  /** Rows given up because the registry was away for too long. */
  get lost(): number {
    return this.#lost;
  }

  /** Rows that wait for the registry. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Writes everything down. Rejects where the registry does; nothing is forgotten then. */
  async flush(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving.catch(() => undefined);
    this.#saving = this.#save();
    try {
      await this.#saving;
      if (this.#outage.isOn) this.#noteAgain();
      this.#outage.over();
    } finally {
      this.#saving = undefined;
    }
  }

  #write(): void {
    const asleepMs = this.#host.clock.monotonic() - this.#awakeAt - WRITE_MS;
    this.#awakeAt = this.#host.clock.monotonic();
    if (asleepMs >= ASLEEP_MS) this.#noteAgain();
    if (this.#saving !== undefined || (this.#isCleared && this.#waiting.size === 0 && this.#gone.size === 0)) return;
    this.flush().catch((error: unknown) => {
      this.#outage.failed(error);
    });
  }

  async #save(): Promise<void> {
    if (!this.#isCleared) {
      await this.#store.closeOpenConnections(this.#startedAt, this.#earlierLives());
      this.#isCleared = true;
    }
    for (const node of this.#gone) {
      await this.#store.closeOpenConnections(this.#host.clock.now(), { node });
      this.#gone.delete(node);
    }
    while (this.#waiting.size > 0) {
      const rows = this.#waiting.values().take(BATCH).toArray();
      await this.#store.saveConnections(rows);
      for (const row of rows) if (this.#waiting.get(row.connectionId) === row) this.#waiting.delete(row.connectionId);
    }
  }

  /** What no running node holds. Undefined where there is one alone: all. */
  #earlierLives(): OfNodes | undefined {
    const { cluster, isShared } = this.#host;
    return isShared ? { except: [cluster.self, ...cluster.others()].map(({ id }) => id) } : undefined;
  }

  /** Whoever could not be heard was taken for gone, and its connections for closed. */
  #noteAgain(): void {
    if (this.#host.isShared) for (const session of this.#host.sessions.values()) this.#note(session);
  }

  #noteActivity(): void {
    const { sessions, clock } = this.#host;
    for (const session of sessions.values()) {
      const noted = this.#noted.get(session.id);
      const isQuiet = noted !== undefined && wasActiveAt(session, clock) - noted.lastActivity < SAME_MS;
      if (!isQuiet || noted.status !== connectionStatus(session, clock)) this.#note(session);
    }
  }

  #note(session: Session): void {
    const row = this.#rowOf(session);
    this.#noted.set(session.id, row);
    const isNew = !this.#waiting.has(session.id);
    if (isNew && this.#waiting.size >= this.#rules.waiting) this.#giveUpOldest();
    this.#waiting.set(session.id, row);
  }

  #giveUpOldest(): void {
    const [oldest] = this.#waiting.keys();
    if (oldest === undefined) return;
    this.#waiting.delete(oldest);
    // If it is still open, its next activity brings it back.
    this.#noted.delete(oldest);
    this.#lost += 1;
  }

  #rowOf(session: Session): KeptConnection {
    const { clock, newId, cluster, isShared } = this.#host;
    const { identity, peer, surface, isClosed } = session;
    return {
      id: this.#noted.get(session.id)?.id ?? newId(),
      tenant: identity.tenant,
      userId: identity.userId,
      connectionId: session.id,
      clientId: peer.clientId,
      socketId: session.connection.socketId,
      surface: surface.name,
      connectedAt: session.since,
      disconnectedAt: isClosed ? clock.now() : undefined,
      lastActivity: wasActiveAt(session, clock),
      ipAddress: peer.address,
      userAgent: peer.userAgent,
      status: connectionStatus(session, clock),
      node: isShared ? cluster.self.id : undefined,
    };
  }

  #every(ms: number, run: () => void): void {
    this.#host.wheel.arm(ms, () => {
      run();
      this.#every(ms, run);
    });
  }
}
