/** Three nodes over one log, one registry and one cluster, in which everything takes its time and some of it fails. */
import type { StoredEvent } from "@broadtape/protocol/event";
import { MemoryHub, type MemoryCluster } from "../../../packages/server/src/cluster/memory/memory-cluster.ts";
import { defaultLimits } from "../../../packages/server/src/config/limits.ts";
import { Engine } from "../../../packages/server/src/engine/engine.ts";
import type { EngineLimits } from "../../../packages/server/src/engine/engine-options.ts";
import { newMeter } from "../../../packages/server/src/engine/meter.ts";
import type { TextSurface } from "../../../packages/server/src/engine/surface.ts";
import { LogEnded, LogUnavailable } from "../../../packages/server/src/log/log.ts";
import { newMemoryDisk } from "../../../packages/server/src/log/memory/memory-disk.ts";
import { MemoryLog } from "../../../packages/server/src/log/memory/memory-log.ts";
import { RegistryUnavailable } from "../../../packages/server/src/registry/registry.ts";
import { transactionsProduct } from "../../../packages/server/src/products/transactions/declaration.ts";
import { transactionsWebSocket } from "../../../packages/server/src/products/transactions/surfaces.ts";
import { FakeClock } from "../../../packages/server/testing/fake-clock.ts";
import { BadWire } from "../bad-wire.ts";
import { seeded } from "../world.ts";
import { Database } from "./database.ts";
import { Process, clockOf, clusterOf, wireOf } from "./process.ts";

export const NODES = 3;
/** Small, so that windows fill and events are sent again. */
const DELIVERY = { window: 5, redeliverMs: 400, sends: 3 };
const RETENTION_MS = 60_000;
/** A log that others append to looks where it stands. */
const POLL_MS = 1000;

export interface WorldNode {
  readonly process: Process;
  readonly engine: Engine;
  readonly log: MemoryLog;
  readonly cluster: MemoryCluster;
  readonly surface: TextSurface;
  /** It has nothing more to say: whoever runs it starts it again. */
  hasEnded: boolean;
}

export class World {
  readonly clock = new FakeClock();
  readonly random: () => number;
  readonly database: Database;
  readonly nodes: WorldNode[] = [];
  /** What must not be. */
  readonly faults: string[] = [];
  /** Everything that was ever stored, also what retention took; by epoch, then by offset. */
  readonly stored = new Map<number, StoredEvent[]>();
  readonly disk = newMemoryDisk(7);
  readonly #hub: MemoryHub;
  readonly #limits: EngineLimits;
  /** What views said at an offset, by the first node that was looked at there. */
  readonly #views = new Map<string, string>();
  #wire: BadWire;
  #lives = 0;

