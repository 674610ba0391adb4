/** Hits that wait to be counted for all nodes together. */
import type { HitLimit } from "../cluster.ts";
import type { Hits } from "./group.ts";
import { digest } from "./sql.ts";

/** Hits that wait at the same time. */
const MAX_WAITING = 20_000;

/** `isKnown` false: the database was not there to count it. */
export type Counted = { readonly isKnown: false } | { readonly isKnown: true; readonly waitMs: number | undefined };

interface Waiting {
  readonly key: string;
  readonly limit: HitLimit;
  readonly settle: ((counted: Counted) => void)[];
}

const UNKNOWN: Counted = { isKnown: false };

export class Hitting {
  /** By digest of the key. */
  #waiting = new Map<string, Waiting>();
  #count = 0;

  get size(): number {
    return this.#waiting.size;
  }

  hit(key: string, limit: HitLimit): Promise<Counted> {
    if (this.#count >= MAX_WAITING) return Promise.resolve(UNKNOWN);
    this.#count += 1;
    const known = digest(key);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(known);
      if (waiting === undefined) this.#waiting.set(known, { key: known, limit, settle: [resolve] });
      else waiting.settle.push(resolve);
    });
  }

  /** All of them; each is settled by whoever took it. */
  take(): Taken {
    const taken = new Taken([...this.#waiting.values()]);
    this.#waiting = new Map();
    this.#count = 0;
    return taken;
  }
}

export class Taken {
  readonly #waiting: readonly Waiting[];

  constructor(waiting: readonly Waiting[]) {
    this.#waiting = waiting;
  }

  get hits(): readonly Hits[] {
    return this.#waiting.map(({ key, limit, settle }) => ({ key, limit, count: settle.length }));
  }

  /** With what the windows were before, of each key. */
  settle(windows: readonly { readonly used: number; readonly endsInMs: number }[]): void {
    for (const [index, { limit, settle }] of this.#waiting.entries()) {
      const window = windows[index];
      const free = Math.max(0, limit.most - (window?.used ?? 0));
      for (const [place, tell] of settle.entries())
        tell(window === undefined ? UNKNOWN : { isKnown: true, waitMs: place < free ? undefined : Math.ceil(window.endsInMs) });
    }
  }

  giveUp(): void {
    this.settle([]);
  }
}
