/**
 * The delivery guarantee (contract 30-transactions) against a simple model: random sends, acks of every kind, disconnects, restarts
 * and kills, slow clients, a registry that fails. Repeats from its seed.
 */
import { expect, it } from "vitest";
import { parseEventId } from "@broadtape/protocol/event-id";
import type { Identity } from "@broadtape/protocol/identity";
import { defaultLimits } from "../../packages/server/src/config/limits.ts";
import { Engine } from "../../packages/server/src/engine/engine.ts";
import type { Connection, Form, Parcel } from "../../packages/server/src/engine/message.ts";
import { newMeter } from "../../packages/server/src/engine/meter.ts";
import type { Session } from "../../packages/server/src/engine/session.ts";
import type { SubscriptionStore } from "../../packages/server/src/registry/registry.ts";
import type { TextConversation, TextSurface } from "../../packages/server/src/engine/surface.ts";
import { transactionsProduct } from "../../packages/server/src/products/transactions/declaration.ts";
import { transactionsWebSocket } from "../../packages/server/src/products/transactions/surfaces.ts";
import { createMemoryRegistry } from "../../packages/server/src/registry/memory.ts";
import { FakeClock, MemoryLog, newDisk, seeded } from "./world.ts";

const USERS = ["ann", "bob"];
const WINDOW = 5;
const REDELIVER_MS = 10_000;

interface Told {
  readonly type: string;
  readonly eventId: string;
  readonly redelivered?: true;
  readonly attempt?: number;
  readonly transaction: { readonly id: string };
}

/** One connection of a device, which may be gone or replaced by another. */
class Line implements Connection {
  readonly form: Form;
  readonly #take: (frame: Buffer) => void;
  isStuck = false;
  isClosed = false;
  #unread: Buffer[] = [];

  constructor(form: Form, take: (frame: Buffer) => void) {
    this.form = form;
    this.#take = take;
  }

  get ready(): boolean {
    return this.#unread.length === 0;
  }

  get unsentBytes(): number {
    return this.#unread.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  send(parcel: Parcel): void {
    this.#unread.push(...parcel.frames);
    if (!this.isStuck) this.read();
  }

  close(): void {
    this.isClosed = true;
  }

  cut(): void {
    this.isClosed = true;
  }

  read(): void {
    for (const frame of this.#unread.splice(0)) this.#take(frame);
  }
}

/** A device: what it has seen and acknowledged, over all its connections. */
class Device {
  readonly userId: string;
  readonly clientId: string;
  line: Line | undefined;
  session: Session | undefined;
  conversation: TextConversation | undefined;
  /** Where its subscription began; undefined before. */
  since: number | undefined;
  readonly seen = new Set<number>();
  /** Acknowledged, and the server has heard of it. */
  readonly acked = new Set<number>();
  /** Unacknowledged, on this connection. */
  readonly inFlight = new Set<number>();
  /** What a kill may have made the server forget. */
  mayRepeat = false;
  redelivered = 0;
  /** Acknowledged as a whole, with what was lost on the way. */
  waivedTo = 0;

  constructor(userId: string, clientId: string) {
    this.userId = userId;
    this.clientId = clientId;
  }

  /** Connected, as far as it knows itself. */
  get isOpen(): boolean {
    return this.line?.isClosed === false;
  }

  newLine(form: Form): Line {
    const line = new Line(form, (frame) => {
      if (this.line === line) this.#take(JSON.parse(frame.toString()) as Told);
    });
    this.line = line;
    this.inFlight.clear();
    return line;
  }

  drain(): void {
    if (this.line === undefined) return;
    this.line.isStuck = false;
    this.line.read();
    this.session?.outbox.ready();
  }

  cut(): void {
    this.session?.lost();
    this.line = undefined;
    this.inFlight.clear();
  }

  #take(told: Told): void {
    if (told.type === "resync") throw new Error("the place was lost");
    if (told.type !== "transaction") return;
    const offset = parseEventId(told.eventId)?.offset ?? NaN;
    if (!told.transaction.id.startsWith(`${this.userId}-`)) throw new Error(`${this.userId} was told ${told.transaction.id}`);
    if (this.acked.has(offset) && !this.mayRepeat) throw new Error(`${offset} was told again after its ack`);
    if (this.seen.has(offset) && told.redelivered !== true && !this.mayRepeat) throw new Error(`${offset} was told twice as if new`);
    if ((told.attempt ?? 1) > 1 !== (told.redelivered === true)) throw new Error(`attempt ${told.attempt} and redelivered disagree`);
    if (!this.seen.has(offset) && offset < Math.max(0, ...this.seen) && told.redelivered !== true && !this.mayRepeat)
      throw new Error(`${offset} came late`);
    this.seen.add(offset);
    this.inFlight.add(offset);
    if (this.inFlight.size > WINDOW) throw new Error(`${this.inFlight.size} in flight`);
    if (told.redelivered === true) this.redelivered += 1;
  }
}

