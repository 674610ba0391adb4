/** A value that can be watched: what React calls an external store. */

export interface Store<T> {
  /** The value as of now; the same reference until it changes. */
  readonly get: () => T;
  /** Calls back after every change; returns a function that ends it. A listener that throws silences nobody. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** A store with its writing side. */
export class ValueStore<T> implements Store<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();
  readonly #onError: (error: unknown) => void;

  constructor(value: T, onError: (error: unknown) => void) {
    this.#value = value;
    this.#onError = onError;
  }

  readonly get = (): T => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    // A wrapper of its own, so that the same function may listen twice.
    const own = () => {
      listener();
    };
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  };

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) safely(listener, this.#onError);
  }
}

/** Runs somebody else's code; what it throws goes to `onError`, which must not throw. */
export function safely(run: () => void, onError: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    onError(error);
  }
}
