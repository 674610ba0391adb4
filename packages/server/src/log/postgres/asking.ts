/**
 * Asking the log's database, while it may be away: what may be asked twice is, an outage is told of once, and what the caller hears of it
 * names no host.
 */
import { isRefusal, repeating } from "../../postgres/failures.ts";
import { LogUnavailable } from "../log.ts";

export class Asking {
  readonly #onFault: ((error: Error) => void) | undefined;
  /** Questions that are not answered yet. */
  readonly #running = new Set<Promise<unknown>>();
  /** Whether the database failed us when it was last asked. */
  #isFailing = false;
  #isInDoubt = false;

  constructor(onFault: ((error: Error) => void) | undefined) {
    this.#onFault = onFault;
  }

  get isAway(): boolean {
    return this.#isFailing || this.#isInDoubt;
  }

  /** Whether it is being found out what became of a COMMIT. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** Each question does the same when it is asked twice. Rejects with LogUnavailable. */
  ask<T>(question: () => Promise<T>): Promise<T> {
    const running = repeating(question).then(
      (answer) => {
        if (!this.#isInDoubt) this.#isFailing = false;
        return answer;
      },
      (error: unknown) => {
        throw this.#failed(error);
      },
    );
    const forget = () => void this.#running.delete(running);
    this.#running.add(running);
    running.then(forget, forget);
    return running;
  }

  /** Asks for what may not be done twice. Rejects with LogUnavailable. */
  async once<T>(work: () => Promise<T>): Promise<T> {
    try {
      const answer = await work();
      this.#isFailing = false;
      return answer;
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.#isInDoubt = false;
    }
  }

  /** Until {@link once} is over, it is being found out what became of its COMMIT. */
  doubts(error: unknown): void {
    this.#isInDoubt = true;
    this.#failed(error);
  }

  /** Resolves when every question that was asked is answered. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  #failed(error: unknown): LogUnavailable {
    if (error instanceof LogUnavailable) return error;
    if (!this.#isFailing) this.#onFault?.(error instanceof Error ? error : new Error(String(error)));
    this.#isFailing = true;
    return isRefusal(error) ? new LogUnavailable(`the database refuses: ${error.message}`) : databaseAway();
  }
}

export function databaseAway(): LogUnavailable {
  return new LogUnavailable("the database does not answer");
}
