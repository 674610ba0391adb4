/** Nodes of one process: for tests and simulations, with whatever time those have. */
import {
  type Answer,
  ASK_MS,
  type AskOptions,
  type Cluster,
  type ClusterNode,
  ClusterUnavailable,
  type Entered,
  type HitLimit,
  type Seat,
} from "../cluster.ts";
import { Hearers } from "../hearers.ts";
import { newClusterMeter } from "../meter.ts";
import { Questions } from "../questions.ts";
import { Windows } from "../windows.ts";

export interface HubOptions {
  readonly monotonic: () => number;
  readonly after: (ms: number, run: () => void) => () => void;
  /** A node that is cut off for so long is gone for the others. Default: 5 s */
  readonly leaseMs?: number | undefined;
  /** What anything takes from one node to another. Default: nothing, though never in the same turn. */
  readonly delayMs?: (() => number) | undefined;
  /** Whether the next question or answer is lost on its way. Default: none is */
  readonly loses?: (() => boolean) | undefined;
  readonly onFault?: ((error: unknown) => void) | undefined;
}

interface Note {
  readonly number: number;
  readonly from: ClusterNode;
  readonly kind: string;
  readonly body: string;
  readonly toldAt: number;
}

const LEASE_MS = 5000;
const NOTES_KEPT_MS = 600_000;

/** What the nodes have in common. */
export class MemoryHub {
  readonly options: HubOptions;
  readonly windows: Windows;
  readonly members = new Map<string, MemoryCluster>();
  /** Who holds which seat. */
  readonly seats = new Map<string, { readonly seat: Seat; readonly nodeId: string }>();
  /** In the order of their numbers. */
  notes: Note[] = [];
  #told = 0;

  constructor(options: HubOptions) {
    this.options = options;
    this.windows = new Windows(options.monotonic);
  }

