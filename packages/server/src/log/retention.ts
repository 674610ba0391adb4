/** Paces retention: small steps between commits, so that appends and reads never wait for it. */

/** Forgets some of what is due; resolves with whether more is. */
type Step = () => Promise<boolean>;

const LOOK_MS = 5000;
/** Between two steps while much is due: appends have the log most of the time, and what 100,000 events/s bring is still taken away. */
const PAUSE_MS = 10;

export class Retention {
  readonly #step: Step;
  readonly #onFault: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(step: Step, onFault: (error: Error) => void) {
    this.#step = step;
    this.#onFault = onFault;
    this.#stepAfter(LOOK_MS);
  }

  /** Starts no further step. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #stepAfter(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#step().then(
        (hasMore) => {
          this.#stepAfter(hasMore ? PAUSE_MS : LOOK_MS);
        },
        (error: unknown) => {
          if (!this.#stopped) this.#onFault(error instanceof Error ? error : new Error(String(error)));
          this.#stepAfter(LOOK_MS);
        },
      );
    }, ms).unref();
  }
}
