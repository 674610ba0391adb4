/** The whole engine on a fake clock over a log in memory, with a product of lossless feeds and conflated gauges. */
import { z } from "zod";
import type { Identity } from "@broadtape/protocol/identity";
import { defaultLimits } from "../src/config/limits.ts";
import { Engine } from "../src/engine/engine.ts";
import type { EngineLimits, EngineOptions } from "../src/engine/engine-options.ts";
import type { FollowRequest, Followed } from "../src/engine/following.ts";
import { type Meter, newMeter } from "../src/engine/meter.ts";
import type { DomainEvent, Product, View } from "../src/engine/product.ts";
import type { Session } from "../src/engine/session.ts";
import { type MemoryDisk, newMemoryDisk } from "../src/log/memory/memory-disk.ts";
import { MemoryLog } from "../src/log/memory/memory-log.ts";
import { createMemoryRegistry } from "../src/registry/memory.ts";
import { FakeConnection, testForm, testSurface } from "./connection.ts";
import { FakeClock } from "./fake-clock.ts";

const data = z.looseObject({ name: z.string(), value: z.number() });
type TestEvent = DomainEvent & { readonly data: z.infer<typeof data> };

interface FeedState {
  readonly values: readonly number[];
}

const feeds: View<FeedState, TestEvent> = {
  name: "feeds",
  version: 1,
  entityOf: (event) => (event.type === "test.feed" ? event.data.name : undefined),
  fold: (state, event) => ({ values: [...(state?.values ?? []), event.data.value] }),
};

const gauges: View<number, TestEvent> = {
  name: "gauges",
  version: 1,
  entityOf: (event) => (event.type === "test.gauge" ? event.data.name : undefined),
  fold: (_state, event) => event.data.value,
};

/** `feed:{name}`: lossless, followed by who holds a permission of that name. `gauge:{name}`: conflated, public. */
export const testProduct: Product<TestEvent> = {
  name: "test",
  types: { "test.feed": { schema: data }, "test.gauge": { schema: data } },
  views: [feeds, gauges],
  topics: [
    {
      kind: "feed",
      lossless: true,
      param: (written, { userId }) => (written === "me" ? userId : /^\w+$/.test(written) ? written : undefined),
      mayFollow: ({ permissions, userId }, param) => param === userId || permissions.has(`feed:${param}`),
      view: feeds,
      entity: (param) => param,
      render: (state) => JSON.stringify(state),
      filterable: ["value", "side"],
    },
    {
      kind: "gauge",
      lossless: false,
      shared: true,
      param: (written) => (/^\w+$/.test(written) ? written : undefined),
      mayFollow: () => true,
      mayFollowPatterns: ({ permissions }) => permissions.has("patterns"),
      view: gauges,
      entity: (param) => param,
      render: (value) => JSON.stringify({ value }),
      newestType: "test.gauge",
    },
  ],
  topicsOf: ({ type, data: { name } }) => [type === "test.feed" ? `feed:${name}` : `gauge:${name}`],
  tell: ({ type, data: { name }, text }) => (type === "test.feed" ? [{ topic: `feed:${name}`, event: type, data: text }] : []),
  tellNewest: ({ type, data: { name }, text }) =>
    type === "test.gauge" ? [{ topic: `gauge:${name}`, key: name, event: type, data: text }] : [],
};

export function identityOf(userId: string, permissions: readonly string[] = [], tenant = "acme"): Identity {
  return {
    userId,
    tenant,
    permissions: new Set(permissions),
    team: new Set(),
    name: undefined,
    expiresAt: 4e12,
    sessionId: undefined,
  };
}

export interface RigOptions {
  readonly disk?: MemoryDisk;
  readonly clock?: FakeClock;
  readonly limits?: Partial<EngineLimits>;
  readonly products?: EngineOptions["products"];
  readonly meter?: Meter;
  readonly subscriptions?: EngineOptions["subscriptions"];
  /** As in the log's options: when its steps happen. */
  readonly defer?: (step: () => void) => void;
  readonly wire?: EngineOptions["wire"];
  readonly cluster?: EngineOptions["cluster"];
  /** What the ids that it makes begin with. */
  readonly ids?: string;
}

export class Rig {
  readonly clock: FakeClock;
  readonly disk: MemoryDisk;
  readonly engine: Engine;
  readonly log: MemoryLog;
  readonly faults: unknown[] = [];

  constructor({
    disk = newMemoryDisk(7),
    clock = new FakeClock(),
    limits = {},
    products = [testProduct],
    meter = newMeter(),
    subscriptions = createMemoryRegistry(),
    defer,
    wire,
    cluster,
    ids = "made-",
  }: RigOptions = {}) {
    this.clock = clock;
    this.disk = disk;
    this.log = new MemoryLog(disk, {
      retention: { maxAgeMs: 60_000, maxBytes: Infinity },
      dedupeWindowMs: Infinity,
      now: () => clock.now(),
      maxWaitingEvents: 1000,
      defer,
    });
    let made = 0;
    this.engine = new Engine({
      log: this.log,
      wire,
      cluster,
      clock,
      newId: () => `${ids}${made++}`,
      random: () => 0.5,
      products,
      limits: { ...defaultLimits, ...limits },
      publicTenant: "public",
      meter,
      subscriptions,
      onFault: (error) => this.faults.push(error),
    });
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options);
    await rig.engine.start();
    return rig;
  }

  /** Publishes events of the test product as one batch, and lets everybody be told. */
  async publish(events: readonly (readonly [type: "feed" | "gauge", name: string, value: number])[], tenant = "acme"): Promise<void> {
    const batch = events.map(([type, name, value]) => ({ type: `test.${type}`, data: { name, value } }));
    await this.engine.publish(batch, { userId: "pub", tenant, anyTenant: false, correlationId: "c" });
    this.clock.turn();
  }

  /** Opens a session with its client's end. */
  open(identity: Identity, surface = testSurface()): { readonly session: Session; readonly client: FakeConnection } {
    const client = new FakeConnection(testForm(surface));
    const session = this.engine.open(identity, surface, client, { address: "test", userAgent: undefined, correlationId: "c" });
    return { session, client };
  }

  /** Follows, lets reads of the log come back, and returns the answer. */
  async follow(session: Session, request: FollowRequest, maxTopics = 100): Promise<Followed> {
    const { promise, resolve } = Promise.withResolvers<Followed>();
    this.engine.follow(session, request, maxTopics, resolve);
    await this.settle();
    return promise;
  }

  /** Lets everything happen that waits for no time. */
  async settle(): Promise<void> {
    for (let step = 0; step < 20; step++) {
      await new Promise(setImmediate);
      this.clock.turn();
    }
  }
}
