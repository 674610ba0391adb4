import { describe, expect, it, vi } from "vitest";
import { newMemoryDisk } from "../log/memory/memory-disk.ts";
import { Rig, identityOf, testProduct } from "../../testing/rig.ts";

const ann = identityOf("ann", ["feed:a", "feed:b"]);

/** The state of a feed as a new client is told it. */
async function stateOf(rig: Rig, topic: string): Promise<unknown> {
  const { session } = rig.open(ann);
  const [snapshot] = (await rig.follow(session, { topics: [topic] })).snapshots;
  session.lost();
  return JSON.parse(snapshot?.state ?? "null");
}

describe("a restart", () => {
  it("reads only what came after the checkpoint, and has the same state", async () => {
    const disk = newMemoryDisk(7);
    const first = await Rig.start({ disk });
    await first.publish([
      ["feed", "a", 1],
      ["feed", "b", 1],
    ]);
    await first.engine.checkpoints.save(first.engine.routedTo);
    await first.publish([["feed", "a", 2]]);
    const before = await stateOf(first, "feed:a");
    const second = new Rig({ disk, clock: first.clock });
    const readOf = second.log.read.bind(second.log);
    const folded: number[] = [];
    vi.spyOn(second.log, "read").mockImplementation(async (request) => {
      const page = await readOf(request);
      folded.push(...page.events.map(({ offset }) => offset));
      return page;
    });
    await second.engine.start();
    expect(folded).toEqual([3]);
    expect(await stateOf(second, "feed:a")).toEqual(before);
    expect(await stateOf(second, "feed:b")).toMatchObject({ values: [1] });
  });

  it("folds the whole log where the fold code has changed since, and forgets the old checkpoint", async () => {
    const disk = newMemoryDisk(7);
    const first = await Rig.start({ disk });
    await first.publish([["feed", "a", 1]]);
    await first.engine.checkpoints.save(1);
    const [feeds, gauges] = testProduct.views;
    if (feeds === undefined || gauges === undefined) throw new Error("the product has two views");
    const changed = { ...feeds, version: 2, fold: () => "folded anew" };
    const product = { ...testProduct, views: [changed, gauges], topics: testProduct.topics.map((kind) => ({ ...kind, view: changed })) };
    const second = await Rig.start({ disk, clock: first.clock, products: [product] });
    expect(disk.checkpoint).toBeUndefined();
    expect(second.engine.views.entry(changed, "acme", "a")?.state).toBe("folded anew");
  });

  it("of a node that is behind another does not undo what that one saved, and its next save holds what it left out", async () => {
    const disk = newMemoryDisk(7);
    const ahead = await Rig.start({ disk });
    const behind = await Rig.start({ disk, clock: ahead.clock });
    await behind.publish([["feed", "a", 1]]);
    await ahead.log.refresh();
    await ahead.settle();
    await ahead.publish([["feed", "b", 1]]);
    await ahead.engine.checkpoints.save(ahead.engine.routedTo);
    await behind.engine.checkpoints.save(behind.engine.routedTo);
    expect([disk.checkpoint?.checkpoint.offset, behind.engine.checkpoints.savedTo]).toEqual([2, 0]);
    await behind.log.refresh();
    await behind.settle();
    await behind.publish([["feed", "a", 2]]);
    await behind.engine.checkpoints.save(behind.engine.routedTo);
    expect(disk.checkpoint?.checkpoint.offset).toBe(3);
    const next = await Rig.start({ disk, clock: ahead.clock });
    expect(await stateOf(next, "feed:a")).toMatchObject({ values: [1, 2] });
    expect(await stateOf(next, "feed:b")).toMatchObject({ values: [1] });
  });

  it("takes a checkpoint that another node has saved since this one looked where the log ends", async () => {
    const disk = newMemoryDisk(7);
    const first = await Rig.start({ disk });
    const second = new Rig({ disk, clock: first.clock });
    await first.publish([["feed", "a", 1]]);
    await first.engine.checkpoints.save(1);
    await second.engine.start();
    expect([disk.checkpoint?.checkpoint.offset, second.engine.checkpoints.savedTo]).toEqual([1, 1]);
  });

  it("finds everything, where a checkpoint was forgotten to which a node went on to add", async () => {
    const disk = newMemoryDisk(7);
    const first = await Rig.start({ disk });
    await first.publish([["feed", "a", 1]]);
    await first.engine.checkpoints.save(1);
    disk.checkpoint = undefined;
    await first.publish([["feed", "b", 1]]);
    await first.engine.checkpoints.save(2);
    await first.publish([["feed", "b", 2]]);
    await first.engine.checkpoints.save(3);
    const second = await Rig.start({ disk, clock: first.clock });
    expect(second.engine.checkpoints.savedTo).toBe(3);
    expect(await stateOf(second, "feed:a")).toMatchObject({ values: [1] });
    expect(await stateOf(second, "feed:b")).toMatchObject({ values: [1, 2] });
  });

  it("keeps the digits of a number that it kept on disk", async () => {
    const disk = newMemoryDisk(7);
    const first = await Rig.start({ disk });
    await first.publish([["feed", "a", 1.5]]);
    await first.engine.checkpoints.save(1);
    disk.events = [];
    expect(await stateOf(await Rig.start({ disk, clock: first.clock }), "feed:a")).toMatchObject({ values: [1.5] });
  });
});

