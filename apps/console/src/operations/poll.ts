/** Asks the server again and again while somebody looks, and says since when what is shown is no longer known to be true. */
import { Refused } from "./ask.ts";

export interface Polled<T> {
  readonly value: T | undefined;
  /** When it was answered: milliseconds since the epoch. */
  readonly asOf: number | undefined;
  /** When the last answer came that was not followed by another in time; undefined while fresh. */
  readonly staleSince: number | undefined;
  /** Why the last question was not answered. */
  readonly refusal: Refused | undefined;
}

/** What of the page this needs. */
export interface PollHost {
  readonly now: () => number;
  readonly after: (ms: number, run: () => void) => () => void;
  readonly isHidden: () => boolean;
  /** Calls when the page is shown or hidden; returns a function that ends it. */
  readonly onVisibility: (listener: () => void) => () => void;
}

/** A server that does not answer is asked less and less often, up to this. */
const MAX_WAIT_MS = 5000;

export class Poll<T> {
  readonly #host: PollHost;
  readonly #ask: () => Promise<T>;
  readonly #everyMs: number;
  readonly #listeners = new Set<() => void>();
  #shown: Polled<T> = { value: undefined, asOf: undefined, staleSince: undefined, refusal: undefined };
  #failures = 0;
  /** At most one question is open, and at most one wait for the next: never both. */
  #cancel: (() => void) | undefined;
  #isAsking = false;
  /** To be asked once more when the open question is answered. */
  #isDue = false;
  #offVisibility: (() => void) | undefined;

  constructor(host: PollHost, ask: () => Promise<T>, everyMs: number) {
    this.#host = host;
    this.#ask = ask;
    this.#everyMs = everyMs;
  }

  readonly get = (): Polled<T> => this.#shown;

  /** Asks while anybody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#offVisibility = this.#host.onVisibility(() => this.again());
      this.again();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#offVisibility?.();
      this.#wait(undefined);
    };
  };

  /** Asks now, unless nobody looks. */
  again(): void {
    if (this.#host.isHidden() || this.#listeners.size === 0) return;
    this.#isDue = this.#isAsking;
    if (this.#isAsking) return;
    this.#wait(undefined);
    this.#isAsking = true;
    this.#ask()
      .then(
        (value) => this.#answered(value),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#isAsking = false;
        if (this.#isDue) this.again();
        else this.#wait(this.#waitMs());
      });
  }

  #answered(value: T): void {
    this.#failures = 0;
    this.#show({ value, asOf: this.#host.now(), staleSince: undefined, refusal: undefined });
  }

  #failed(error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    this.#failures += 1;
    const { asOf } = this.#shown;
    this.#show({ ...this.#shown, staleSince: asOf, refusal: error });
  }

  /** Undefined: never again by itself. */
  #waitMs(): number | undefined {
    // Whoever may not know will not be told by asking more often.
    if (this.#shown.refusal?.statusCode === 403) return undefined;
    return this.#failures === 0 ? this.#everyMs : Math.min(MAX_WAIT_MS, this.#everyMs * 2 ** Math.min(this.#failures, 6));
  }

  #wait(ms: number | undefined): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (ms === undefined || this.#listeners.size === 0) return;
    this.#cancel = this.#host.after(ms, () => this.again());
  }

  #show(shown: Polled<T>): void {
    this.#shown = shown;
    for (const listener of [...this.#listeners]) listener();
  }
}

export const pageHost: PollHost = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  isHidden: () => document.hidden,
  onVisibility: (listener) => {
    document.addEventListener("visibilitychange", listener);
    return () => document.removeEventListener("visibilitychange", listener);
  },
};
