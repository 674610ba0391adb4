/** Cursors over a page reload. */

export interface PersistOptions {
  /** Under which name they are kept. */
  readonly key: string;
  /** Default: `sessionStorage`, that is this tab. */
  readonly storage?: Pick<Storage, "getItem" | "setItem">;
}

export class CursorKeeper {
  readonly #key: string;
  readonly #storage: Pick<Storage, "getItem" | "setItem">;
  readonly #cursors: Map<string, string>;
  #isSaving = false;

  constructor({ key, storage = globalThis.sessionStorage }: PersistOptions) {
    this.#key = key;
    this.#storage = storage;
    this.#cursors = read(storage.getItem(key));
  }

  cursorOf(topic: string): string | undefined {
    return this.#cursors.get(topic);
  }

  keep(topic: string, cursor: string): void {
    this.#cursors.set(topic, cursor);
    this.#save();
  }

  forget(topic: string): void {
    if (this.#cursors.delete(topic)) this.#save();
  }

  /** Once a turn, however many events came in it. */
  #save(): void {
    if (this.#isSaving) return;
    this.#isSaving = true;
    queueMicrotask(() => {
      this.#isSaving = false;
      this.#storage.setItem(this.#key, JSON.stringify([...this.#cursors]));
    });
  }
}

function read(text: string | null): Map<string, string> {
  try {
    const entries: unknown = JSON.parse(text ?? "[]");
    const isEntry = (entry: unknown): entry is [string, string] => Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "string";
    return new Map(Array.isArray(entries) ? entries.filter(isEntry) : []);
  } catch {
    // What stands there is not ours: begin anew.
    return new Map();
  }
}
