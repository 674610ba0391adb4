/** Connection attempts a minute and address on SSE paths (contract 50-sse "Behaviour", 70-details "SSE attempt limits"). */
import type { Clock } from "../../engine/clock.ts";

export interface AttemptLimits {
  /** Attempts that end in 401 or 403, and anonymous ones. */
  readonly failed: number;
  /** All others. */
  readonly others: number;
}

const MINUTE_MS = 60_000;
/** Addresses remembered; beyond it the oldest minute is forgotten first. */
const MAX_ADDRESSES = 100_000;

interface Window {
  startedAt: number;
  failed: number;
  others: number;
}

export class Attempts {
  readonly #clock: Clock;
  readonly #limits: AttemptLimits;
  /** In order of the windows' beginnings. */
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, limits: AttemptLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Counts an attempt; undefined when it is within the limit, else the milliseconds until the next may come. */
  count(address: string, kind: "failed" | "others"): number | undefined {
    const now = this.#clock.monotonic();
    let window = this.#windows.get(address);
    if (window === undefined || now - window.startedAt >= MINUTE_MS) {
      this.#windows.delete(address);
      window = { startedAt: now, failed: 0, others: 0 };
      this.#windows.set(address, window);
      this.#evict();
    }
    if (window[kind] >= this.#limits[kind]) return window.startedAt + MINUTE_MS - now;
    window[kind] += 1;
    return undefined;
  }

  #evict(): void {
    if (this.#windows.size <= MAX_ADDRESSES) return;
    const oldest = this.#windows.keys().next().value;
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}
