/**
 * The cluster port: how equal nodes know of each other (decision 0008). The log says what happened and the registry what is kept;
 * this says who is here now: which nodes run, which connections each of them holds, and what one node has to tell another that
 * is no event. Every adapter passes `contract-tests.ts`; on one node it is `alone.ts`.
 *
 * Nothing here stands between an event and its delivery. Where the store behind it is away, connections are let in by what this node
 * knows by itself, and what was to be told waits or is refused to whoever asked.
 */

/** A process, from its start to its end. */
export interface ClusterNode {
  /** Of this process alone: one that starts again under the same name has another id. */
  readonly id: string;
  /** What people and proxies call it: `BROADTAPE_NODE`. */
  readonly name: string;
}

/** A connection, as all nodes count it. */
export interface Seat {
  /** Unique among all nodes. */
  readonly connectionId: string;
  readonly tenant: string;
  readonly userId: string;
  /** Anonymous ones are not counted for a user. */
  readonly isAnonymous: boolean;
  /** Where the client named itself, with what it is a client of: two connections of one claim are never both alive. */
  readonly claim?: string | undefined;
}

/** What the others hold, at the moment at which the seat was taken. */
export interface Entered {
  /**
   * Connections of this user on all nodes that came before this one, on this node too, but for those of the same claim. Undefined where
   * nobody could be asked.
   */
  readonly ofUser: number | undefined;
}

/** How many hits of a key are let through in a window of time that begins with the first of them. */
export interface HitLimit {
  readonly most: number;
  readonly windowMs: number;
}

/** Thrown (as a rejection) where the other nodes cannot be told. `cause` says why. */
export class ClusterUnavailable extends Error {
  override readonly name = "ClusterUnavailable";

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
  }
}

export interface Answer {
  readonly from: ClusterNode;
  readonly body: string;
}

export interface Cluster {
  readonly self: ClusterNode;

  /** The other nodes that are alive, as last known: one that has stopped or is cut off is among them for some seconds more. */
  others(): readonly ClusterNode[];

  /**
   * Takes a seat for a connection that is about to be opened. Resolves with what all nodes hold, once the others can see this one;
   * of two that enter at once, on any nodes, one sees the other. Never rejects: without the store, it resolves at once with nothing known, and the seat
   * is taken as soon as that is back.
   */
  enter(seat: Seat): Promise<Entered>;

  /** Gives the seat back; written behind. Unknown ones change nothing. */
  leave(connectionId: string): void;

  /**
   * Counts a hit of this key on all nodes together. Resolves with undefined where it is within the limit, else with the milliseconds until
   * the next may come; what is beyond the limit is not counted. Never rejects: without the store, it counts this node's own.
   */
  hit(key: string, limit: HitLimit): Promise<number | undefined>;

  /**
   * Tells all other nodes. Resolves when it is durable: from then on each node that runs hears it, once, in the order of the
   * telling, also one that is stopped or cut off for now (for up to ten minutes). Rejects with `ClusterUnavailable` where nobody knows
   * whether it was written down.
   */
  tell(kind: string, body: string): Promise<void>;

  /** Hears what others tell. Returns how to stop hearing. */
  onTold(kind: string, hear: (body: string, from: ClusterNode) => void): () => void;

  /**
   * Asks one other node, or all that are alive; resolves with the answers that came in time, never rejects. After an outage of the store the time
   * is longer by what the others need to find out that it is over.
   */
  ask(kind: string, body: string, options?: AskOptions): Promise<readonly Answer[]>;

  /** Answers what others ask; one function a kind. What it throws is told to `onFault`, and whoever asked has no answer. */
  onAsked(kind: string, answer: (body: string, from: ClusterNode) => string | Promise<string>): () => void;

  /** Hears that another node is no more: it left, or was not seen for too long. Told on every node; nothing it held counts any longer. */
  onGone(hear: (node: ClusterNode) => void): () => void;

  /**
   * Undefined as long as this process runs on. After it stood still, resolves when it has heard what others told meanwhile, or that cannot be
   * had in time: until then it may hold connections that are no longer their clients', of a session that was ended or a client that is
   * elsewhere, and nothing may be told them.
   */
  awake(): Promise<void> | undefined;

  /** Leaves: all seats are given back. Resolves when the others were told, or that cannot be done in time. */
  close(): Promise<void>;
}

export interface AskOptions {
  /** A node's id; without it, all others that are alive. */
  readonly to?: string | undefined;
  /** Default {@link ASK_MS}. */
  readonly timeoutMs?: number | undefined;
}

export const ASK_MS = 2000;
