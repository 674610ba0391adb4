/** Contract tests of the log: what stays, what goes, checkpoints, closing. */
import { describe, expect, it } from "vitest";
import { HOUR, type LogPlace, newEvent, newEvents, offsetsOf, START, useBench } from "./contract-place.ts";
import { type CheckpointEntry, LogUnavailable } from "./log.ts";

const entry = (entity: string, state: string | null): CheckpointEntry => ({ view: "rfqs", tenant: "acme", entity, state });

export function keepContract(newPlace: () => Promise<LogPlace>): void {
  const bench = useBench(newPlace);

  describe("a new log", () => {
    it("has bounds that say so", () => {
      expect(bench().log.bounds()).toEqual({ oldest: 1, head: 0, headStoredAt: 0 });
    });

    it("goes on after a restart where it was, in the same life", async () => {
      const { log } = bench();
      await log.append(newEvents(3, { topics: ["a"] }));
      const { epoch } = log;
      const reopened = await bench().reopen();
      expect(reopened.epoch).toBe(epoch);
      expect(reopened.bounds()).toEqual({ oldest: 1, head: 3, headStoredAt: START });
      expect(await reopened.append(newEvents(1, { topics: ["a"] }))).toMatchObject([{ offset: 4, batch: 4 }]);
      expect(await offsetsOf(reopened, { tenant: "acme", topics: ["a"] })).toEqual([1, 2, 3, 4]);
    });
  });

  describe("retention", () => {
    const maxAgeMs = 10_000;
    const byAge = { retention: { maxAgeMs, maxBytes: Infinity } };

    it("takes nothing while there is no checkpoint", async () => {
      const log = await bench().reopen({ retention: { maxAgeMs: 0, maxBytes: 0 } });
      await log.append(newEvents(3));
      bench().now += HOUR;
      await log.retain();
      expect(log.bounds().oldest).toBe(1);
    });

    it("takes what is older than its age, and not what is as old", async () => {
      const log = await bench().reopen(byAge);
      await log.append(newEvents(2));
      bench().now += 1;
      await log.append(newEvents(2));
      await log.saveCheckpoint({ offset: 4, version: "1" }, []);
      bench().now += maxAgeMs;
      await log.retain();
      expect(log.bounds()).toEqual({ oldest: 3, head: 4, headStoredAt: START + 1 });
      expect(await offsetsOf(log)).toEqual([3, 4]);
    });

    it("never passes a checkpoint, nor splits a publish batch", async () => {
      const log = await bench().reopen(byAge);
      for (const size of [2, 3, 2]) await log.append(newEvents(size));
      await log.saveCheckpoint({ offset: 4, version: "1" }, []);
      bench().now += HOUR;
      await log.retain();
      expect(log.bounds().oldest).toBe(3);
      await log.dropCheckpoint();
      await log.retain();
      expect(log.bounds().oldest).toBe(3);
      await log.saveCheckpoint({ offset: 5, version: "2" }, []);
      await log.retain();
      expect(log.bounds().oldest).toBe(6);
    });

    it("takes a publish batch that is longer than a step whole", async () => {
      const log = await bench().reopen(byAge);
      for (const size of [1, 2500, 1]) await log.append(newEvents(size));
      await log.saveCheckpoint({ offset: 2501, version: "1" }, []);
      bench().now += HOUR;
      await log.retain();
      expect(log.bounds().oldest).toBe(2502);
    });

    it("takes the oldest while the log is larger than it may be", async () => {
      const log = await bench().reopen({ retention: { maxAgeMs: Infinity, maxBytes: 1_000_000 } });
      const data = JSON.stringify("x".repeat(1000));
      for (let index = 0; index < 40; index++) await log.append(newEvents(50, { data, topics: ["a"] }));
      await log.saveCheckpoint({ offset: 2000, version: "1" }, []);
      await log.retain();
      const { oldest, head } = log.bounds();
      expect(oldest).toBeGreaterThan(1000);
      expect(oldest).toBeLessThan(1900);
      expect(oldest % 50).toBe(1);
      const left = Array.from({ length: head - oldest + 1 }, (_, index) => oldest + index);
      expect(await offsetsOf(log)).toEqual(left);
      expect(await offsetsOf(log, { tenant: "acme", topics: ["a"] })).toEqual(left);
    });

    it("rejects with RangeError what is older, and takes 0 for the oldest there is", async () => {
      const log = await bench().reopen(byAge);
      await log.append(newEvents(3, { topics: ["a"] }));
      bench().now += HOUR;
      await log.append(newEvents(2, { topics: ["a"] }));
      await log.saveCheckpoint({ offset: 5, version: "1" }, []);
      await log.retain();
      for (const request of [{}, { tenant: "acme" }, { tenant: "acme", topics: ["a"] }]) {
        await expect(log.read({ ...request, after: 2, limit: 10 })).rejects.toThrow(RangeError);
        expect(await offsetsOf(log, { ...request, after: 3 })).toEqual([4, 5]);
        expect(await offsetsOf(log, request)).toEqual([4, 5]);
      }
    });

    it("can empty the log, which goes on after its head, also after a restart", async () => {
      let log = await bench().reopen(byAge);
      await log.append(newEvents(3, { topics: ["a"] }));
      await log.saveCheckpoint({ offset: 3, version: "1" }, []);
      bench().now += HOUR;
      await log.retain();
      expect(log.bounds()).toEqual({ oldest: 4, head: 3, headStoredAt: START });
      expect(await log.read({ after: 3, limit: 10 })).toEqual({ events: [], upTo: 3, complete: true });
      await expect(log.read({ after: 2, limit: 10 })).rejects.toThrow(RangeError);
      log = await bench().reopen(byAge);
      expect(log.bounds()).toEqual({ oldest: 4, head: 3, headStoredAt: START });
      bench().now = START - HOUR;
      expect(await log.append(newEvents(1, { topics: ["a"] }))).toMatchObject([{ offset: 4, storedAt: START }]);
      expect(await offsetsOf(log, { tenant: "acme", topics: ["a"] })).toEqual([4]);
    });

    it("takes events from their topics and their ids", async () => {
      const log = await bench().reopen({ ...byAge, dedupeWindowMs: maxAgeMs });
      const event = newEvent({ topics: ["a", "gone"] });
      await log.append([event]);
      bench().now += maxAgeMs + 1;
      await log.append([newEvent({ topics: ["a"] })]);
      await log.saveCheckpoint({ offset: 2, version: "1" }, []);
      await log.retain();
      expect(await log.find("acme", "desk", event.id)).toBeUndefined();
      expect(await offsetsOf(log, { tenant: "acme", topics: ["a", "gone"] })).toEqual([2]);
      expect(await log.append([event])).toMatchObject([{ offset: 3, duplicate: false }]);
      expect(await offsetsOf(log, { tenant: "acme", topics: ["gone"] })).toEqual([3]);
    });

    it("knows an id for ever where the window has no end", async () => {
      const log = await bench().reopen({ ...byAge, dedupeWindowMs: Infinity });
      const event = newEvent();
      await log.append([event]);
      await log.saveCheckpoint({ offset: 1, version: "1" }, []);
      bench().now += 1000 * HOUR;
      await log.retain();
      expect(log.bounds().oldest).toBe(2);
      expect(await log.append([event])).toMatchObject([{ offset: 1, duplicate: true }]);
    });

    it("still knows a repeated id within the window when its event is gone", async () => {
      const log = await bench().reopen(byAge);
      const event = newEvent();
      await log.append([newEvent(), event]);
      await log.saveCheckpoint({ offset: 2, version: "1" }, []);
      bench().now += maxAgeMs + 1;
      await log.retain();
      expect(log.bounds().oldest).toBe(3);
      expect(await log.append([event])).toEqual([{ offset: 2, batch: 1, storedAt: START, duplicate: true }]);
      bench().now = START + HOUR + 1;
      await log.retain();
      expect(await log.append([event])).toMatchObject([{ offset: 3, duplicate: false }]);
      await log.retain();
      expect(await log.append([event])).toMatchObject([{ offset: 3, duplicate: true }]);
    });
  });

  describe("checkpoints", () => {
    it("are none at first and after they were dropped", async () => {
      const { log } = bench();
      expect(await log.loadCheckpoint()).toBeUndefined();
      await log.saveCheckpoint({ offset: 0, version: "1" }, [entry("r1", "{}")]);
      await log.dropCheckpoint();
      expect(await log.loadCheckpoint()).toBeUndefined();
      await log.saveCheckpoint({ offset: 0, version: "2" }, []);
      expect(await log.loadCheckpoint()).toEqual({ checkpoint: { offset: 0, version: "2" }, entries: [] });
    });

    it("replace the entities given, delete those without a state, and leave the others", async () => {
      const { log } = bench();
      await log.append(newEvents(2));
      await log.saveCheckpoint({ offset: 1, version: "1" }, [entry("r1", '{"a":1}'), entry("r2", "[]"), entry("r3", "3")]);
      await log.saveCheckpoint({ offset: 2, version: "1" }, [entry("r1", '{"a":2}'), entry("r3", null), entry("r4", null)]);
      const reopened = await bench().reopen();
      const saved = await reopened.loadCheckpoint();
      expect(saved?.checkpoint).toEqual({ offset: 2, version: "1" });
      expect(saved?.entries.toSorted((a, b) => a.entity.localeCompare(b.entity))).toEqual([entry("r1", '{"a":2}'), entry("r2", "[]")]);
    });

    it("keep views, tenants and entities apart, whatever is in them", async () => {
      const { log } = bench();
      const names = ["a", "a\u0000b", "", "ünï"];
      const entries = names.flatMap((view) =>
        names.flatMap((tenant) => names.map((entity) => ({ view, tenant, entity, state: JSON.stringify([view, tenant, entity]) }))),
      );
      await log.saveCheckpoint({ offset: 0, version: "1" }, entries);
      expect(new Set((await log.loadCheckpoint())?.entries)).toEqual(new Set(entries));
    });
  });

  describe("close", () => {
    it("finishes what was called before it", async () => {
      const { log } = bench();
      await log.append(newEvents(1));
      const before = [log.append(newEvents(2)), log.read({ after: 0, limit: 10 }), log.find("a", "b", "c"), log.loadCheckpoint()];
      await Promise.all([log.close(), log.close()]);
      expect(await Promise.allSettled(before)).toMatchObject(before.map(() => ({ status: "fulfilled" })));
    });

    it("rejects with LogUnavailable what is called after it", async () => {
      const { log } = bench();
      await log.append(newEvents(1));
      const closing = log.close();
      const calls = () => [
        log.append(newEvents(1)),
        log.read({ after: 0, limit: 10 }),
        log.find("a", "b", "c"),
        log.saveCheckpoint({ offset: 1, version: "1" }, []),
        log.loadCheckpoint(),
        log.dropCheckpoint(),
      ];
      for (const call of calls()) await expect(call).rejects.toThrow(LogUnavailable);
      await closing;
      for (const call of calls()) await expect(call).rejects.toThrow(LogUnavailable);
      expect(log.bounds().head).toBe(1);
    });
  });
}
