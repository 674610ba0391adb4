import { describe, expect, it, vi } from "vitest";
import { streamId } from "@broadtape/protocol/event-id";
import { newMemoryDisk } from "../log/memory/memory-disk.ts";
import { testSurface } from "../../testing/connection.ts";
import { Rig, type RigOptions, identityOf } from "../../testing/rig.ts";

const ann = identityOf("ann", ["feed:a", "feed:b"]);
const offsets = (bodies: readonly unknown[]) => (bodies as { offset: number }[]).map(({ offset }) => offset);
const upTo = (count: number, from = 1) => Array.from({ length: count - from + 1 }, (_, index) => from + index);
const SMALL_RING = { ringEvents: 4 };

/** A client that stopped reading until its lossless lane was paused; `head` events stand in the log, all of them its own. */
async function setUpPaused(options: RigOptions = {}, over = {}) {
  const rig = await Rig.start({ ...options, limits: { unsentBytes: 3000, behindBytes: 500, ...options.limits } });
  const opened = rig.open(ann, testSurface(over));
  await rig.follow(opened.session, { topics: ["feed:a"] });
  opened.client.stick();
  for (let value = 1; value <= 40; value++) await rig.publish([["feed", "a", value]]);
  await rig.settle();
  const drain = async () => {
    opened.client.drain();
    opened.session.outbox.ready();
    await rig.settle();
  };
  return { rig, ...opened, drain };
}

describe("a paused client that reads again", () => {
  it("is told everything in order out of the ring, without a look into the log", async () => {
    const { rig, session, client, drain } = await setUpPaused();
    expect(session.outbox.flowing).toBe(false);
    const read = vi.spyOn(rig.log, "read");
    await drain();
    expect(offsets(client.bodies("event"))).toEqual(upTo(40));
    expect([session.outbox.flowing, read.mock.calls.length]).toEqual([true, 0]);
    await rig.publish([["feed", "a", 41]]);
    expect(offsets(client.bodies("event"))).toEqual(upTo(41));
  });

  it("is told the same out of the log, where the ring does not reach back so far", async () => {
    const { rig, session, client, drain } = await setUpPaused({ limits: SMALL_RING });
    const read = vi.spyOn(rig.log, "read");
    await drain();
    expect(read).toHaveBeenCalled();
    expect(offsets(client.bodies("event"))).toEqual(upTo(40));
    expect([session.outbox.flowing, session.isCatchingUp]).toEqual([true, false]);
  });

  it("misses nothing that is published while it catches up", async () => {
    const { rig, session, client } = await setUpPaused({ limits: SMALL_RING });
    client.drain();
    session.outbox.ready();
    for (let value = 41; value <= 60; value++) await rig.publish([["feed", "a", value]]);
    await rig.settle();
    expect(offsets(client.bodies("event"))).toEqual(upTo(60));
  });

  it("stops when it fills up again, and goes on where it stopped", async () => {
    const { session, client, drain } = await setUpPaused({ limits: SMALL_RING });
    client.drain();
    client.stick();
    session.outbox.ready();
    await drain();
    expect(offsets(client.bodies("event"))).toEqual(upTo(40));
  });

  const TELLING = {
    lagging: (lane: string, behindMs: number) => ({ name: "lagging", body: JSON.stringify([lane, behindMs]) }),
    caughtUp: () => ({ name: "caughtUp", body: "{}" }),
  };

  it("hears how far behind it is before what it missed, and that it caught up after it", async () => {
    const { rig, client, drain } = await setUpPaused({ limits: SMALL_RING }, TELLING);
    rig.clock.advance(5000);
    await drain();
    expect(client.bodies("lagging")).toEqual([["lossless", 5000]]);
    expect(client.heard.at(-1)?.[0]).toBe("caughtUp");
  });

  it("hears that it caught up, though it filled up again on the way", async () => {
    const { rig, session, client, drain } = await setUpPaused({ limits: SMALL_RING }, TELLING);
    client.drain();
    client.stick();
    session.outbox.ready();
    await rig.settle();
    expect(session.outbox.flowing).toBe(false);
    await drain();
    await drain();
    expect(offsets(client.bodies("event"))).toEqual(upTo(40));
    expect(client.bodies("lagging").length).toBeGreaterThan(0);
    expect(client.bodies("caughtUp").length).toBe(1);
    expect(client.heard.at(-1)?.[0]).toBe("caughtUp");
  });

  it("is told nothing of what it unfollowed meanwhile", async () => {
    const { rig, session, client, drain } = await setUpPaused();
    rig.engine.unfollow(session, "feed:a");
    const before = client.bodies("event").length;
    await drain();
    expect(session.outbox.flowing).toBe(true);
    expect(client.bodies("event").length - before).toBeLessThanOrEqual(1);
  });

  it("is disconnected when it stays paused beyond the deadline, and can resume", async () => {
    const { rig, session, client } = await setUpPaused();
    rig.clock.advance(31_000);
    expect([client.closedWith, session.isClosed]).toEqual(["SLOW_CONSUMER", true]);
    expect(rig.engine.meter.dropped.get("SLOW_CONSUMER")).toBe(1);
    const next = rig.open(ann);
    await rig.follow(next.session, { topics: ["feed:a"], after: session.cursor });
    const seen = offsets(next.client.bodies("event"));
    expect(seen).toEqual(upTo(40, seen[0]));
    expect(seen[0]).toBeLessThanOrEqual(2);
  });

  it("is told when its place in the log is no longer kept", async () => {
    const { rig, session, drain } = await setUpPaused({ limits: SMALL_RING, disk: newMemoryDisk(7) });
    const expired: number[] = [];
    session.onExpired = (from) => expired.push(from);
    rig.clock.stall(120_000);
    await rig.engine.checkpoints.save(40);
    await rig.log.retain();
    await drain();
    expect(expired).toEqual([session.outbox.sentTo]);
  });

  it("is closed, and the fault told, when the log cannot be read", async () => {
    const { rig, client, drain } = await setUpPaused({ limits: SMALL_RING });
    const fault = new Error("disk gone");
    vi.spyOn(rig.log, "read").mockRejectedValue(fault);
    await drain();
    expect([client.closedWith, rig.faults]).toEqual(["SLOW_CONSUMER", [fault]]);
  });
});

describe("a long way back", () => {
  it("is gone in pages, whole publish batches only, with nothing of other tenants or topics", async () => {
    const rig = await Rig.start({ limits: SMALL_RING });
    for (let count = 0; count < 60; count++) {
      await rig.publish(Array.from({ length: 20 }, (_, index) => ["feed", index % 2 === 0 ? "a" : "x", count] as const));
      await rig.publish([["feed", "a", count]], "other");
    }
    const wordBatch = (messages: readonly { offset: number; batch: number }[]) => ({
      name: "batch",
      body: JSON.stringify(messages.map(({ offset, batch }) => [offset, batch])),
    });
    const { session, client } = rig.open(ann, testSurface({ wordBatch }));
    const read = vi.spyOn(rig.log, "read");
    await rig.follow(session, { topics: ["feed:a"], after: streamId(7, 0, 0) });
    expect(read.mock.calls.length).toBeGreaterThan(1);
    const batches = client.bodies("batch") as [number, number][][];
    expect(batches).toHaveLength(60);
    for (const batch of batches) {
      expect(batch).toHaveLength(10);
      expect(new Set(batch.map(([, first]) => first)).size).toBe(1);
    }
    expect(rig.engine.meter.replayed).toBe(600);
  });
});
