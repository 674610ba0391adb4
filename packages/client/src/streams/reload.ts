/** A stream over a reload of the page: how far it was read, and what was known then. */
import type { PersistOptions } from "../persist.ts";
import { safely } from "../store.ts";
import type { StreamEnvironment } from "./environment.ts";
import { type Kept, isKept } from "./stream-memory.ts";

const SAVE_MS = 1000;
/** What is longer is not written: what stands there already is older, and as good to resume from. */
const MAX_CHARS = 2 * 1024 * 1024;

export class ReloadKeeper {
  /** Of the page before; undefined where there is none, or the page may not look. */
  readonly before: Kept | undefined;
  readonly #write: () => void;
  readonly #environment: StreamEnvironment;
  readonly #offHide: () => void;
  #cancel: (() => void) | undefined;

  /** @param name of the stream, beside others that are kept under the same key */
  constructor(
    { key, storage }: PersistOptions,
    name: string,
    environment: StreamEnvironment,
    onError: (error: unknown) => void,
    current: () => Kept | undefined,
  ) {
    const place = `${key}:${name}`;
    // Looked up each time: a page that may not use its storage is refused when it asks for it.
    const own = () => storage ?? globalThis.sessionStorage;
    this.#environment = environment;
    this.before = read(() => own().getItem(place));
    this.#write = () => {
      const kept = current();
      if (kept?.cursor === undefined) return;
      const text = JSON.stringify(kept);
      if (text.length <= MAX_CHARS) safely(() => own().setItem(place, text), onError);
    };
    this.#offHide = environment.onHide(() => this.#save());
  }

  /** Saves soon: a storage is written once a second at most, and once more when the page goes. */
  moved(): void {
    this.#cancel ??= this.#environment.after(SAVE_MS, () => this.#save());
  }

  close(): void {
    this.#save();
    this.#offHide();
  }

  #save(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#write();
  }
}

function read(stored: () => string | null): Kept | undefined {
  try {
    const value: unknown = JSON.parse(stored() ?? "null");
    return isKept(value) ? value : undefined;
  } catch {
    // What stands there is not ours, or the page may not look: begin anew.
    return undefined;
  }
}
