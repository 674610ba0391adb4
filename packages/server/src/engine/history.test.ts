import { describe, expect, it } from "vitest";
import { newMemoryDisk } from "../log/memory/memory-disk.ts";
import { Rig, identityOf } from "../../testing/rig.ts";

const ann = identityOf("ann", ["feed:a"]);

function topicOf(rig: Rig, name: string) {
  const allowed = rig.engine.allow(ann, name);
  if (typeof allowed === "string") throw new Error(allowed);
  return allowed;
}

const stateOf = (entry: Awaited<ReturnType<Rig["engine"]["snapshotAt"]>>) => (entry === "expired" ? entry : entry?.state);

async function setUp() {
  const rig = await Rig.start({ disk: newMemoryDisk(7) });
  for (let value = 1; value <= 6; value++) {
    await rig.publish([
      ["feed", "a", value],
      ["feed", "b", value],
    ]);
    await rig.publish([["gauge", "x", value]], value % 2 === 0 ? "public" : "acme");
    await rig.publish([["feed", "a", 100]], "other");
    rig.clock.advance(1000);
  }
  return rig;
}

describe("history", () => {
  it("gives every event of a topic once and in order, however small the pages", async () => {
    const rig = await setUp();
    const { head } = rig.engine.bounds();
    for (const name of ["feed:a", "gauge:x"]) {
      for (const limit of [1, 2, 3, 100]) {
        const seen: number[] = [];
        let after = 0;
        for (let complete = false; !complete;) {
          const page = await rig.engine.history(ann, topicOf(rig, name), { after, until: head, limit });
          expect(page.upTo > after || page.complete).toBe(true);
          seen.push(...page.events.map(({ data }) => (JSON.parse(data) as { value: number }).value));
          ({ complete, upTo: after } = page);
        }
        expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
      }
    }
  });

  it("stops at the offset that was asked for, and is complete there", async () => {
    const rig = await setUp();
    const page = await rig.engine.history(ann, topicOf(rig, "feed:a"), { after: 0, until: 8, limit: 100 });
    expect(page.events.map(({ offset }) => offset)).toEqual([1, 5]);
    expect(page.complete).toBe(true);
  });

  it("holds nothing of other tenants", async () => {
    const rig = await setUp();
    const { events } = await rig.engine.history(ann, topicOf(rig, "feed:a"), { after: 0, until: 100, limit: 100 });
    expect(new Set(events.map(({ tenant }) => tenant))).toEqual(new Set(["acme"]));
  });
});

describe("the state at a past point", () => {
  it("is what a subscriber had then, by offset or by time", async () => {
    const rig = await setUp();
    const start = rig.disk.events[0]?.event.storedAt ?? 0;
    const topic = topicOf(rig, "feed:a");
    const valuesAt = async (at: { offset: number } | { time: number }) => stateOf(await rig.engine.snapshotAt(ann, topic, at));
    expect(await valuesAt({ offset: 0 })).toBeUndefined();
    expect(await valuesAt({ offset: 1 })).toEqual({ values: [1] });
    expect(await valuesAt({ offset: 4 })).toEqual({ values: [1] });
    expect(await valuesAt({ offset: 5 })).toEqual({ values: [1, 2] });
    expect(await valuesAt({ offset: 9999 })).toEqual({ values: [1, 2, 3, 4, 5, 6] });
    expect(await valuesAt({ time: start - 1 })).toBeUndefined();
    expect(await valuesAt({ time: start })).toEqual({ values: [1] });
    expect(await valuesAt({ time: start + 1999 })).toEqual({ values: [1, 2] });
  });

  it("is the newer one of the own tenant's and the public one's", async () => {
    const rig = await setUp();
    const topic = topicOf(rig, "gauge:x");
    expect(stateOf(await rig.engine.snapshotAt(ann, topic, { offset: 3 }))).toBe(1);
    expect(await rig.engine.snapshotAt(ann, topic, { offset: 7 })).toMatchObject({ state: 2, offset: 7 });
    expect(stateOf(await rig.engine.snapshotAt(ann, topic, { offset: 11 }))).toBe(3);
  });

  it("leaves the live views alone", async () => {
    const rig = await setUp();
    await rig.engine.snapshotAt(ann, topicOf(rig, "feed:a"), { offset: 1 });
    const { state } = rig.engine.snapshot(ann, topicOf(rig, "feed:a"));
    expect(JSON.parse(state)).toMatchObject({ values: [1, 2, 3, 4, 5, 6] });
  });

  it("is expired where the log has forgotten everything of that time", async () => {
    const rig = await setUp();
    const start = rig.disk.events[0]?.event.storedAt ?? 0;
    rig.clock.advance(120_000);
    await rig.publish([["feed", "a", 7]]);
    await rig.engine.checkpoints.save(rig.engine.routedTo);
    await rig.log.retain();
    const topic = topicOf(rig, "feed:a");
    expect(await rig.engine.snapshotAt(ann, topic, { time: start })).toBe("expired");
    expect(stateOf(await rig.engine.snapshotAt(ann, topic, { time: rig.clock.now() }))).toEqual({ values: [7] });
  });
});