  join(node: ClusterNode): MemoryCluster {
    const member = new MemoryCluster(this, node, this.#told);
    this.members.set(node.id, member);
    this.lookAll();
    return member;
  }

  /** Runs it in another turn, as if it had come from elsewhere. */
  later(run: () => void): void {
    this.options.after(this.options.delayMs?.() ?? 0, run);
  }

  /** As `later`, of a question or an answer. */
  carry(run: () => void): void {
    if (this.options.loses?.() !== true) this.later(run);
  }

  tell(from: ClusterNode, kind: string, body: string): void {
    const toldAt = this.options.monotonic();
    const kept = this.notes.findIndex((note) => note.toldAt > toldAt - NOTES_KEPT_MS);
    this.notes = kept === -1 ? [] : this.notes.slice(kept);
    this.notes.push({ number: ++this.#told, from, kind, body, toldAt });
    this.lookAll();
  }

  lookAll(): void {
    for (const member of this.members.values()) member.lookLater();
  }

  /** Nodes that are alive for the others. */
  alive(): ClusterNode[] {
    return [...this.members.values()].filter(({ isGone }) => !isGone).map(({ self }) => self);
  }

  giveUpSeatsOf(nodeId: string): void {
    for (const [connectionId, held] of this.seats) if (held.nodeId === nodeId) this.seats.delete(connectionId);
  }
}

export class MemoryCluster implements Cluster {
  readonly self: ClusterNode;
  readonly meter = newClusterMeter();
  /** Whether the others have given this one up. */
  isGone = false;
  readonly #hub: MemoryHub;
  readonly #hearers: Hearers;
  readonly #questions: Questions;
  /** What this node counts while it is cut off. */
  readonly #own: Windows;
  readonly #held = new Map<string, Seat>();
  #known = new Map<string, ClusterNode>();
  #heard: number;
  #isLooking = false;
  #isCut = false;
  #isClosed = false;
  #stopLease: () => void = () => undefined;

  constructor(hub: MemoryHub, self: ClusterNode, heard: number) {
    this.self = self;
    this.#hub = hub;
    this.#heard = heard;
    this.#hearers = new Hearers((error) => hub.options.onFault?.(error));
    this.#questions = new Questions(hub.options.after, this.meter);
    this.#own = new Windows(hub.options.monotonic);
    this.#know();
  }

  /** Cut off it hears and tells nothing, until it is connected again; after a lease the others give it up. */
  setConnected(isConnected: boolean): void {
    if (this.#isCut === !isConnected || this.#isClosed) return;
    this.#isCut = !isConnected;
    this.#stopLease();
    if (isConnected) {
      this.isGone = false;
      for (const [connectionId, seat] of this.#held) this.#hub.seats.set(connectionId, { seat, nodeId: this.self.id });
      this.#hub.lookAll();
      return;
    }
    this.meter.outages += 1;
    this.#stopLease = this.#hub.options.after(this.#hub.options.leaseMs ?? LEASE_MS, () => {
      this.isGone = true;
      this.#hub.giveUpSeatsOf(this.self.id);
      this.#hub.lookAll();
    });
  }

  others(): readonly ClusterNode[] {
    return [...this.#known.values()];
  }

  async enter(seat: Seat): Promise<Entered> {
    if (seat.isAnonymous) return { ofUser: 0 };
    if (this.#isClosed) return { ofUser: undefined };
    this.#held.set(seat.connectionId, seat);
    if (this.#isCut) return { ofUser: undefined };
    const ofUser = [...this.#hub.seats.values()].filter((held) => isCounted(held.seat, seat)).length;
    this.#hub.seats.set(seat.connectionId, { seat, nodeId: this.self.id });
    return new Promise((resolve) => {
      this.#hub.later(() => resolve({ ofUser: this.#isCut ? undefined : ofUser }));
    });
  }

  leave(connectionId: string): void {
    this.#held.delete(connectionId);
    if (!this.#isCut && this.#hub.seats.get(connectionId)?.nodeId === this.self.id) this.#hub.seats.delete(connectionId);
  }

  hit(key: string, limit: HitLimit): Promise<number | undefined> {
    const windows = this.#isCut || this.#isClosed ? this.#own : this.#hub.windows;
    return Promise.resolve(windows.hit(key, limit));
  }

  tell(kind: string, body: string): Promise<void> {
    if (this.#isCut || this.#isClosed) return Promise.reject(new ClusterUnavailable("this node is cut off from the others"));
    this.#hub.tell(this.self, kind, body);
    this.meter.told += 1;
    return Promise.resolve();
  }

  onTold(...listener: Parameters<Cluster["onTold"]>): () => void {
    return this.#hearers.onTold(...listener);
  }

  ask(kind: string, body: string, { to, timeoutMs = ASK_MS }: AskOptions = {}): Promise<readonly Answer[]> {
    if (this.#isCut || this.#isClosed) return Promise.resolve([]);
    const asked = this.others().filter(({ id }) => to === undefined || id === to);
    const question = crypto.randomUUID();
    const answers = this.#questions.ask(question, asked, timeoutMs);
    for (const { id } of asked) this.#hub.carry(() => this.#hub.members.get(id)?.hearQuestion(question, kind, body, this));
    return answers;
  }

  onAsked(...listener: Parameters<Cluster["onAsked"]>): () => void {
    return this.#hearers.onAsked(...listener);
  }

  onGone(hear: Parameters<Cluster["onGone"]>[0]): () => void {
    return this.#hearers.onGone(hear);
  }

  awake(): Promise<void> | undefined {
    return undefined;
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#stopLease();
    this.#hearers.clear();
    this.#questions.close();
    this.#hub.giveUpSeatsOf(this.self.id);
    this.#hub.members.delete(this.self.id);
    this.#hub.lookAll();
    return Promise.resolve();
  }

  hearQuestion(question: string, kind: string, body: string, asker: MemoryCluster): void {
    if (this.#isCut) return;
    void this.#hearers.answer(kind, body, asker.self).then((answer) => {
      this.#hub.carry(() => {
        if (!this.#isCut && !asker.#isCut) asker.#questions.answered(question, this.self, answer);
      });
    });
  }

  lookLater(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#hub.later(() => {
      this.#isLooking = false;
      this.#look();
    });
  }

  #look(): void {
    if (this.#isCut || this.#isClosed) return;
    for (const { number, from, kind, body } of this.#hub.notes) {
      if (number <= this.#heard) continue;
      this.#heard = number;
      if (from.id === this.self.id) continue;
      this.meter.heard += 1;
      this.#hearers.tell(kind, body, from);
    }
    for (const node of this.#know()) {
      this.#questions.gone(node.id);
      this.#hearers.tellGone(node);
    }
  }

  /** Returns who is gone. */
  #know(): readonly ClusterNode[] {
    const alive = new Map(this.#hub.alive().map((node) => [node.id, node]));
    alive.delete(this.self.id);
    const gone = [...this.#known.values()].filter(({ id }) => !alive.has(id));
    this.#known = alive;
    return gone;
  }
}

/** Whether the one that is held counts for the one that enters. */
function isCounted(held: Seat, entering: Seat): boolean {
  const isOfUser = held.tenant === entering.tenant && held.userId === entering.userId;
  return isOfUser && held.connectionId !== entering.connectionId && (held.claim === undefined || held.claim !== entering.claim);
}
