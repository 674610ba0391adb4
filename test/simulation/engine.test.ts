/** Days of traffic in seconds: random publishes, subscriptions, slow readers, cuts and restarts, checked after every step. Repeats from its seed. */
import { expect, it } from "vitest";
import type { Identity } from "@broadtape/protocol/identity";
import { Engine } from "../../packages/server/src/engine/engine.ts";
import { newMeter } from "../../packages/server/src/engine/meter.ts";
import { createMemoryRegistry } from "../../packages/server/src/registry/memory.ts";
import { type Answer, Client, offsetOf } from "./client.ts";
import { feeds, gauges, testProduct } from "./product.ts";
import { FakeClock, type Disk, MemoryLog, newDisk, seeded } from "./world.ts";

const NAMES = ["a", "b", "c", "d"];
const TENANTS = ["one", "two"];
const LIMITS = {
  batchEvents: 100,
  waitingEvents: 100_000,
  unsentBytes: 4096,
  behindBytes: 1024,
  slowConsumerMs: 30_000,
  stalledMs: 300_000,
  ringEvents: 20,
  ringBytes: 1 << 20,
  entities: 1000,
  connections: 1000,
  connectionsPerUser: 1000,
  flushWindowMs: 0,
  checkpointMs: 10_000,
  reconnectAfterMs: 1000,
};

class World {
  readonly clock = new FakeClock();
  readonly disk: Disk = newDisk();
  readonly random: () => number;
  readonly clients: Client[] = [];
  readonly faults: unknown[] = [];
  readonly counts = {
    published: 0,
    subscribed: 0,
    resumed: 0,
    cut: 0,
    restarted: 0,
    stuck: 0,
    resynced: 0,
    paused: 0,
    replayed: 0,
    conflated: 0,
  };
  log!: MemoryLog;
  engine!: Engine;
  #ids = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  async start(): Promise<void> {
    this.log = new MemoryLog(this.disk, this.clock);
    this.engine = new Engine({
      log: this.log,
      clock: this.clock,
      newId: () => `id${this.#ids++}`,
      random: this.random,
      products: [testProduct],
      limits: LIMITS,
      publicTenant: "public",
      meter: newMeter(),
      subscriptions: createMemoryRegistry(),
      onFault: (error) => this.faults.push(error),
    });
    const starting = { isOver: false };
    const start = this.engine.start().then(() => {
      starting.isOver = true;
    });
    while (!starting.isOver) await this.settle();
    await start;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  /** Lets everything happen that needs no time and no commit. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      this.log.serveReads();
      this.clock.turn();
    }
  }

  publish(): void {
    const tenant = this.pick([...TENANTS, "public"]);
    const events = Array.from({ length: 1 + Math.floor(this.random() * 6) }, () => ({
      type: this.pick(["test.feed", "test.gauge", "test.both"]),
      // Sometimes an id comes again.
      ...(this.random() < 0.3 && { id: `event${Math.floor(this.random() * 50)}` }),
      data: { name: this.pick(NAMES), value: Math.floor(this.random() * 1000) },
    }));
    this.counts.published += events.length;
    this.engine.publish(events, { userId: "publisher", tenant, anyTenant: false, correlationId: "c" }).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === "LogUnavailable")) this.faults.push(error);
    });
  }

  connect(): void {
    const names = NAMES.filter(() => this.random() < 0.7);
    const identity: Identity = {
      userId: `user${Math.floor(this.random() * 5)}`,
      tenant: this.pick(TENANTS),
      permissions: new Set(names.map((name) => `feed:${name}`)),
      team: new Set(),
      name: undefined,
      expiresAt: this.clock.now() + 3_600_000_000,
      sessionId: undefined,
    };
    const client = new Client(identity, this.disk);
    client.connect(this.engine);
    this.clients.push(client);
    this.subscribe(client);
  }

  subscribe(client: Client): void {
    const topics = [
      ...new Set([
        `${this.pick(["feed", "gauge"])}:${this.pick(NAMES)}`,
        `feed:${this.pick(NAMES)}`,
        this.random() < 0.1 ? "gauge:*" : `gauge:${this.pick(NAMES)}`,
      ]),
    ];
    this.follow(client, topics);
  }

  follow(client: Client, topics: readonly string[], after?: string): void {
    const { session } = client;
    if (session === undefined) return;
    const maxUpdatesPerSecond = this.random() < 0.3 ? 1 + Math.floor(this.random() * 20) : undefined;
    this.engine.follow(session, { topics, after, maxUpdatesPerSecond }, 100, (followed) => {
      this.counts.subscribed += 1;
      if (followed.resync !== undefined) this.counts.resynced += 1;
      session.say({ name: "subscribed", body: JSON.stringify({ followed, isResumed: after !== undefined } satisfies Answer) });
    });
  }

  /** From the least that it has of any feed or from the newest id that it read, in one command or in two that overlap. */
  reconnect(client: Client): void {
    const feeds = [...client.feeds];
    client.connect(this.engine);
    if (feeds.length === 0) {
      this.subscribe(client);
      return;
    }
    this.counts.resumed += 1;
    const least = this.engine.eventIdOf(Math.min(...feeds.map(([, { at }]) => at)), 0);
    const cursor = this.random() < 0.5 && client.lastId !== undefined ? client.lastId : least;
    client.lastId = cursor;
    for (const [topic, { at }] of feeds) client.feeds.set(topic, { at, isLive: false, mayRepeat: true });
    const topics = [...feeds.map(([topic]) => topic), `gauge:${this.pick(NAMES)}`];
    const cut = this.random() < 0.5 ? topics.length : Math.floor(this.random() * topics.length);
    this.follow(client, topics.slice(0, cut), cursor);
    if (cut < topics.length) this.follow(client, topics.slice(cut), cursor);
  }

