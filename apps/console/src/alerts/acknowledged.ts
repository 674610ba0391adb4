/**
 * Which alerts a user has acknowledged in this browser. The server keeps the newest alerts of a user and no word of who has
 * read them; fraud alerts are another matter, and acknowledged to the server. One that is triggered anew is not acknowledged.
 */
import type { Alert } from "@broadtape/protocol/products/alerts/alerts";
import { Value } from "../wallet/value.ts";
import type { Shelf } from "../watchlist/symbol-list.ts";

/** Twice what the server keeps. */
const MAX_KEPT = 200;

export class Acknowledged {
  readonly keys: Value<ReadonlySet<string>>;
  readonly #shelf: Shelf;
  readonly #key: string;
  readonly #onStorage: (event: StorageEvent) => void;

  constructor(shelf: Shelf, key: string) {
    this.#shelf = shelf;
    this.#key = key;
    this.keys = new Value<ReadonlySet<string>>(this.#read());
    // Another tab of the same user.
    this.#onStorage = (event) => {
      if (event.key === key) this.keys.set(this.#read());
    };
    addEventListener("storage", this.#onStorage);
  }

  acknowledge(alert: Alert): void {
    const keys = [...this.keys.get(), keyOf(alert)].slice(-MAX_KEPT);
    this.keys.set(new Set(keys));
    try {
      this.#shelf.setItem(this.#key, JSON.stringify(keys));
    } catch {
      // Forgotten when the page is left.
    }
  }

  close(): void {
    removeEventListener("storage", this.#onStorage);
  }

  #read(): ReadonlySet<string> {
    try {
      const kept: unknown = JSON.parse(this.#shelf.getItem(this.#key) ?? "[]");
      return new Set(Array.isArray(kept) ? kept.filter((each): each is string => typeof each === "string") : []);
    } catch {
      return new Set();
    }
  }
}

/** One that is triggered anew has another time. */
export function keyOf({ alertId, timestamp }: Alert): string {
  return `${timestamp} ${alertId}`;
}
