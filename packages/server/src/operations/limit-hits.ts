/** Limits that clients hit, by tenant; what repeats stands in one entry. */
import type { LimitHit } from "@broadtape/protocol/operations";
import { type Clock, isoTime } from "../engine/clock.ts";
import type { Asker } from "../engine/witness.ts";
import { PerTenant } from "./per-tenant.ts";
import type { Unnamed } from "./unnamed.ts";

const TENANTS = 100;
const KEPT = 200;

interface Hit {
  readonly asker: Asker;
  readonly code: string;
  readonly message: string;
  readonly at: number;
  lastAt: number;
  count: number;
}

export class LimitHits {
  readonly #clock: Clock;
  /** By what repeats; the newest last. */
  readonly #kept = new PerTenant<Map<string, Hit>>(TENANTS, () => new Map());

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(asker: Asker, code: string, message: string): void {
    const own = this.#kept.of(asker.tenant);
    const key = `${code}\u0000${asker.userId}\u0000${asker.connectionId ?? ""}\u0000${message}`;
    const now = this.#clock.now();
    const hit = own.get(key) ?? { asker, code, message, at: now, lastAt: now, count: 0 };
    hit.lastAt = now;
    hit.count += 1;
    own.delete(key);
    own.set(key, hit);
    if (own.size <= KEPT) return;
    const [oldest] = own.keys();
    if (oldest !== undefined) own.delete(oldest);
  }

  /** The one that was hit last first. */
  list(tenant: string, limit: number): Unnamed<LimitHit>[] {
    const hits = [...(this.#kept.find(tenant)?.values() ?? [])].slice(-limit).reverse();
    return hits.map(({ asker: { userId, connectionId, surface }, code, message, at, lastAt, count }) => ({
      code,
      message,
      at: isoTime(at),
      lastAt: isoTime(lastAt),
      count,
      userId,
      connectionId: connectionId ?? null,
      surface: surface ?? null,
    }));
  }
}