  constructor(seed: number, limits: Partial<EngineLimits> = {}) {
    this.random = seeded(seed);
    this.#limits = { ...defaultLimits, checkpointMs: 3000, ...limits };
    this.database = new Database(this.clock, this.random);
    this.#wire = new BadWire(this.random);
    this.#hub = new MemoryHub({
      monotonic: () => this.clock.monotonic(),
      after: (ms, run) => this.clock.after(ms, run),
      delayMs: () => (this.random() < 0.05 ? this.random() * 1500 : this.random() * 10),
      loses: () => this.random() < 0.05,
      onFault: (error) => this.#note("the cluster", error),
    });
    for (let index = 0; index < NODES; index++) this.start(index);
  }

  /** The log's events of this life. */
  get events(): readonly StoredEvent[] {
    return this.stored.get(this.disk.epoch) ?? [];
  }

  node(index: number): WorldNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  /** Starts a node where none runs. */
  start(index: number): void {
    if (this.nodes[index] !== undefined && this.nodes[index].process.state !== "dead") return;
    const name = `n-${index}`;
    const id = `${name}-${this.#lives++}`;
    const [process, cluster] = [new Process(), this.#hub.join({ id, name })];
    const [clock, random] = [clockOf(process, this.clock), this.random];
    const onFault = (error: unknown) => {
      if (error instanceof LogEnded) node.hasEnded = true;
      else this.#note(id, error);
    };
    const log = new MemoryLog(this.disk, {
      retention: { maxAgeMs: RETENTION_MS, maxBytes: Infinity },
      dedupeWindowMs: Infinity,
      now: () => clock.now(),
      maxWaitingEvents: 1000,
      defer: this.#deferOf(process),
      onFault,
    });
    let made = 0;
    const engine = new Engine({
      log,
      wire: wireOf(process, this.#wire.endOf(this.#lives)),
      cluster: clusterOf(process, cluster),
      clock,
      newId: () => `${id}-${made++}`,
      random,
      products: [transactionsProduct],
      limits: this.#limits,
      publicTenant: "public",
      meter: newMeter(),
      subscriptions: this.database.storeOf(process),
      onFault,
    });
    const rate = { burst: 1e9, perSecond: 1e9 };
    const options = { heartbeatMs: 30_000, idleMs: 1e9, commandRate: rate, ackRate: rate, delivery: DELIVERY, maxWindow: 100 };
    const surface = transactionsWebSocket(options, engine, () => Promise.reject(new Error("nobody comes with another token")));
    const node: WorldNode = { process, engine, log, cluster, surface, hasEnded: false };
    engine.onStored(({ offset }) => this.#compareViews(engine, offset));
    this.nodes[index] = node;
    const poll = () => {
      log.refresh().catch(() => undefined);
      clock.after(POLL_MS, poll);
    };
    clock.after(POLL_MS, poll);
    engine.start().catch((error: unknown) => onFault(error));
  }

  sleep(index: number): void {
    const { process, cluster } = this.node(index);
    process.sleep();
    cluster.setConnected(false);
  }

  /** It goes on with what came in meanwhile, and finds the others a little later. */
  wake(index: number): void {
    const { process, cluster } = this.node(index);
    process.wake();
    this.clock.after(this.random() * 300, () => {
      if (process.state === "awake") cluster.setConnected(true);
    });
  }

  die(index: number): void {
    const { process, cluster, log } = this.node(index);
    process.die();
    log.crash();
    cluster.setConnected(false);
  }

  setConnected(index: number, isConnected: boolean): void {
    const { process, cluster } = this.node(index);
    if (process.state === "awake") cluster.setConnected(isConnected);
  }

  retain(): void {
    const log = this.nodes.find(({ process }) => process.state === "awake")?.log;
    log?.retain().catch(() => undefined);
  }

  /** The log is read back from a copy that lacks its newest events. Nodes find out, end, and are started again. */
  restore(lost: number): void {
    const { disk } = this;
    const kept = Math.max(disk.head - lost, disk.checkpoint?.checkpoint.offset ?? 0);
    const firstLost = disk.events.find(({ event }) => event.offset > kept)?.event;
    disk.epoch += 1;
    this.#wire = new BadWire(this.random);
    if (firstLost === undefined) return;
    // Whole publish batches.
    disk.events = disk.events.filter(({ event }) => event.batch < firstLost.batch);
    disk.head = firstLost.batch - 1;
    disk.headStoredAt = disk.events.at(-1)?.event.storedAt ?? 0;
    for (const [key, { offset }] of disk.ids) if (offset > disk.head) disk.ids.delete(key);
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    const step = Math.max(5, ms / 60);
    for (let passed = 0; passed < ms; passed += step) {
      await new Promise(setImmediate);
      this.clock.advance(step);
      for (let each = 0; each < 3; each++) this.#wire.carry();
      this.#record();
    }
    await new Promise(setImmediate);
    this.clock.turn();
    this.#restart();
  }

  /** Steps of one node's log come one after the other, each in its time. */
  #deferOf(process: Process): (step: () => void) => void {
    let at = 0;
    return (step) => {
      const now = this.clock.monotonic();
      at = Math.max(at, now + (this.random() < 0.03 ? this.random() * 500 : this.random() * 6));
      this.clock.after(at - now, () => process.gate(step));
    };
  }

  #record(): void {
    const events = this.stored.get(this.disk.epoch) ?? [];
    this.stored.set(this.disk.epoch, events);
    for (const { event } of this.disk.events) if (event.offset > (events.at(-1)?.offset ?? 0)) events.push(event);
  }

  #restart(): void {
    for (const [index, { hasEnded, process }] of this.nodes.entries()) if (hasEnded && process.state === "awake") this.die(index);
  }

  #compareViews({ routedTo, epoch, views }: Engine, offset: number): void {
    if (offset !== routedTo || offset % 3 !== 0) return;
    const states = views.entityNames().map(({ view, tenant, entities }) => {
      const sorted = [...entities].sort();
      return [view, tenant, sorted.map((entity) => [entity, views.entryOf({ view, tenant, entity })])];
    });
    const said = JSON.stringify(states);
    const key = `${epoch}/${offset}`;
    const before = this.#views.get(key) ?? said;
    this.#views.set(key, before);
    if (before !== said) this.faults.push(`views differ at ${key}: ${before} and ${said}`);
  }

  #note(who: string, error: unknown): void {
    // Whoever asked was refused, and comes again.
    if (error instanceof RegistryUnavailable || error instanceof LogUnavailable) return;
    this.faults.push(`${who}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
