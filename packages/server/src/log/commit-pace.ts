/**
 * How far apart commits begin when the process is busy. A commit costs two thread switches and an fsync however few events
 * it takes: when the processor is the bottleneck, fewer and larger ones leave more of it for delivery. When it is not, a commit
 * begins as soon as the last one has ended.
 */

export interface CommitPaceOptions {
  /** Milliseconds from one commit's beginning to the next one's when the process is wholly busy; 0 never waits. */
  readonly windowMs: number;
  /** Share of the time in which the event loop was busy since the last call, 0 to 1. */
  readonly utilization: () => number;
  /** Milliseconds of a clock that never jumps. */
  readonly monotonic: () => number;
  readonly after: (ms: number, run: () => void) => unknown;
}

/** Below this share of busy time nothing waits; from there the window opens in proportion. */
const CALM = 0.5;
const FULL = 0.8;
const SAMPLE_MS = 50;
/** A wait that a timer cannot measure. */
const NEGLIGIBLE_MS = 0.5;

export class CommitPace {
  readonly #options: CommitPaceOptions;
  #begunAt = -Infinity;
  #sampledAt = -Infinity;
  #windowMs = 0;

  constructor(options: CommitPaceOptions) {
    this.#options = options;
  }

  /** Resolves when the next commit may begin; undefined where that is now. */
  next(): Promise<void> | undefined {
    const { monotonic, after } = this.#options;
    const now = monotonic();
    this.#sample(now);
    const wait = this.#begunAt + this.#windowMs - now;
    if (!(wait > NEGLIGIBLE_MS)) {
      this.#begunAt = now;
      return undefined;
    }
    return new Promise((resolve) =>
      after(wait, () => {
        this.#begunAt = monotonic();
        resolve();
      }),
    );
  }

  #sample(now: number): void {
    if (now - this.#sampledAt < SAMPLE_MS) return;
    this.#sampledAt = now;
    const pressure = (this.#options.utilization() - CALM) / (FULL - CALM);
    this.#windowMs = this.#options.windowMs * Math.min(1, Math.max(0, pressure));
  }
}
