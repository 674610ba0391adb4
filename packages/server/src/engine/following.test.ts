import { describe, expect, it } from "vitest";
import { parseEventId, streamId } from "@broadtape/protocol/event-id";
import { newMemoryDisk } from "../log/memory/memory-disk.ts";
import { Rig, identityOf } from "../../testing/rig.ts";

const ann = identityOf("ann", ["feed:a", "feed:b", "patterns"]);
const told = (bodies: readonly unknown[]) =>
  (bodies as { topic: string; offset: number }[]).map(({ topic, offset }) => `${topic}@${offset}`);

describe("a topic", () => {
  it("is followed by who may, and a refusal never tells whether it exists", async () => {
    const rig = await Rig.start();
    await rig.publish([["feed", "secret", 1]]);
    const { session } = rig.open(ann);
    const { results, snapshots } = await rig.follow(session, {
      topics: ["feed:a", "feed:secret", "feed:none", "feed:!", "nothing", "feed"],
    });
    expect(results).toEqual([
      { topic: "feed:a", ok: true },
      { topic: "feed:secret", ok: false, code: "FORBIDDEN" },
      { topic: "feed:none", ok: false, code: "FORBIDDEN" },
      { topic: "feed:!", ok: false, code: "BAD_REQUEST" },
      { topic: "nothing", ok: false, code: "BAD_REQUEST" },
      { topic: "feed", ok: false, code: "BAD_REQUEST" },
    ]);
    expect(snapshots.map(({ topic }) => topic)).toEqual(["feed:a"]);
  });

  it("may be named `me`, and is one with the user's own", async () => {
    const rig = await Rig.start();
    const { session, client } = rig.open(ann);
    await rig.follow(session, { topics: ["feed:me", "feed:ann"] });
    await rig.publish([["feed", "ann", 1]]);
    expect(told(client.bodies("event"))).toEqual(["feed:ann@1"]);
    expect(rig.engine.unfollow(session, "feed:me")).toBe(true);
    expect(rig.engine.topics.size).toBe(0);
  });

  it("is not followed beyond the limit; one that is followed already may be followed again", async () => {
    const rig = await Rig.start();
    const { session } = rig.open(ann);
    const first = await rig.follow(session, { topics: ["feed:a", "feed:b", "gauge:x"] }, 2);
    expect(first.results.map((result) => (result.ok ? "ok" : result.code))).toEqual(["ok", "ok", "LIMIT_REACHED"]);
    const again = await rig.follow(session, { topics: ["feed:a"] }, 2);
    expect(again.results).toEqual([{ topic: "feed:a", ok: true }]);
    expect(session.following.size).toBe(2);
  });

  it("is of one tenant, but where it is shared the public one's is seen too, whichever is newer", async () => {
    const rig = await Rig.start();
    await rig.publish([["gauge", "x", 1]], "public");
    await rig.publish(
      [
        ["feed", "a", 9],
        ["gauge", "y", 9],
      ],
      "other",
    );
    const { session, client } = rig.open(ann);
    const { snapshots } = await rig.follow(session, { topics: ["gauge:x", "gauge:y", "feed:a"] });
    expect(snapshots.map(({ state }) => (JSON.parse(state) as { value: number } | null)?.value)).toEqual([1, undefined, undefined]);
    await rig.publish([["gauge", "x", 2]]);
    await rig.publish([["gauge", "x", 3]], "public");
    await rig.publish(
      [
        ["gauge", "x", 4],
        ["feed", "a", 4],
      ],
      "other",
    );
    expect(told(client.bodies("event"))).toEqual(["gauge:x@4", "gauge:x@5"]);
    const own = await rig.follow(session, { topics: ["gauge:x"] });
    expect(JSON.parse(own.snapshots[0]?.state ?? "")).toMatchObject({ value: 3 });
  });

  it("may be a pattern for who has the right to, with at most three stars", async () => {
    const rig = await Rig.start();
    await rig.publish([
      ["gauge", "ab", 1],
      ["gauge", "b", 2],
    ]);
    await rig.publish([["gauge", "ab", 3]], "public");
    const { session, client } = rig.open(ann);
    const { results, snapshots } = await rig.follow(session, { topics: ["gauge:a*", "feed:*", "gauge:****"] });
    expect(results.map(({ ok }) => ok)).toEqual([true, false, false]);
    expect(snapshots.map(({ topic, state }) => [topic, (JSON.parse(state) as { value: number }).value])).toEqual([["gauge:ab", 3]]);
    await rig.publish([
      ["gauge", "ac", 1],
      ["gauge", "b", 1],
    ]);
    expect(told(client.bodies("event"))).toEqual(["gauge:ac@4"]);
    const { session: bob } = rig.open(identityOf("bob"));
    expect((await rig.follow(bob, { topics: ["gauge:a*"] })).results[0]?.ok).toBe(false);
  });

  it("is followed through a filter that is checked before anything changes", async () => {
    const rig = await Rig.start();
    const { session, client } = rig.open(ann);
    const follow = (topics: readonly string[]) => rig.follow(session, { topics, filters: { value: { min: 2 } } });
    await expect(follow(["feed:a", "gauge:x"])).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect(session.following.size).toBe(0);
    await follow(["feed:a"]);
    await rig.publish([
      ["feed", "a", 1],
      ["feed", "a", 2],
    ]);
    expect(told(client.bodies("event"))).toEqual(["feed:a@2"]);
  });

  it("ends for a session whose fresh token does not cover it, and the others go on", async () => {
    const rig = await Rig.start();
    const { session, client } = rig.open(ann);
    await rig.follow(session, { topics: ["feed:a", "feed:b"] });
    expect(rig.engine.reauthenticate(session, identityOf("ann", ["feed:b"]))).toEqual(["feed:a"]);
    await rig.publish([
      ["feed", "a", 1],
      ["feed", "b", 1],
    ]);
    expect(told(client.bodies("event"))).toEqual(["feed:b@2"]);
    expect(() => rig.engine.reauthenticate(session, identityOf("bob"))).toThrow(expect.objectContaining({ code: "FORBIDDEN" }));
    expect(() => rig.engine.reauthenticate(session, identityOf("ann", [], "other"))).toThrow(
      expect.objectContaining({ code: "FORBIDDEN" }),
    );
  });
});

