/**
 * Keys of one length for names of any: 128 bits of SHA-256, as a UUID. Two names of one tenant meet by chance once in 10^19 at
 * 10^10 names, and nobody can choose a name that meets another's.
 */
import { hash } from "node:crypto";

/** No two lists of parts have the same text, whatever is in them. */
export function digestOf(...parts: readonly string[]): string {
  const hex = hash("sha256", `${parts.map(({ length }) => length).join(" ")} ${parts.join("")}`, "hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** Topics whose digests are at hand; twice as many at most are kept. */
const CACHED = 50_000;

/** Most events are of topics that had one a moment ago. */
export class TopicDigests {
  /** The last used ones are in `#young`; when it is full, it becomes `#old`, and what was old is forgotten. */
  #young = new Map<string, string>();
  #old = new Map<string, string>();

  of(tenant: string, name: string): string {
    const key = `${tenant.length} ${tenant}${name}`;
    const cached = this.#young.get(key);
    if (cached !== undefined) return cached;
    const digest = this.#old.get(key) ?? digestOf(tenant, name);
    if (this.#young.size >= CACHED) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, digest);
    return digest;
  }
}
