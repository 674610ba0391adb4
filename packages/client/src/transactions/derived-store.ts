/** A store whose value is worked out when somebody looks: a burst of changes costs one. */
import { type Store, safely } from "../store.ts";

export class DerivedStore<T> implements Store<T> {
  readonly #derive: () => T;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<() => void>();
  /** Undefined when it is no longer true. */
  #derived: { readonly value: T } | undefined;

  constructor(derive: () => T, onError: (error: unknown) => void) {
    this.#derive = derive;
    this.#onError = onError;
  }

  readonly get = (): T => {
    this.#derived ??= { value: this.#derive() };
    return this.#derived.value;
  };

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

  changed(): void {
    this.#derived = undefined;
    for (const listener of [...this.#listeners]) safely(listener, this.#onError);
  }
}
