/**
 * Notices that this process stood still (SIGSTOP, a machine that slept, a pause without end). What waited for it in its sockets is then
 * handled before any timer, so that whoever handles it has to ask here first.
 */

export interface StandstillOptions {
  readonly monotonic: () => number;
  /** Hears what was told meanwhile: resolves when that is done or has failed, in bounded time. */
  readonly hear: () => Promise<void>;
}

export const TICK_MS = 250;
/** So long nobody stands still who is only busy. */
const STILL_MS = 1500;

export class Standstill {
  readonly #options: StandstillOptions;
  #tickedAt: number;
  #hearing: Promise<void> | undefined;

  constructor(options: StandstillOptions) {
    this.#options = options;
    this.#tickedAt = options.monotonic();
  }

  /** Called each {@link TICK_MS} for as long as the process runs. */
  tick(): void {
    const now = this.#options.monotonic();
    const isAwoken = now - this.#tickedAt > STILL_MS;
    this.#tickedAt = now;
    if (!isAwoken) return;
    const hearing = this.#options.hear().finally(() => {
      if (this.#hearing === hearing) this.#hearing = undefined;
    });
    this.#hearing = hearing;
  }

  /** As `Cluster.awake`. */
  awake(): Promise<void> | undefined {
    if (this.#options.monotonic() - this.#tickedAt > STILL_MS) this.tick();
    return this.#hearing;
  }
}
