import { describe, expect, it } from "vitest";
import { createMemoryRegistry } from "../registry/memory.ts";
import { Rig, identityOf } from "../../testing/rig.ts";
import { FakeClock } from "../../testing/fake-clock.ts";
import { testSurface } from "../../testing/connection.ts";
import type { SubscriptionStore } from "../registry/registry.ts";

const RULES = { window: 4, redeliverMs: 10_000, sends: 5 };
const ann = identityOf("ann", ["feed:a"]);

/** A registry whose every call takes so long, or fails while it is away. */
function troubled(clock: FakeClock, trouble: { ms: number; isAway: boolean; saves: number }): SubscriptionStore {
  const registry = createMemoryRegistry();
  const slowly = async <T>(call: () => Promise<T>): Promise<T> => {
    if (trouble.ms > 0) await new Promise<void>((resolve) => clock.after(trouble.ms, resolve));
    if (trouble.isAway) throw new Error("away");
    return call();
  };
  return {
    saveSubscriptions: (rows) => {
      trouble.saves += 1;
      return slowly(() => registry.saveSubscriptions(rows));
    },
    takeSubscription: (taking) => slowly(() => registry.takeSubscription(taking)),
    findSubscription: (key) => slowly(() => registry.findSubscription(key)),
    subscriptionById: (...key) => slowly(() => registry.subscriptionById(...key)),
    subscriptionsOf: (...key) => slowly(() => registry.subscriptionsOf(...key)),
    sweepSubscriptions: (before) => slowly(() => registry.sweepSubscriptions(before)),
    deleteSubscription: (...key) => slowly(() => registry.deleteSubscription(...key)),
  };
}

async function setUp() {
  const trouble = { ms: 0, isAway: false, saves: 0 };
  const clock = new FakeClock();
  const own = await Rig.start({ clock, subscriptions: troubled(clock, trouble) });
  const connect = async (clientId = "phone") => {
    const surface = testSurface({
      wordRedelivered: ({ offset }, attempt) => ({ name: "again", body: JSON.stringify({ offset, attempt }) }),
    });
    const opened = own.open(ann, surface);
    Object.assign(opened.session.peer, { clientId });
    const returning = own.engine.subscribers.returned(opened.session, clientId, RULES);
    await own.settle();
    own.clock.advance(trouble.ms);
    const returned = await returning;
    return { ...opened, returned };
  };
  /** Follows from where the client was, as a surface does. */
  const begin = async ({ session, returned }: Awaited<ReturnType<typeof connect>>) => {
    if (returned === undefined) throw new Error("gone");
    own.engine.subscribers.wants(returned.subscriber, { events: ["a"], filters: "{}" });
    const after = returned.isKnown ? own.engine.cursorAt(returned.after) : undefined;
    await own.follow(session, { topics: ["feed:a"], after, snapshot: false });
    returned.subscriber.isFollowing = true;
  };
  const offsets = (client: { bodies(name: string): unknown[] }, name = "event") =>
    client.bodies(name).map((body) => (body as { offset: number }).offset);
  return { rig: own, trouble, connect, begin, offsets };
}

describe("a registry that takes 5 s a call", () => {
  it("delays no delivery and no ack of who is connected", async () => {
    const { rig, trouble, connect, begin, offsets } = await setUp();
    const phone = await connect();
    await begin(phone);
    trouble.ms = 5000;
    // A write begins and does not end.
    rig.clock.advance(1000);
    for (let value = 1; value <= 20; value++) {
      await rig.publish([["feed", "a", value]]);
      expect(offsets(phone.client).at(-1)).toBe(value);
      phone.session.acked(phone.session.outbox.delivery?.ackUpTo(value) ?? []);
    }
    expect(trouble.saves).toBe(1);
    rig.clock.advance(20_000);
    await rig.settle();
    expect(rig.faults).toEqual([]);
  });
});