describe("snapshot and stream", () => {
  it("meet exactly: all states are of one cut, and every event after it follows", async () => {
    const rig = await Rig.start();
    await rig.publish([
      ["feed", "a", 1],
      ["feed", "b", 1],
    ]);
    const { session, client } = rig.open(ann);
    const { cut, snapshots } = await rig.follow(session, { topics: ["feed:a", "feed:b"] });
    await rig.publish([["feed", "a", 2]]);
    expect(parseEventId(cut)).toEqual({ epoch: 7, offset: 2 });
    expect(snapshots.map(({ state }) => parseEventId((JSON.parse(state) as { eventId: string }).eventId)?.offset)).toEqual([1, 2]);
    expect(told(client.bodies("event"))).toEqual(["feed:a@3"]);
  });

  it("say null where nothing is known, and leave states out where none are asked for", async () => {
    const rig = await Rig.start();
    const { session } = rig.open(ann);
    expect((await rig.follow(session, { topics: ["feed:a"] })).snapshots).toEqual([{ topic: "feed:a", state: "null" }]);
    expect((await rig.follow(session, { topics: ["feed:b"], snapshot: false })).snapshots).toEqual([]);
  });
});

describe("a cursor", () => {
  const at = (offset: number, epoch = 7) => streamId(epoch, offset, 0);

  it("brings what was missed, in order, before the answer, and nothing twice", async () => {
    const rig = await Rig.start();
    for (let value = 1; value <= 5; value++)
      await rig.publish([
        ["feed", "a", value],
        ["feed", "b", value],
      ]);
    const { session, client } = rig.open(ann);
    let heardBeforeAnswer = -1;
    rig.engine.follow(session, { topics: ["feed:a"], after: at(4) }, 10, ({ resync }) => {
      session.outbox.flush();
      heardBeforeAnswer = resync === undefined ? client.bodies("event").length : -2;
    });
    await rig.settle();
    await rig.publish([["feed", "a", 6]]);
    expect(told(client.bodies("event"))).toEqual(["feed:a@5", "feed:a@7", "feed:a@9", "feed:a@11"]);
    expect(heardBeforeAnswer).toBe(3);
  });

  it("does not tell again what the session follows already", async () => {
    const rig = await Rig.start();
    const { session, client } = rig.open(ann);
    await rig.follow(session, { topics: ["feed:a"] });
    await rig.publish([
      ["feed", "a", 1],
      ["feed", "b", 1],
    ]);
    await rig.follow(session, { topics: ["feed:b"], after: at(0) });
    expect(told(client.bodies("event"))).toEqual(["feed:a@1", "feed:b@2"]);
  });

  it("brings the newest value alone of a conflated topic, and none where that is known", async () => {
    const rig = await Rig.start();
    await rig.publish([["gauge", "x", 1]]);
    await rig.publish([
      ["gauge", "x", 2],
      ["gauge", "y", 1],
    ]);
    const { session, client } = rig.open(ann);
    await rig.follow(session, { topics: ["gauge:x", "gauge:y"], after: at(2) });
    expect(told(client.bodies("event"))).toEqual(["gauge:y@3"]);
    await rig.follow(session, { topics: ["gauge:x"], after: at(1) });
    expect(told(client.bodies("event"))).toEqual(["gauge:y@3", "gauge:x@2"]);
  });

  it.each([
    ["of another life of the log", at(1, 8)],
    ["of an event that is not there yet", at(99)],
    ["that is none", "garbage"],
  ])("%s is answered with a resync and a fresh snapshot", async (_, after) => {
    const rig = await Rig.start();
    await rig.publish([["feed", "a", 1]]);
    const { session, client } = rig.open(ann);
    const { resync, snapshots } = await rig.follow(session, { topics: ["feed:a", "feed:secret"], after, snapshot: false });
    expect(resync).toEqual({ reason: "unknown", topics: ["feed:a"] });
    expect(snapshots).toHaveLength(1);
    expect(client.bodies("event")).toEqual([]);
    expect(rig.engine.meter.resynced).toBe(1);
  });

  it("older than retention is told that it expired; the last one that can be resumed is resumed", async () => {
    const rig = await Rig.start({ disk: newMemoryDisk(7) });
    await rig.publish([["feed", "a", 1]]);
    await rig.publish([["feed", "a", 2]]);
    rig.clock.advance(120_000);
    await rig.engine.checkpoints.save(2);
    await rig.publish([["feed", "a", 3]]);
    await rig.log.retain();
    expect(rig.engine.bounds().oldest).toBe(3);
    expect(rig.engine.resumeAt(at(1))).toEqual({ reason: "expired" });
    expect(rig.engine.resumeAt(at(2))).toEqual({ offset: 2 });
    const { session, client } = rig.open(ann);
    await rig.follow(session, { topics: ["feed:a"], after: at(2) });
    expect(told(client.bodies("event"))).toEqual(["feed:a@3"]);
  });
});
