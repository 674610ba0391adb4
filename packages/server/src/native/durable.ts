/**
 * How far clients that name themselves (`?clientId=`) have acknowledged: kept over connections and restarts (contract
 * 60-native `ack`). Written behind, in batches: no database stands between an event and its delivery.
 */
import { Delivery, type DeliveryRules } from "../engine/delivery.ts";
import type { Engine } from "../engine/engine.ts";
import { nameOf } from "../engine/kept-clients.ts";
import { Outage } from "../engine/outage.ts";
import type { Session } from "../engine/session.ts";
import { newReplaced } from "../engine/takeover.ts";

/** A client's place, as the registry keeps it. */
export interface ClientCursor {
  readonly tenant: string;
  readonly userId: string;
  readonly clientId: string;
  readonly surface: string;
  /** Every event up to and including this offset is acknowledged. */
  readonly ackedOffset: number;
  readonly epoch: number;
  readonly updatedAt: number;
}

/** What of the registry this needs. */
export interface CursorStore {
  saveCursors(cursors: readonly ClientCursor[]): Promise<void>;
  findCursor(key: Pick<ClientCursor, keyof Client | "surface">): Promise<ClientCursor | undefined>;
}

type Client = Pick<ClientCursor, "tenant" | "userId" | "clientId">;

/** A client that comes to this node, as it is told to the others. */
interface Arrival {
  readonly key: string;
  readonly since: number;
  readonly connectionId: string;
}

/** Longer than another node takes to write; so long is waited for one that died. */
const RELEASE_MS = 1000;
/** What a node says that has a connection of the client which came later. */
const NEWER = "newer";
const WRITE_MS = 1000;
const SURFACE = "native";

export class DurableClients {
  readonly #engine: Engine;
  readonly #store: CursorStore;
  readonly #rules: DeliveryRules;
  /** Of the writing behind. */
  readonly #outage: Outage;
  /** The one live session of each named client. Bounded by the connections. */
  readonly #sessions = new Map<string, Session>();
  /** Acknowledged and not written yet. Bounded by the clients that acknowledge within a second. */
  readonly #unwritten = new Map<string, ClientCursor>();
  /** Settles when other nodes have let go of the client. */
  readonly #arriving = new WeakMap<Session, Promise<void>>();
  #isArmed = false;
  /** Sessions of clients that were new when they subscribed. */
  readonly #begun = new WeakSet<Session>();
  /** While clients that have begun are written down. */
  #writingBegun: Promise<void> | undefined;
  #isBegunDue = false;

