/** Faults in the log. What fails for one reason again and again, as with a database that is away, is told once in ten seconds, with how often it came. */
import type { Logger } from "pino";

const AGAIN_MS = 10_000;
/** Different faults that are remembered; the oldest is forgotten first, and told again if it comes again. */
const MOST = 100;

interface Told {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** How often it came since. */
  more: number;
}

export class Faults {
  readonly #logger: Pick<Logger, "error">;
  readonly #monotonic: () => number;
  readonly #told = new Map<string, Told>();

  constructor(logger: Pick<Logger, "error">, monotonic: () => number) {
    this.#logger = logger;
    this.#monotonic = monotonic;
  }

  tell(error: unknown): void {
    const now = this.#monotonic();
    const name = String(error);
    const before = this.#told.get(name);
    if (before !== undefined && now - before.at < AGAIN_MS) {
      before.more += 1;
      return;
    }
    this.#logger.error({ err: error, ...(before !== undefined && before.more > 0 && { untold: before.more }) }, "fault");
    this.#told.delete(name);
    this.#told.set(name, { at: now, more: 0 });
    const [oldest] = this.#told.keys();
    if (this.#told.size > MOST && oldest !== undefined) this.#told.delete(oldest);
  }
}
