/** Connection attempts a minute and address on SSE paths, on all nodes (contract 50-sse "Behaviour", 70-details "SSE attempt limits"). */
import type { Engine } from "../../engine/engine.ts";

export interface AttemptLimits {
  /** Attempts that end in 401 or 403, and anonymous ones. */
  readonly failed: number;
  /** All others. */
  readonly others: number;
}

const MINUTE_MS = 60_000;

type Counting = Pick<Engine["cluster"], "hit">;

export class Attempts {
  readonly #cluster: Counting;
  readonly #limits: AttemptLimits;

  constructor(cluster: Counting, limits: AttemptLimits) {
    this.#cluster = cluster;
    this.#limits = limits;
  }

  /** Counts an attempt; resolves with undefined when it is within the limit, else with the milliseconds until the next may come. */
  count(address: string, kind: keyof AttemptLimits): Promise<number | undefined> {
    return this.#cluster.hit(`sse-${kind} ${address}`, { most: this.#limits[kind], windowMs: MINUTE_MS });
  }
}