  constructor(engine: Engine, store: CursorStore, rules: DeliveryRules, onFault: (error: unknown) => void) {
    this.#engine = engine;
    this.#store = store;
    this.#rules = rules;
    this.#outage = new Outage(onFault);
    // What another node of this release wrote.
    engine.cluster.onAsked("native-release", async (body) => ((await this.#release(JSON.parse(body) as Arrival)) ? "released" : NEWER));
    engine.cluster.onTold("native-taken", (body) => {
      this.#release(JSON.parse(body) as Arrival).catch(onFault);
    });
  }

  /** A second live connection of a client takes over from the first. */
  opened(session: Session): void {
    const key = keyOf(session);
    if (key === undefined) return;
    const before = this.#sessions.get(key);
    this.#sessions.set(key, session);
    const acked = { upTo: this.#engine.routedTo, gaps: [] };
    session.guarantee(new Delivery(this.#rules, this.#engine.clock, { acked, attempts: new Map() }));
    before?.close(newReplaced(), false);
    if (this.#engine.cluster.others().length > 0) this.#arriving.set(session, this.#tellOthers(session, key));
  }

  closed(session: Session): void {
    const key = keyOf(session);
    if (key !== undefined && this.#sessions.get(key) === session) this.#sessions.delete(key);
  }

  /** What topics are told after this cursor waits for its ack, too. */
  resuming(session: Session, after: string | undefined): void {
    const place = after === undefined ? undefined : this.#engine.resumeAt(after);
    if (place !== undefined && "offset" in place) session.outbox.delivery?.alsoAfter(place.offset);
  }

  /** Unknown, foreign and older ids, and those that were never sent, change nothing and are answered with nothing. */
  acknowledge(session: Session, upTo: string): void {
    const client = clientOf(session);
    const place = this.#engine.resumeAt(upTo);
    if (client === undefined || !("offset" in place)) return;
    const acked = session.outbox.delivery?.ackUpTo(place.offset) ?? [];
    if (acked.length > 0) session.acked(acked);
    if ((this.#unwritten.get(nameOf(client))?.ackedOffset ?? -1) >= place.offset) return;
    this.#note(client, place.offset);
    this.#writeLater();
  }

  /**
   * A client without a place has followed from `cut` on, which is its place from now on: what came after is told on its next connection,
   * even if it never acknowledged anything. Who follows nothing lossless has nothing to be told later.
   */
  begins(session: Session, cut: string): void {
    const client = clientOf(session);
    if (client === undefined || this.#begun.has(session)) return;
    const place = this.#engine.resumeAt(cut);
    const isLossless = session.following.values().some(({ kind }) => kind.lossless);
    if (!isLossless || !("offset" in place)) return;
    this.#begun.add(session);
    if (this.#unwritten.has(nameOf(client))) return;
    this.#note(client, place.offset);
    this.#isBegunDue = true;
    this.#writingBegun ??= this.#writeBegun();
  }

  /** The cursor to resume from; undefined for clients without a name, and on the connection on which one was new. */
  async find(session: Session): Promise<string | undefined> {
    const client = clientOf(session);
    if (client === undefined || this.#begun.has(session)) return undefined;
    await this.#arriving.get(session);
    const own = this.#unwritten.get(nameOf(client));
    const isNewest = own !== undefined && !this.#engine.isShared;
    const stored = isNewest ? undefined : await this.#store.findCursor({ ...client, surface: SURFACE });
    const cursor = furthest(own, stored);
    if (cursor === undefined) return undefined;
    if (cursor.epoch === this.#engine.epoch) await this.#engine.reach(cursor.ackedOffset);
    // A place in another life of the log is none: the client is told to begin anew.
    return cursor.epoch === this.#engine.epoch ? this.#engine.cursorAt(cursor.ackedOffset) : "-";
  }

  async flush(): Promise<void> {
    const cursors = [...this.#unwritten.values()];
    if (cursors.length === 0) return;
    await this.#store.saveCursors(cursors);
    for (const cursor of cursors) {
      const key = nameOf(cursor);
      if (this.#unwritten.get(key) === cursor) this.#unwritten.delete(key);
    }
  }

  /** One that came at the same time elsewhere gives way, or this one does. */
  async #tellOthers(session: Session, key: string): Promise<void> {
    const { cluster } = this.#engine;
    const arrival = JSON.stringify({ key, since: session.since, connectionId: session.id } satisfies Arrival);
    const others = cluster.others().length;
    const answers = await cluster.ask("native-release", arrival, { timeoutMs: RELEASE_MS });
    if (answers.some(({ body }) => body === NEWER)) session.close(newReplaced(), false);
    // Who sleeps hears of it when it is awake again.
    else if (answers.length < others) await cluster.tell("native-taken", arrival).catch(() => undefined);
  }

  /** The client came to another node; false where it came to this one since. Rejects where its acks cannot be written now. */
  async #release({ key, since, connectionId }: Arrival): Promise<boolean> {
    const held = this.#sessions.get(key);
    if (held !== undefined && (held.since > since || (held.since === since && held.id > connectionId))) return false;
    held?.close(newReplaced(), false);
    if (this.#unwritten.has(key)) await this.flush();
    return true;
  }

  /** At once: what is not written when the process dies would begin anew, without what was told meanwhile. */
  async #writeBegun(): Promise<void> {
    while (this.#isBegunDue) {
      this.#isBegunDue = false;
      await this.flush().catch((error: unknown) => {
        this.#outage.failed(error);
        this.#writeLater();
      });
    }
    this.#writingBegun = undefined;
  }

  /** To be written. */
  #note(client: Client, ackedOffset: number): void {
    const { clock, epoch } = this.#engine;
    this.#unwritten.set(nameOf(client), { ...client, surface: SURFACE, ackedOffset, epoch, updatedAt: clock.now() });
  }

  #writeLater(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#engine.wheel.arm(WRITE_MS, () => {
      this.#isArmed = false;
      this.flush().then(
        () => this.#outage.over(),
        (error: unknown) => {
          this.#outage.failed(error);
          this.#writeLater();
        },
      );
    });
  }
}

function furthest(one: ClientCursor | undefined, other: ClientCursor | undefined): ClientCursor | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.epoch === other.epoch && one.ackedOffset < other.ackedOffset ? other : one;
}

function clientOf({ identity: { tenant, userId }, peer: { clientId } }: Session): Client | undefined {
  return clientId === undefined ? undefined : { tenant, userId, clientId };
}

function keyOf(session: Session): string | undefined {
  const client = clientOf(session);
  return client && nameOf(client);
}
