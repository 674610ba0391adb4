/** Several engines of one process: one log, one registry, one cluster in memory, one fake clock. */
import { MemoryHub, type MemoryCluster } from "../src/cluster/memory/memory-cluster.ts";
import { newMemoryDisk } from "../src/log/memory/memory-disk.ts";
import { createMemoryRegistry } from "../src/registry/memory.ts";
import type { Registry } from "../src/registry/registry.ts";
import { FakeClock } from "./fake-clock.ts";
import { Rig, type RigOptions } from "./rig.ts";

export class Nodes {
  readonly clock = new FakeClock();
  readonly registry: Registry = createMemoryRegistry();
  readonly rigs: Rig[] = [];
  readonly clusters: MemoryCluster[] = [];
  readonly faults: unknown[] = [];
  readonly #hub = new MemoryHub({
    monotonic: () => this.clock.monotonic(),
    after: (ms, run) => this.clock.after(ms, run),
    onFault: (error) => this.faults.push(error),
  });
  readonly #disk = newMemoryDisk(7);
  readonly #options: RigOptions;

  constructor(options: RigOptions) {
    this.#options = options;
  }

  static async start(count: number, options: RigOptions = {}): Promise<Nodes> {
    const nodes = new Nodes(options);
    for (let index = 0; index < count; index++) await nodes.add();
    await nodes.settle();
    return nodes;
  }

  async add(): Promise<Rig> {
    const name = `n-${this.rigs.length}`;
    const cluster = this.#hub.join({ id: name, name });
    const { clock, registry } = this;
    const rig = await Rig.start({ ...this.#options, disk: this.#disk, clock, subscriptions: registry, cluster, ids: `${name}-` });
    this.rigs.push(rig);
    this.clusters.push(cluster);
    return rig;
  }

  rig(index: number): Rig {
    const rig = this.rigs[index];
    if (rig === undefined) throw new Error(`there is no node ${index}`);
    return rig;
  }

  /** Cuts a node off, or connects it again: it hears and tells nothing meanwhile, as one that is stopped. */
  setConnected(index: number, isConnected: boolean): void {
    this.clusters[index]?.setConnected(isConnected);
  }

  /** Lets everything happen that takes less than so long. */
  async settle(ms = 100): Promise<void> {
    for (let step = 0; step < 20; step++) {
      await new Promise(setImmediate);
      this.clock.advance(ms / 20);
    }
    await new Promise(setImmediate);
  }

  /** What some work comes to, while time goes on. */
  async wait<T>(work: Promise<T>, ms = 100): Promise<T> {
    work.catch(() => undefined);
    await this.settle(ms);
    return work;
  }

  /** Each node looks into the log. */
  async refresh(): Promise<void> {
    for (const { log } of this.rigs) await log.refresh();
    await this.settle();
  }
}
