/** How many connections each user has to the streams of a crowd, on all nodes. */
import type { Engine } from "../../engine/engine.ts";

export interface UserCount {
  readonly tenant: string;
  readonly userId: string;
  readonly clientCount: number;
}

/** Anybody may ask: other nodes are asked so often at most. */
const FRESH_MS = 1000;

export class Crowds {
  readonly #engine: Engine;
  readonly #crowd: string;
  /** What the other nodes said last, or will say. */
  #others: Promise<readonly UserCount[]> = Promise.resolve([]);
  #askedAt = -Infinity;

  constructor(engine: Engine, crowd: string) {
    this.#engine = engine;
    this.#crowd = crowd;
    engine.cluster.onAsked(this.#kind, () => JSON.stringify(this.#own()));
  }

  /** One a user. A node that does not answer is left out. */
  async counts(): Promise<readonly UserCount[]> {
    const sums = new Map<string, UserCount>();
    for (const { tenant, userId, clientCount } of [...this.#own(), ...(await this.#ofOthers())]) {
      const key = `${tenant}\u0000${userId}`;
      sums.set(key, { tenant, userId, clientCount: (sums.get(key)?.clientCount ?? 0) + clientCount });
    }
    return [...sums.values()];
  }

  get #kind(): string {
    return `crowd-counts ${this.#crowd}`;
  }

  #own(): UserCount[] {
    const readers = [...this.#engine.sessions.values()].filter(({ surface }) => surface.crowd?.name === this.#crowd);
    const byUser = Map.groupBy(readers, ({ identity: { tenant, userId } }) => `${tenant}\u0000${userId}`);
    return [...byUser.values()].flatMap(([first, ...more]) => {
      const { identity } = first ?? {};
      return identity === undefined ? [] : [{ tenant: identity.tenant, userId: identity.userId, clientCount: 1 + more.length }];
    });
  }

  #ofOthers(): Promise<readonly UserCount[]> {
    const { cluster, clock } = this.#engine;
    if (cluster.others().length === 0) return Promise.resolve([]);
    if (clock.monotonic() - this.#askedAt < FRESH_MS) return this.#others;
    this.#askedAt = clock.monotonic();
    // What another node of this release wrote.
    this.#others = cluster.ask(this.#kind, "").then((answers) => answers.flatMap(({ body }) => JSON.parse(body) as UserCount[]));
    return this.#others;
  }
}