class World {
  readonly clock = new FakeClock();
  readonly disk = newDisk();
  readonly random: () => number;
  readonly registry = createMemoryRegistry();
  isRegistryAway = false;
  readonly devices = USERS.flatMap((userId) => ["phone", "tab"].map((clientId) => new Device(userId, clientId)));
  readonly counts = { killed: 0, stopped: 0, cut: 0, replaced: 0 };
  engine!: Engine;
  log!: MemoryLog;
  #surface!: TextSurface;
  #form!: Form;
  #ids = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  async start(): Promise<void> {
    this.log = new MemoryLog(this.disk, this.clock);
    const subscriptions: SubscriptionStore = new Proxy(this.registry, {
      get: (registry, name) =>
        name === "saveSubscriptions" && this.isRegistryAway
          ? () => Promise.reject(new Error("away"))
          : (Reflect.get(registry, name) as unknown),
    });
    this.engine = new Engine({
      log: this.log,
      clock: this.clock,
      newId: () => `id${this.#ids++}`,
      random: this.random,
      products: [transactionsProduct],
      limits: { ...defaultLimits, unsentBytes: 4096, behindBytes: 1024, ringEvents: 10 },
      publicTenant: "public",
      meter: newMeter(),
      subscriptions,
      onFault: (error) => {
        if (!this.isRegistryAway) throw error;
      },
    });
    const budget = { burst: 1e9, perSecond: 1e9 };
    const delivery = { window: WINDOW, redeliverMs: REDELIVER_MS, sends: 5 };
    const options = { heartbeatMs: 1e9, idleMs: 1e9, commandRate: budget, ackRate: budget, delivery, maxWindow: 100 };
    this.#surface = transactionsWebSocket(options, this.engine, () => Promise.reject(new Error("not here")));
    this.#form = { surface: this.#surface, frame: ({ body }) => Buffer.from(body), join: (frames) => Buffer.concat(frames) };
    const starting = { isOver: false };
    const start = this.engine.start().then(() => (starting.isOver = true));
    while (!starting.isOver) await this.settle();
    await start;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 6; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      this.log.serveReads();
      this.clock.turn();
    }
  }

  publish(): void {
    const events = Array.from({ length: 1 + Math.floor(this.random() * 8) }, () => {
      const userId = this.pick(USERS);
      const transaction = { id: `${userId}-${this.#ids++}`, amount: "1.00", currency: "NGN", type: "T", status: "S", createdAt: 1 };
      return { type: "transaction.completed", data: { userId, transaction } };
    });
    const publisher = { userId: "publisher", tenant: "one", anyTenant: false, correlationId: "c" };
    this.engine.publish(events, publisher).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === "LogUnavailable")) throw error;
    });
  }

  async connect(device: Device): Promise<void> {
    const identity: Identity = {
      userId: device.userId,
      tenant: "one",
      permissions: new Set(),
      team: new Set(),
      name: undefined,
      expiresAt: this.clock.now() + 1e12,
      sessionId: undefined,
    };
    if (device.isOpen) this.counts.replaced += 1;
    const peer = { address: "test", userAgent: undefined, clientId: device.clientId, correlationId: "c" };
    device.session = this.engine.open(identity, this.#surface, device.newLine(this.#form), peer);
    device.conversation = this.#surface.open(device.session, new URLSearchParams());
    if (device.since === undefined) {
      await this.settle();
      const from = this.engine.routedTo;
      await this.say(device, { type: "subscribe", events: ["transaction"] });
      device.since = from;
      // A client that hears that it is subscribed counts on it.
      await this.engine.subscribers.flush().catch(() => (device.since = undefined));
    }
    await this.settle();
  }

  async say(device: Device, message: object): Promise<void> {
    await device.conversation?.receive(JSON.stringify(message));
  }

  async acknowledge(device: Device): Promise<void> {
    // What waits unread may be an event that is acknowledged now.
    if (!device.isOpen || device.line?.isStuck === true || device.seen.size === 0) return;
    const idOf = (offset: number) => `EV-${this.engine.epoch.toString(16).padStart(4, "0")}${offset.toString(16).padStart(12, "0")}`;
    const some = [...device.seen].filter(() => this.random() < 0.5);
    const highest = Math.max(...device.seen);
    const kind = this.random();
    const acked = kind < 0.3 ? [this.pick([...device.seen])] : kind < 0.8 ? some : [...device.seen].filter((offset) => offset <= highest);
    // Room is made while the ack is taken, before anybody could say so.
    for (const offset of acked) device.inFlight.delete(offset);
    if (kind < 0.3) await this.say(device, { type: "ack", eventId: idOf(acked[0] ?? 0) });
    else if (kind < 0.8)
      await this.say(device, { type: "ack", eventIds: [...acked.map(idOf), "EV-0000000000000001", idOf(1e9)].reverse() });
    else {
      await this.say(device, { type: "ack", upTo: idOf(highest) });
      device.waivedTo = Math.max(device.waivedTo, highest);
    }
    for (const offset of acked) device.acked.add(offset);
  }

  async stop(isKill: boolean): Promise<void> {
    this.counts[isKill ? "killed" : "stopped"] += 1;
    if (isKill) {
      this.log.crash();
      for (const device of this.devices) device.mayRepeat = true;
    } else {
      this.isRegistryAway = false;
      this.log.commit();
      await this.settle();
      await this.engine.stop();
    }
    for (const device of this.devices) device.cut();
    this.engine.wheel.stop();
    await this.settle();
    await this.start();
  }

  async step(): Promise<void> {
    const dice = this.random();
    const device = this.pick(this.devices);
    if (dice < 0.3) this.publish();
    else if (dice < 0.5) this.log.commit(1 + Math.floor(this.random() * 3));
    else if (dice < 0.7) await this.acknowledge(device);
    else if (dice < 0.76) this.clock.advance(Math.floor(this.random() * 15_000));
    else if (dice < 0.85) await this.connect(device);
    else if (dice < 0.88 && device.line !== undefined) device.line.isStuck = true;
    else if (dice < 0.92) device.drain();
    else if (dice < 0.96) {
      this.counts.cut += 1;
      device.cut();
    } else if (dice < 0.97) this.isRegistryAway = !this.isRegistryAway;
    else if (dice < 0.985) await this.stop(this.random() < 0.5);
    await this.settle();
  }

  /** Everybody reads and acknowledges, then comes back and does so again: then everything that was owed was told. */
  async finish(): Promise<void> {
    this.isRegistryAway = false;
    this.log.commit();
    await this.settle();
    // Whoever stayed connected is told everything on that connection.
    await this.acknowledgeAll(300);
    this.checkOwed(this.devices.filter(({ isOpen }) => isOpen));
    for (const device of this.devices) {
      device.cut();
      await this.connect(device);
    }
    await this.acknowledgeAll(100);
    this.checkOwed(this.devices);
  }

  async acknowledgeAll(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (const device of this.devices) {
        device.drain();
        await this.acknowledge(device);
      }
      await this.settle();
      this.clock.advance(REDELIVER_MS);
      for (const device of this.devices) if (device.since !== undefined && !device.isOpen) await this.connect(device);
    }
  }

  checkOwed(devices: readonly Device[]): void {
    for (const device of devices) {
      const owed = this.disk.events.filter(
        ({ offset, data }) =>
          offset > Math.max(device.since ?? Infinity, device.waivedTo) && (JSON.parse(data) as { userId: string }).userId === device.userId,
      );
      expect(owed.map(({ offset }) => offset).filter((offset) => !device.seen.has(offset))).toEqual([]);
    }
  }
}

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);
const totals = { killed: 0, stopped: 0, cut: 0, replaced: 0, redelivered: 0 };

it.each(SEEDS)("tells everything at least once and nothing after its ack, whatever happens (seed %i)", async (seed) => {
  const world = new World(seed);
  await world.start();
  for (let step = 0; step < 300; step++) await world.step();
  await world.finish();
  for (const [name, count] of Object.entries(world.counts)) totals[name as keyof typeof totals] += count;
  for (const { redelivered } of world.devices) totals.redelivered += redelivered;
});

it("met every situation that it is there for", () => {
  for (const [name, count] of Object.entries(totals)) expect(count, name).toBeGreaterThan(20);
});
