/** Nodes that left or were not seen for too long, for as long as operators may want to know of them. */
import type { Cluster, ClusterNode } from "../cluster/cluster.ts";
import type { Clock } from "../engine/clock.ts";

const KEPT_MS = 600_000;
const MOST = 50;
/** How long one may be gone already when it is noticed. */
const NOTICED_MS = 15_000;

interface Departure {
  readonly node: ClusterNode;
  readonly at: number;
}

export class Departed {
  readonly #clock: Clock;
  /** Oldest first. */
  #departures: readonly Departure[] = [];
  readonly close: () => void;

  constructor(cluster: Cluster, clock: Clock) {
    this.#clock = clock;
    this.close = cluster.onGone((node) => {
      this.#departures = [...this.#recent().filter((known) => known.node.id !== node.id), { node, at: clock.now() }].slice(-MOST);
    });
  }

  /** Those that are neither back nor were followed by a process of the same name. */
  missing(running: readonly { readonly node: ClusterNode; readonly startedAt: number }[]): readonly Departure[] {
    return this.#recent().filter(
      ({ node, at }) =>
        !running.some(({ node: { id, name }, startedAt }) => id === node.id || (name === node.name && startedAt > at - NOTICED_MS)),
    );
  }

  /** When the last one went; undefined where none did in the last ten minutes. */
  lastAt(): number | undefined {
    return this.#recent().at(-1)?.at;
  }

  #recent(): readonly Departure[] {
    return this.#departures.filter(({ at }) => at > this.#clock.now() - KEPT_MS);
  }
}
