/** Counts hits by key, in windows that begin with the first hit. */
import type { HitLimit } from "./cluster.ts";

/** Keys remembered; beyond it the oldest window is forgotten first. */
const MAX_KEYS = 100_000;

interface Window {
  startedAt: number;
  count: number;
}

export class Windows {
  readonly #monotonic: () => number;
  readonly #maxKeys: number;
  /** In order of the windows' beginnings, where all are of one length. */
  readonly #windows = new Map<string, Window>();

  constructor(monotonic: () => number, maxKeys = MAX_KEYS) {
    this.#monotonic = monotonic;
    this.#maxKeys = maxKeys;
  }

  /** Keys in memory; a metric. */
  get size(): number {
    return this.#windows.size;
  }

  /** As `Cluster.hit`. */
  hit(key: string, { most, windowMs }: HitLimit): number | undefined {
    const now = this.#monotonic();
    let window = this.#windows.get(key);
    if (window === undefined || now - window.startedAt >= windowMs) {
      this.#windows.delete(key);
      window = { startedAt: now, count: 0 };
      this.#windows.set(key, window);
      this.#evict();
    }
    if (window.count >= most) return window.startedAt + windowMs - now;
    window.count += 1;
    return undefined;
  }

  #evict(): void {
    if (this.#windows.size <= this.#maxKeys) return;
    const oldest = this.#windows.keys().next().value;
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}
