/** Cursors over a reload of the page. */
import type { Environment } from "./environment.ts";
import { safely } from "./store.ts";

export interface PersistOptions {
  /** Under which name they are kept. */
  readonly key: string;
  /** Default `sessionStorage`: this tab's. */
  readonly storage?: Pick<Storage, "getItem" | "setItem"> | undefined;
}

const SAVE_MS = 250;
/** As many topics as a connection may follow. */
const MAX_CURSORS = 1000;

export class CursorKeeper {
  readonly #key: string;
  /** Looked up each time: a page that may not use its storage is refused when it asks for it. */
  readonly #storage: () => Pick<Storage, "getItem" | "setItem">;
  readonly #environment: Environment;
  readonly #onError: (error: unknown) => void;
  readonly #current: () => Iterable<readonly [topic: string, cursor: string]>;
  /** Of the page before, and of this one as last saved. */
  readonly #cursors: Map<string, string>;
  readonly #offHide: () => void;
  #cancel: (() => void) | undefined;

  /** @param current where each followed topic is now */
  constructor(
    { key, storage }: PersistOptions,
    environment: Environment,
    onError: (error: unknown) => void,
    current: () => Iterable<readonly [topic: string, cursor: string]>,
  ) {
    this.#key = key;
    this.#storage = () => storage ?? globalThis.sessionStorage;
    this.#environment = environment;
    this.#onError = onError;
    this.#current = current;
    this.#cursors = read(() => this.#storage().getItem(key));
    this.#offHide = environment.onHide(() => {
      this.#save();
    });
  }

  cursorOf(topic: string): string | undefined {
    return this.#cursors.get(topic);
  }

  /** Saves soon: a storage is written a few times a second at most, and once more when the page goes. */
  moved(): void {
    this.#cancel ??= this.#environment.after(SAVE_MS, () => {
      this.#save();
    });
  }

  forget(topic: string): void {
    if (this.#cursors.delete(topic)) this.moved();
  }

  close(): void {
    this.#save();
    this.#offHide();
  }

  #save(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const [topic, cursor] of this.#current()) {
      // Behind all others: the oldest are let go first.
      this.#cursors.delete(topic);
      this.#cursors.set(topic, cursor);
    }
    const kept = [...this.#cursors].slice(-MAX_CURSORS);
    safely(() => this.#storage().setItem(this.#key, JSON.stringify(kept)), this.#onError);
  }
}

function read(stored: () => string | null): Map<string, string> {
  try {
    const entries: unknown = JSON.parse(stored() ?? "[]");
    const isEntry = (entry: unknown): entry is [string, string] =>
      Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "string";
    return new Map(Array.isArray(entries) ? entries.filter(isEntry) : []);
  } catch {
    // What stands there is not ours, or the page may not look: begin anew.
    return new Map();
  }
}
