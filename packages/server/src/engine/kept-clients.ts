/**
 * The clients of which this node knows what may not be written down yet; part of `subscribers.ts`. Written behind, in batches: those that
 * are connected, and those that left since the last write.
 */
import type { Cluster } from "../cluster/cluster.ts";
import type { KeptSubscription, SubscriptionKey } from "../registry/subscriptions.ts";
import type { Clock } from "./clock.ts";
import type { Meter } from "./meter.ts";
import { Outage } from "./outage.ts";
import { type Subscriber, rowOf, versionOf } from "./subscriber.ts";
import type { Wheel } from "./wheel.ts";

export interface Kept {
  readonly subscriber: Subscriber;
  /** With which this node took it over. */
  readonly generation: number;
  isReplaced: boolean;
  isChanged: boolean;
  savedVersion: number;
  savedAt: number;
}

export interface KeptClientsHost {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly meter: Meter;
  readonly epoch: number;
  readonly cluster: Cluster;
  /** Other nodes may hold these clients too. */
  readonly isShared: boolean;
  readonly onFault: (error: unknown) => void;
}

export interface KeptClientsOptions {
  /** Resolves with those whose place another node has; of them nothing is written. */
  save(rows: readonly KeptSubscription[]): Promise<readonly SubscriptionKey[]>;
  /** Another node has this client. */
  readonly onReplaced: (kept: Kept) => void;
}

const WRITE_MS = 1000;
/** A client to whom nothing happens is written down so often, lest its place grow older than the log. */
const REFRESH_MS = 600_000;

export class KeptClients {
  readonly #host: KeptClientsHost;
  readonly #options: KeptClientsOptions;
  /** Bounded by the connections. */
  readonly #byName = new Map<string, Kept>();
  #saving: Promise<void> | undefined;
  /** Whose wants somebody waits to have written down; emptied by the next write of such. */
  readonly #asked = new Set<Kept>();
  /** Of the writing behind. */
  readonly #outage: Outage;

  constructor(host: KeptClientsHost, options: KeptClientsOptions) {
    this.#host = host;
    this.#options = options;
    this.#outage = new Outage(host.onFault);
    this.#writeLater();
  }

  get size(): number {
    return this.#byName.size;
  }

  get(key: SubscriptionKey): Kept | undefined {
    return this.#byName.get(nameOf(key));
  }

  /** In place of what was known of this client. */
  add(kept: Kept): void {
    this.#byName.set(nameOf(kept.subscriber), kept);
  }

  /** What is known of it is nobody's any more; another one of that name stays. */
  drop(kept: Kept): void {
    if (this.get(kept.subscriber) === kept) this.#byName.delete(nameOf(kept.subscriber));
  }

  rowOf({ subscriber, generation }: Kept): KeptSubscription {
    const { clock, cluster, isShared, epoch } = this.#host;
    const node = isShared && subscriber.session !== undefined ? cluster.self.id : undefined;
    return rowOf(subscriber, { now: clock.now(), epoch }, { generation, node });
  }

  /** Writes down what changed. Rejects when the registry is away; nothing is forgotten then. */
  async flush(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving.catch(() => undefined);
    await this.#saveNext([...this.#byName.values()].filter((kept) => this.#isChanged(kept)));
  }

  /** Writes down this one, in one write with whoever else waits for that. Rejects when the registry is away. */
  async write(kept: Kept): Promise<void> {
    this.#asked.add(kept);
    while (this.#saving !== undefined) await this.#saving.catch(() => undefined);
    if (!kept.isChanged) return;
    const asked = [...this.#asked].filter((each) => this.#isChanged(each));
    this.#asked.clear();
    await this.#saveNext(asked);
  }

  async #saveNext(changed: readonly Kept[]): Promise<void> {
    if (changed.length === 0) return;
    this.#saving = this.#save(changed);
    try {
      await this.#saving;
    } finally {
      this.#saving = undefined;
    }
  }

  async #save(changed: readonly Kept[]): Promise<void> {
    const versions = changed.map(({ subscriber }) => versionOf(subscriber));
    const rows = changed.map((kept) => this.rowOf(kept));
    for (const kept of changed) kept.isChanged = false;
    let replaced: ReadonlySet<string>;
    try {
      replaced = new Set((await this.#options.save(rows)).map(nameOf));
    } catch (error) {
      for (const kept of changed) kept.isChanged = true;
      throw error;
    }
    this.#host.meter.keptRows += rows.reduce((sum, { pending }) => sum + 1 + pending.length, 0);
    for (const [index, kept] of changed.entries()) {
      kept.savedVersion = versions[index] ?? -1;
      kept.savedAt = this.#host.clock.monotonic();
      if (replaced.has(nameOf(kept.subscriber))) this.#options.onReplaced(kept);
      else if (kept.subscriber.session === undefined && !kept.isChanged) this.drop(kept);
    }
  }

  #isChanged(kept: Kept): boolean {
    const { subscriber } = kept;
    // Who never subscribed has nothing to be kept.
    if (subscriber.wants.events.length === 0 && subscriber.unsubscribedAt === undefined) return false;
    if (kept.isChanged || versionOf(subscriber) !== kept.savedVersion) return true;
    return subscriber.session !== undefined && this.#host.clock.monotonic() - kept.savedAt >= REFRESH_MS;
  }

  #writeLater(): void {
    this.#host.wheel.arm(WRITE_MS, () => {
      this.flush().then(
        () => this.#outage.over(),
        (error: unknown) => this.#outage.failed(error),
      );
      this.#writeLater();
    });
  }
}

export function nameOf({ tenant, userId, clientId }: SubscriptionKey): string {
  return `${tenant}\u0000${userId}\u0000${clientId}`;
}