describe("a registry that is away", () => {
  it("loses no ack: what could not be written is written when it is back", async () => {
    const { rig, trouble, connect, begin, offsets } = await setUp();
    const phone = await connect();
    await begin(phone);
    await rig.engine.subscribers.flush();
    trouble.isAway = true;
    await rig.publish([["feed", "a", 1]]);
    await rig.publish([["feed", "a", 2]]);
    phone.session.acked(phone.session.outbox.delivery?.ackUpTo(1) ?? []);
    phone.session.lost();
    rig.clock.advance(60_000);
    await rig.settle();
    expect(rig.faults).toHaveLength(1);
    trouble.isAway = false;
    rig.clock.advance(1000);
    await rig.settle();
    expect(rig.engine.subscribers.size).toBe(0);
    const again = await connect();
    await begin(again);
    expect([offsets(again.client), offsets(again.client, "again")]).toEqual([[], [2]]);
    expect(again.client.bodies("again")).toEqual([{ offset: 2, attempt: 2 }]);
  });

  it("is told of once, and once more when it is away again", async () => {
    const { rig, trouble, connect, begin } = await setUp();
    await begin(await connect());
    for (const outage of [1, 2]) {
      trouble.isAway = true;
      await rig.publish([["feed", "a", outage]]);
      for (let second = 0; second < 20; second++) {
        rig.clock.advance(1000);
        await rig.settle();
      }
      expect(rig.faults).toHaveLength(outage);
      trouble.isAway = false;
      rig.clock.advance(1000);
      await rig.settle();
    }
  });
});

describe("a client that comes again", () => {
  it("takes over from its other connection, with what that one had not acknowledged", async () => {
    const { rig, connect, begin, offsets } = await setUp();
    const first = await connect();
    await begin(first);
    for (const value of [1, 2, 3]) await rig.publish([["feed", "a", value]]);
    first.session.acked(first.session.outbox.delivery?.ack(2) === true ? [2] : []);
    const second = await connect();
    expect(first.client.closedWith).toBe("REPLACED");
    await begin(second);
    expect(offsets(second.client, "again")).toEqual([1, 3]);
    await rig.publish([["feed", "a", 4]]);
    expect([offsets(first.client), offsets(second.client)]).toEqual([[1, 2, 3], [4]]);
  });

  it("is where it went on to by a cursor of its own, though it left before it was known who it is", async () => {
    const { rig, trouble, connect, begin } = await setUp();
    const first = await connect();
    await begin(first);
    first.session.lost();
    await rig.engine.subscribers.flush();
    trouble.ms = 1000;
    const { session } = rig.open(ann);
    const recovered = rig.engine.subscribers.returned(session, "phone", undefined, () => ({ events: ["a"], filters: "{}" }));
    await rig.follow(session, { topics: ["feed:a"], after: rig.engine.cursorAt(0), snapshot: false });
    await rig.publish([["feed", "a", 1]]);
    session.lost();
    await rig.publish([["feed", "a", 2]]);
    rig.clock.advance(1000);
    expect(await recovered).toBeUndefined();
    trouble.ms = 0;
    rig.clock.advance(5000);
    await rig.settle();
    expect((await connect()).returned).toMatchObject({ isKnown: true, after: 1 });
  });

  it("begins anew where its place is no more, and what waited is counted", async () => {
    const { rig, connect, begin } = await setUp();
    const first = await connect();
    await begin(first);
    await rig.publish([["feed", "a", 1]]);
    first.session.lost();
    await rig.engine.subscribers.flush();
    for (let value = 2; value <= 20; value++) await rig.publish([["feed", "a", value]]);
    rig.clock.stall(120_000);
    await rig.engine.checkpoints.save(20);
    await rig.log.retain();
    const second = await connect();
    expect(second.returned).toMatchObject({ isKnown: true, lost: "expired" });
    expect(rig.engine.meter.pendingLost).toBe(1);
  });

  it("is written down in one write with all others that changed, and not when nothing did", async () => {
    const { rig, trouble, connect, begin } = await setUp();
    for (const clientId of ["phone", "tab", "desk"]) await begin(await connect(clientId));
    rig.clock.advance(1000);
    await rig.settle();
    expect([trouble.saves, rig.engine.meter.keptRows]).toEqual([1, 3]);
    rig.clock.advance(5000);
    await rig.settle();
    expect(trouble.saves).toBe(1);
    // Lest its place grow older than the log.
    rig.clock.advance(600_000);
    await rig.settle();
    expect(trouble.saves).toBeGreaterThan(1);
  });
});
