/** Which other nodes are alive, as far as looking tells: who was not seen for a lease while this node kept looking is gone. */
import type { ClusterNode } from "../cluster.ts";

/** A row of `nodes`. */
export interface SeenNode extends ClusterNode {
  /** When it renewed its lease, by the database's clock. */
  readonly seenAt: number;
  /** Whether its lease runs. */
  readonly isLeased: boolean;
}

interface Known {
  readonly node: ClusterNode;
  seenAt: number;
  /** This node's time of the first look that found this `seenAt`, or of the first one after a while without looks. */
  sameSince: number;
  isAlive: boolean;
}

export interface PresenceTimes {
  readonly leaseMs: number;
  readonly renewMs: number;
}

export class Presence {
  readonly #selfId: string;
  readonly #times: PresenceTimes;
  readonly #known = new Map<string, Known>();
  #life: string | undefined;
  #lookedAt = -Infinity;
  /** Until then, who is not there may have had no time to write himself down again. */
  #emptiedUntil = -Infinity;

  constructor(selfId: string, times: PresenceTimes) {
    this.#selfId = selfId;
    this.#times = times;
  }

  get others(): readonly ClusterNode[] {
    return [...this.#known.values()].filter(({ isAlive }) => isAlive).map(({ node }) => node);
  }

  /**
   * Takes in what a look found; returns who is gone with it.
   *
   * @param life of the tables: another one since they were emptied, undefined where nobody has written since
   * @param now of a clock that is never set
   */
  look(rows: readonly SeenNode[], life: string | undefined, now: number): readonly ClusterNode[] {
    const { leaseMs, renewMs } = this.#times;
    // After an outage, or a sleep of this node, the others get the time to show themselves: the database's clock went on.
    if (now - this.#lookedAt > 2 * renewMs) for (const known of this.#known.values()) known.sameSince = now;
    this.#lookedAt = now;
    if (life === undefined || life !== this.#life) this.#emptiedUntil = now + leaseMs;
    this.#life = life;
    const others = new Map(rows.filter(({ id }) => id !== this.#selfId).map((row) => [row.id, row]));
    const gone = [...this.#known.values()].filter((known) => this.#isGone(known, others.get(known.node.id), now));
    for (const row of others.values()) this.#see(row, now);
    return gone.map(({ node }) => node);
  }

  /** True for one that was alive. */
  #isGone(known: Known, row: SeenNode | undefined, now: number): boolean {
    const { leaseMs, renewMs } = this.#times;
    if (row === undefined && now < this.#emptiedUntil) return false;
    if (row === undefined) this.#known.delete(known.node.id);
    // Two renewals less than a lease: so late at most was the first look that found what it still finds.
    else if (row.isLeased || row.seenAt !== known.seenAt || now - known.sameSince < leaseMs - 2 * renewMs) return false;
    const { isAlive } = known;
    known.isAlive = false;
    return isAlive;
  }

  #see({ id, name, seenAt, isLeased }: SeenNode, now: number): void {
    const known = this.#known.get(id);
    // Nobody knew of one whose lease is over already.
    if (known === undefined) this.#known.set(id, { node: { id, name }, seenAt, sameSince: now, isAlive: isLeased });
    else {
      if (known.seenAt !== seenAt) known.sameSince = now;
      known.seenAt = seenAt;
      known.isAlive ||= isLeased;
    }
  }
}
