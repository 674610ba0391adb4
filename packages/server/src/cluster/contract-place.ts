/** What the contract tests of the cluster stand on. */
import type { Cluster, ClusterNode, Seat } from "./cluster.ts";

/** Where nodes meet, with times as short as they can be. */
export interface ClusterPlace {
  /** A node's lease; what takes much longer is a failure. */
  readonly leaseMs: number;
  /** Resolves when it has joined. */
  join(node: ClusterNode): Promise<Joined>;
  remove(): Promise<void>;
}

export interface Joined {
  readonly cluster: Cluster;
  /** While false, it runs and reaches nobody. */
  setConnected(isConnected: boolean): void;
}

/** A node that notes what it hears. */
export class Member {
  readonly cluster: Cluster;
  readonly setConnected: (isConnected: boolean) => void;
  /** Notes of the kind `note`. */
  readonly told: string[] = [];
  readonly gone: string[] = [];

  constructor({ cluster, setConnected }: Joined) {
    this.cluster = cluster;
    this.setConnected = setConnected;
    cluster.onTold("note", (body, from) => this.told.push(`${from.name}: ${body}`));
    cluster.onGone(({ name }) => this.gone.push(name));
  }

  get name(): string {
    return this.cluster.self.name;
  }

  /** Names, in order. */
  get others(): string[] {
    return this.cluster
      .others()
      .map(({ name }) => name)
      .sort();
  }
}

let seats = 0;

export function newSeat(fields: Partial<Seat> = {}): Seat {
  return { connectionId: `connection-${++seats}`, tenant: "acme", userId: "ann", isAnonymous: false, ...fields };
}
