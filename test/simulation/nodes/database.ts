/** The registry as nodes reach it: slow, away for a while, and now and then gone before it answered what it has done. */
import type { SubscriptionStore } from "../../../packages/server/src/registry/registry.ts";
import { createMemoryRegistry } from "../../../packages/server/src/registry/memory.ts";
import { type Registry, RegistryUnavailable } from "../../../packages/server/src/registry/registry.ts";
import type { KeptSubscription, SubscriptionKey } from "../../../packages/server/src/registry/subscriptions.ts";
import type { FakeClock } from "../../../packages/server/testing/fake-clock.ts";
import type { Process } from "./process.ts";

interface Place {
  readonly epoch: number;
  readonly upTo: number;
  readonly pending: ReadonlySet<number>;
}

export class Database {
  isUp = true;
  /** Places that went back within an epoch. */
  readonly regressions: string[] = [];
  readonly #registry: Registry = createMemoryRegistry();
  readonly #clock: FakeClock;
  readonly #random: () => number;
  readonly #places = new Map<string, Place>();

  constructor(clock: FakeClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** What is written down now. */
  find(key: SubscriptionKey): Promise<KeptSubscription | undefined> {
    return this.#registry.findSubscription(key);
  }

  /** As one process reaches it. */
  storeOf(process: Process): SubscriptionStore {
    const registry = this.#registry;
    const call = <T>(run: () => Promise<T>) => this.#call(process, run);
    return {
      saveSubscriptions: (rows) =>
        call(async () => {
          const replaced = await registry.saveSubscriptions(rows);
          for (const row of rows) await this.#look(row);
          return replaced;
        }),
      takeSubscription: (taking) => call(() => registry.takeSubscription(taking)),
      findSubscription: (key) => call(() => registry.findSubscription(key)),
      subscriptionById: (tenant, userId, id) => call(() => registry.subscriptionById(tenant, userId, id)),
      subscriptionsOf: (tenant, userId) => call(() => registry.subscriptionsOf(tenant, userId)),
      deleteSubscription: (tenant, userId, id, now) => call(() => registry.deleteSubscription(tenant, userId, id, now)),
      sweepSubscriptions: (before) => call(() => registry.sweepSubscriptions(before)),
    };
  }

  #call<T>(process: Process, run: () => Promise<T>): Promise<T> {
    const [toThere, toHere] = [this.#delay(), this.#delay()];
    const [isLost, isUnanswered] = [this.#random() < 0.02, this.#random() < 0.02];
    const { promise, resolve } = Promise.withResolvers<T>();
    const away = (): Promise<T> => Promise.reject(new RegistryUnavailable("the registry is away"));
    this.#clock.after(toThere, () => {
      const done = this.isUp && !isLost ? run() : away();
      // Done all the same, where nobody hears of it.
      done.catch(() => undefined);
      this.#clock.after(toHere, () => resolve(isUnanswered ? done.then(away) : done));
    });
    return process.gated(promise);
  }

  #delay(): number {
    return this.#random() < 0.05 ? this.#random() * 800 : this.#random() * 8;
  }

  /** Whatever was acknowledged once, or passed, stays so. */
  async #look(key: SubscriptionKey): Promise<void> {
    const row = await this.#registry.findSubscription(key);
    if (row === undefined) return;
    const now = { epoch: row.epoch, upTo: row.ackedOffset, pending: new Set(row.pending.map(({ offset }) => offset)) };
    const before = this.#places.get(key.clientId);
    this.#places.set(key.clientId, now);
    if (before?.epoch !== now.epoch) return;
    const back = now.upTo < before.upTo ? [now.upTo] : [...now.pending].filter((each) => each <= before.upTo && !before.pending.has(each));
    if (back.length > 0) this.regressions.push(`${key.clientId}: was ${written(before)}, is ${written(now)}`);
  }
}

function written({ upTo, pending }: Place): string {
  return `${upTo} without ${[...pending].join(",") || "nothing"}`;
}
