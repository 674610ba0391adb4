/** Contract tests of the log: batches that are stored only where what they were checked against still holds. */
import { describe, expect, it } from "vitest";
import { type LogPlace, newEvent, newEvents, offsetsOf, useBench } from "./contract-place.ts";
import { type Guard, Overtaken } from "./log.ts";

const guard = (after: number, names: readonly string[], others: Partial<Guard> = {}): Guard => ({
  after,
  topics: names.map((name) => ({ tenant: "acme", name })),
  repeated: new Set(),
  ...others,
});

/** Which events are repetitions, where the batch was overtaken. */
async function repeatedOf(appending: Promise<unknown>): Promise<number[]> {
  const error: unknown = await appending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Overtaken)) throw new Error(`not overtaken: ${String(error)}`);
  return [...error.repeated];
}

export function guardContract(newPlace: () => Promise<LogPlace>): void {
  const bench = useBench(newPlace);

  describe("a guard", () => {
    it("lets a batch pass while nothing is found under its topics above its offset, and no longer", async () => {
      const { log } = bench();
      await log.append([newEvent({ topics: ["a"] }), newEvent({ topics: ["b"] })]);
      expect(await log.append([newEvent({ topics: ["a"] })], guard(1, ["a", "c"]))).toMatchObject([{ offset: 3 }]);
      await expect(log.append([newEvent({ topics: ["a"] })], guard(2, ["a"]))).rejects.toThrow(Overtaken);
      await expect(log.append([newEvent()], guard(1, ["c", "b"]))).rejects.toThrow(Overtaken);
      expect(await log.append([newEvent()], guard(3, ["a", "b"]))).toMatchObject([{ offset: 4 }]);
      expect(log.bounds().head).toBe(4);
    });

    it("asks nothing of other topics, of other tenants, and where it names none", async () => {
      const { log } = bench();
      await log.append([newEvent({ topics: ["a"] }), newEvent({ topics: ["b"], tenant: "other" })]);
      const appended = await log.append([newEvent()], { after: 0, topics: [], repeated: new Set() });
      expect([...appended, ...(await log.append([newEvent()], guard(0, ["b", "never"])))]).toMatchObject([{ offset: 3 }, { offset: 4 }]);
      const others = { topics: [{ tenant: "other", name: "b" }] };
      await expect(log.append([newEvent()], guard(0, [], others))).rejects.toThrow(Overtaken);
    });

    it("keeps out its batch alone, all of it, and leaves no gap", async () => {
      const { log } = bench();
      await log.append([newEvent({ topics: ["a"] })]);
      const id = newEvent({ topics: ["x"] });
      const outcomes = await Promise.allSettled([
        log.append(newEvents(2)),
        log.append([id, newEvent()], guard(0, ["a"])),
        log.append(newEvents(1), guard(1, ["a"])),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await offsetsOf(log)).toEqual([1, 2, 3, 4]);
      expect(await offsetsOf(log, { tenant: "acme", topics: ["x"] })).toEqual([]);
      expect(await log.append([id])).toMatchObject([{ offset: 5, duplicate: false }]);
    });

    it("sees what the batches before it in the same commit store", async () => {
      const { log } = bench();
      const outcomes = await Promise.allSettled([
        log.append([newEvent({ topics: ["a"] })], guard(0, ["a"])),
        log.append([newEvent({ topics: ["a"] })], guard(0, ["a"])),
        log.append([newEvent({ topics: ["b"] })], guard(0, ["b"])),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(log.bounds().head).toBe(2);
    });

    it("finds what is long gone by, and what came before a restart", async () => {
      const test = bench();
      for (let index = 0; index < 10; index++) await test.log.append(newEvents(30, { topics: [index === 3 ? "a" : "z"] }));
      for (const open of [() => test.log, () => test.reopen()]) {
        const log = await open();
        await expect(log.append([newEvent()], guard(119, ["a"]))).rejects.toThrow(Overtaken);
        await expect(log.append([newEvent()], guard(299, ["z"]))).rejects.toThrow(Overtaken);
      }
      expect(await test.log.append([newEvent()], guard(120, ["a"]))).toMatchObject([{ offset: 301 }]);
    });

    it("does not hold where retention took what it would have to look at", async () => {
      const test = bench();
      const options = { retention: { maxAgeMs: 1000, maxBytes: Infinity } };
      const log = await test.reopen(options);
      await log.append(newEvents(5, { topics: ["a"] }));
      await log.saveCheckpoint({ offset: 5, version: "1" }, []);
      test.now += 2000;
      await test.log.retain();
      await expect(log.append([newEvent()], guard(4, ["b"]))).rejects.toThrow(Overtaken);
      expect(await log.append([newEvent()], guard(5, ["a", "b"]))).toMatchObject([{ offset: 6 }]);
    });

    it("lets repetitions pass whatever came since", async () => {
      const { log } = bench();
      const event = newEvent({ topics: ["a"] });
      await log.append([event]);
      expect(await log.append([event, event], guard(0, ["a"]))).toMatchObject([
        { offset: 1, duplicate: true },
        { offset: 1, duplicate: true },
      ]);
      expect(log.bounds().head).toBe(1);
    });

    it("holds only where the repetitions are those that were taken for some, and tells which are", async () => {
      const { log } = bench();
      const [known, fresh] = [newEvent(), newEvent()];
      await log.append([known]);
      const repeated = (...indices: number[]) => guard(1, [], { repeated: new Set(indices) });
      expect(await repeatedOf(log.append([newEvent(), known], repeated()))).toEqual([1]);
      expect(await repeatedOf(log.append([newEvent(), known], repeated(0)))).toEqual([1]);
      expect(await repeatedOf(log.append([newEvent()], repeated(0)))).toEqual([]);
      expect(await repeatedOf(log.append([fresh, fresh, known], repeated(2)))).toEqual([1, 2]);
      expect(log.bounds().head).toBe(1);
      expect(await log.append([fresh, fresh, known], repeated(1, 2))).toMatchObject([
        { offset: 2, duplicate: false },
        { offset: 2, duplicate: true },
        { offset: 1, duplicate: true },
      ]);
    });

    it("takes for new what the deduplication window has let go of", async () => {
      const test = bench();
      const event = newEvent();
      await test.log.append([event]);
      test.now += 3_600_001;
      expect(await repeatedOf(test.log.append([event], guard(1, [], { repeated: new Set([0]) })))).toEqual([]);
      expect(await test.log.append([event], guard(1, []))).toMatchObject([{ offset: 2, duplicate: false }]);
    });

    it("makes nobody wait longer or out of turn", async () => {
      const { log } = bench();
      const settled: number[] = [];
      const calls = Array.from({ length: 20 }, (_, index) =>
        log.append([newEvent({ topics: ["a"] })], index % 2 === 0 ? undefined : guard(0, ["a"])).then(
          () => settled.push(index),
          () => settled.push(-index),
        ),
      );
      await Promise.all(calls);
      expect(settled).toEqual(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? index : -index)));
      expect(await offsetsOf(log)).toHaveLength(10);
    });

    it("of an empty batch is not asked", async () => {
      const { log } = bench();
      await log.append([newEvent({ topics: ["a"] })]);
      expect(await log.append([], guard(0, ["a"]))).toEqual([]);
    });
  });
}