  async restart(): Promise<void> {
    this.counts.restarted += 1;
    this.log.crash();
    for (const client of this.clients) client.cut();
    this.engine.wheel.stop();
    await this.settle();
    this.collect();
    await this.start();
    for (const client of this.clients) this.reconnect(client);
  }

  collect(): void {
    const { paused, replayed, conflated } = this.engine.meter;
    this.counts.paused += paused;
    this.counts.replayed += replayed;
    this.counts.conflated += conflated;
  }

  async step(): Promise<void> {
    const dice = this.random();
    const client = this.clients.length > 0 ? this.pick(this.clients) : undefined;
    if (dice < 0.45) this.publish();
    else if (dice < 0.65) this.log.commit(1 + Math.floor(this.random() * 3));
    else if (dice < 0.72) this.clock.advance(Math.floor(this.random() * 400));
    else if (dice < 0.77 && this.clients.length < 12) this.connect();
    else if (dice < 0.82 && client !== undefined) this.subscribe(client);
    else if (dice < 0.88 && client !== undefined) {
      client.isStuck = true;
      this.counts.stuck += 1;
    } else if (dice < 0.94 && client !== undefined) client.drain();
    else if (dice < 0.985 && client !== undefined) {
      this.counts.cut += 1;
      client.cut();
      this.reconnect(client);
    } else if (dice < 0.99) await this.restart();
    await this.settle();
    if (this.faults.length > 0) throw this.faults[0];
  }

  /** Everything commits, everybody reads: then nobody may be owed anything, and all agree with a fold of the whole log. */
  async finish(): Promise<void> {
    this.log.commit();
    for (let round = 0; round < 30; round++) {
      await this.settle();
      for (const client of this.clients) client.drain();
      this.clock.advance(2000);
    }
    await this.settle();
    for (const client of this.clients) {
      if (client.session === undefined) continue;
      client.checkComplete();
      expect(offsetOf(client.session.cursor)).toBe(this.disk.events.length);
    }
    this.checkGauges();
    this.checkViews();
    this.collect();
  }

  checkGauges(): void {
    for (const client of this.clients) {
      for (const name of client.session?.following.keys() ?? []) {
        if (!name.startsWith("gauge:") || name.includes("*")) continue;
        const gauge = name.slice("gauge:".length);
        const newest = this.disk.events.filter(
          (event) =>
            [client.identity.tenant, "public"].includes(event.tenant) &&
            event.type !== "test.feed" &&
            (JSON.parse(event.data) as { name: string }).name === gauge,
        );
        expect(client.gauges.get(name)?.offset, `${name} of ${client.identity.tenant}`).toBe(newest.at(-1)?.offset);
      }
    }
  }

  checkViews(): void {
    for (const tenant of TENANTS) {
      for (const name of NAMES) {
        for (const view of [feeds, gauges]) {
          const folded = this.disk.events
            .filter((event) => event.tenant === tenant)
            .reduce<unknown>((state, stored) => {
              const event = { ...stored, text: stored.data, data: JSON.parse(stored.data) as { name: string; value: number } };
              return view.entityOf(event) === name ? view.fold(state as never, event) : state;
            }, undefined);
          expect(this.engine.views.entry(view as typeof feeds, tenant, name)?.state).toEqual(folded);
        }
      }
    }
  }
}

const SEEDS = Array.from({ length: 30 }, (_, index) => index + 1);

it.each(SEEDS)("loses, doubles, reorders and leaks nothing, and conflated keys converge (seed %i)", async (seed) => {
  const world = new World(seed);
  await world.start();
  for (let step = 0; step < 400; step++) await world.step();
  await world.finish();
});

it("meets every situation that it is there for", async () => {
  const totals = new World(0).counts;
  for (const seed of SEEDS.slice(0, 10)) {
    const world = new World(seed);
    await world.start();
    for (let step = 0; step < 400; step++) await world.step();
    await world.finish();
    for (const [name, count] of Object.entries(world.counts)) totals[name as keyof typeof totals] += count;
  }
  for (const [name, count] of Object.entries(totals)) if (name !== "resynced") expect(count, name).toBeGreaterThan(5);
});