describe("a checkpoint", () => {
  it("writes what changed since the last one and nothing else", async () => {
    const rig = await Rig.start();
    const save = vi.spyOn(rig.log, "advanceCheckpoint");
    await rig.publish([
      ["feed", "a", 1],
      ["feed", "b", 1],
      ["gauge", "g", 1],
    ]);
    await rig.engine.checkpoints.save(3);
    await rig.engine.checkpoints.save(3);
    await rig.publish([["feed", "b", 2]]);
    await rig.engine.checkpoints.save(4);
    expect(save.mock.calls.map(([{ offset }, entries]) => [offset, entries.map(({ view, entity }) => `${view}/${entity}`)])).toEqual([
      [3, ["feeds/a", "feeds/b", "gauges/g"]],
      [4, ["feeds/b"]],
    ]);
  });

  it("keeps what it could not write for the next one", async () => {
    const disk = newMemoryDisk(7);
    const rig = await Rig.start({ disk });
    await rig.publish([["feed", "a", 1]]);
    disk.failure = new Error("disk full");
    await expect(rig.engine.checkpoints.save(1)).rejects.toThrow("disk full");
    expect(rig.engine.checkpoints.savedTo).toBe(0);
    disk.failure = undefined;
    await rig.engine.checkpoints.save(1);
    expect(rig.engine.checkpoints.savedTo).toBe(1);
    disk.events = [];
    expect(await stateOf(await Rig.start({ disk, clock: rig.clock }), "feed:a")).toMatchObject({ values: [1] });
  });

  it("is written one at a time", async () => {
    const rig = await Rig.start();
    const save = vi.spyOn(rig.log, "advanceCheckpoint");
    await rig.publish([["feed", "a", 1]]);
    await Promise.all([rig.engine.checkpoints.save(1), rig.engine.checkpoints.save(1)]);
    expect(save).toHaveBeenCalledTimes(1);
  });

  it("is written at its interval, and a failure is told and does not end that", async () => {
    const rig = await Rig.start({ limits: { checkpointMs: 1000 } });
    await rig.publish([["feed", "a", 1]]);
    rig.disk.failure = new Error("disk full");
    rig.clock.advance(1010);
    await rig.settle();
    expect(rig.faults).toEqual([rig.disk.failure]);
    rig.disk.failure = undefined;
    rig.clock.advance(1010);
    await rig.settle();
    expect(rig.engine.checkpoints.savedTo).toBe(1);
  });
});
