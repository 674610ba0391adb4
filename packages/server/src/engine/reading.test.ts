/** A node among several whose log does what it should not: nothing is skipped silently, and nothing is tried without a pause. */
import { expect, it } from "vitest";
import { LogUnavailable } from "../log/log.ts";
import { newMemoryDisk } from "../log/memory/memory-disk.ts";
import { FakeClock } from "../../testing/fake-clock.ts";
import { Rig, identityOf } from "../../testing/rig.ts";

async function setUp() {
  const [disk, clock] = [newMemoryDisk(7), new FakeClock()];
  const [one, other] = [await Rig.start({ disk, clock }), await Rig.start({ disk, clock })];
  const { read } = other.log;
  let reads = 0;
  other.log.read = (request) => ((reads += 1), read.call(other.log, request));
  const store = (count: number) => one.publish(Array.from({ length: count }, (_, value) => ["feed", "a", value] as const));
  return { disk, clock, one, other, store, reads: () => reads };
}

it("sends its clients away and takes nothing more where the log has let go of what it has not folded", async () => {
  const { clock, one, other, store } = await setUp();
  await store(2);
  await other.log.refresh();
  await other.settle();
  const { client } = other.open(identityOf("ann"));
  await store(3);
  await one.engine.checkpoints.save(5);
  clock.stall(100_000);
  await one.log.retain();
  await store(1);
  await other.log.refresh();
  await other.settle();
  expect(other.engine.routedTo).toBe(2);
  expect(other.engine.isReady).toBe(false);
  expect(client.closedWith).toBe("SHUTTING_DOWN");
  expect(other.faults).toMatchObject([{ message: "what follows event 2 is no longer in the log: this node has to start again" }]);
  await expect(other.publish([["feed", "a", 1]])).rejects.toThrow(LogUnavailable);
  clock.advance(10_000);
  await other.settle();
  expect(other.faults).toHaveLength(1);
});

it("reads again what it could not read, also when nothing more is stored", async () => {
  const { clock, other, store } = await setUp();
  const { read } = other.log;
  other.log.read = () => Promise.reject(new LogUnavailable("the database does not answer"));
  await store(3);
  await other.log.refresh();
  await other.settle();
  expect(other.engine.routedTo).toBe(0);
  other.log.read = read;
  clock.advance(1010);
  await other.settle();
  expect(other.engine.routedTo).toBe(3);
  expect(other.faults).toEqual([]);
});

it("pauses between readings of a log that has less than it told of", async () => {
  const { clock, disk, other, store, reads } = await setUp();
  await store(3);
  other.log.heard({ offset: 5, storedAt: clock.now() });
  await other.settle();
  expect(other.engine.routedTo).toBe(3);
  const before = reads();
  expect(before).toBeLessThan(10);
  for (let second = 0; second < 5; second++) {
    clock.advance(1010);
    await other.settle();
  }
  expect(reads() - before).toBeLessThan(10);
  await store(2);
  clock.advance(1010);
  await other.settle();
  expect(other.engine.routedTo).toBe(disk.head);
});

it("folds a long gap a page at a time", async () => {
  const { other, store, reads, disk } = await setUp();
  for (let batch = 0; batch < 50; batch++) await store(100);
  await other.log.refresh();
  await other.settle();
  await other.settle();
  expect(other.engine.routedTo).toBe(disk.head);
  expect(reads()).toBe(10);
});
