/** Contract tests of the log: appending, order, deduplication. */
import { describe, expect, it } from "vitest";
import { HOUR, type LogPlace, newEvent, newEvents, offsetsOf, START, useBench } from "./contract-place.ts";
import { LogUnavailable } from "./log.ts";

export function appendContract(newPlace: () => Promise<LogPlace>): void {
  const bench = useBench(newPlace);

  describe("append", () => {
    it("gives offsets from 1, without a gap, in the order of the events", async () => {
      const { log } = bench();
      expect(await log.append(newEvents(2))).toMatchObject([{ offset: 1 }, { offset: 2 }]);
      expect(await log.append(newEvents(1))).toMatchObject([{ offset: 3 }]);
    });

    it("names a batch after the offset of its first event", async () => {
      const { log } = bench();
      await log.append(newEvents(2));
      expect((await log.append(newEvents(3))).map(({ batch }) => batch)).toEqual([3, 3, 3]);
    });

    it("keeps every attribute as it was given, whatever is in it", async () => {
      const { log } = bench();
      const odd = 'ünï 😀 "quotes" \\ \n \u0000 %_';
      const event = newEvent({
        tenant: odd,
        type: odd,
        source: odd,
        id: odd,
        time: odd,
        correlationId: odd,
        data: `"${odd}"`,
        subject: odd,
      });
      await log.append([event, newEvent({ subject: undefined }), newEvent({ subject: "" })]);
      const { events } = await log.read({ after: 0, limit: 10 });
      const { topics: _topics, deduplicate: _deduplicate, ...record } = event;
      expect(events[0]).toEqual({ ...record, offset: 1, batch: 1, storedAt: START });
      expect(events.map(({ subject }) => subject)).toEqual([odd, undefined, ""]);
    });

    it("makes batches durable, and resolves, in the order of the calls", async () => {
      const { log } = bench();
      const settled: number[] = [];
      const calls = Array.from({ length: 50 }, async (_, index) => {
        const [appended] = await log.append([newEvent()]);
        settled.push(index);
        return appended?.offset;
      });
      expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
      expect(settled).toEqual(Array.from({ length: 50 }, (_, index) => index));
    });

    it("takes whatever is appended while a commit runs into the next one", async () => {
      const { log, commits } = bench();
      const first = log.append(newEvents(1));
      await Promise.resolve();
      await Promise.resolve();
      const others = Array.from({ length: 20 }, () => log.append(newEvents(2)));
      await Promise.all([first, ...others]);
      expect(commits.reduce((sum, events) => sum + events)).toBe(41);
      expect(commits.length).toBeLessThanOrEqual(2);
    });

    it("resolves when the events can be read and the bounds tell of them", async () => {
      const { log } = bench();
      await log.append(newEvents(3));
      expect(log.bounds()).toEqual({ oldest: 1, head: 3, headStoredAt: START });
      expect(await offsetsOf(log)).toEqual([1, 2, 3]);
    });

    it("stores nothing for an empty batch", async () => {
      const { log } = bench();
      expect(await log.append([])).toEqual([]);
      expect(log.bounds().head).toBe(0);
    });

    it("takes a topic that is named twice once", async () => {
      const { log } = bench();
      await log.append([newEvent({ topics: ["a", "b", "a"] })]);
      expect(await offsetsOf(log, { tenant: "acme", topics: ["a", "b"] })).toEqual([1]);
    });

    it("rejects with LogUnavailable what goes beyond the events that may wait", async () => {
      const log = await bench().reopen({ maxWaitingEvents: 5 });
      const running = log.append(newEvents(5));
      await Promise.resolve();
      await Promise.resolve();
      const waiting = log.append(newEvents(3));
      await expect(log.append(newEvents(3))).rejects.toThrow(LogUnavailable);
      expect(await log.append(newEvents(2)).then((appended) => appended.length)).toBe(2);
      expect([(await running).length, (await waiting).length]).toEqual([5, 3]);
      expect(log.bounds().head).toBe(10);
    });

    it("takes a batch of more events than may wait, where none wait", async () => {
      const log = await bench().reopen({ maxWaitingEvents: 5 });
      expect(await log.append(newEvents(6)).then((appended) => appended.length)).toBe(6);
    });
  });

  describe("storedAt", () => {
    it("is the server's clock", async () => {
      const test = bench();
      test.now += 17;
      expect(await test.log.append(newEvents(1))).toMatchObject([{ storedAt: START + 17 }]);
      expect(test.log.bounds().headStoredAt).toBe(START + 17);
    });

    it("never goes back, also when the clock does, also over a restart", async () => {
      const test = bench();
      await test.log.append(newEvents(1));
      test.now = START - 1000;
      expect(await test.log.append(newEvents(1))).toMatchObject([{ storedAt: START }]);
      const reopened = await test.reopen();
      expect(await reopened.append(newEvents(1))).toMatchObject([{ storedAt: START }]);
    });
  });

  describe("deduplication", () => {
    it("answers a repeated event with the place of the first", async () => {
      const test = bench();
      const event = newEvent();
      await test.log.append([newEvent(), event]);
      test.now += 1000;
      const again = await test.log.append([{ ...event, data: '"other"', type: "other" }]);
      expect(again).toEqual([{ offset: 2, batch: 1, storedAt: START, duplicate: true }]);
      expect((await test.log.read({ after: 1, limit: 10 })).events).toMatchObject([{ data: event.data }]);
    });

    it("finds it within the batch, within the same commit, and after a restart", async () => {
      const test = bench();
      const event = newEvent();
      const [inBatch, inGroup] = await Promise.all([test.log.append([event, event]), test.log.append([event])]);
      expect([...inBatch, ...inGroup].map(({ offset, duplicate }) => [offset, duplicate])).toEqual([
        [1, false],
        [1, true],
        [1, true],
      ]);
      expect(await (await test.reopen()).append([event])).toMatchObject([{ offset: 1, duplicate: true }]);
    });

    it("gives duplicates no offset, and names the batch after its first new event", async () => {
      const { log } = bench();
      const event = newEvent();
      await log.append([event]);
      expect(await log.append([event, newEvent(), event, newEvent()])).toMatchObject([
        { offset: 1, batch: 1, duplicate: true },
        { offset: 2, batch: 2, duplicate: false },
        { offset: 1, batch: 1, duplicate: true },
        { offset: 3, batch: 2, duplicate: false },
      ]);
    });

    it("stores nothing for a batch of duplicates alone", async () => {
      const { log } = bench();
      const event = newEvent();
      await log.append([event]);
      await log.append([event, event]);
      expect(log.bounds().head).toBe(1);
    });

    it("tells tenants, sources and ids apart, whatever is in them", async () => {
      const { log } = bench();
      const event = newEvent({ tenant: "a", source: "b", id: "c" });
      const others = [
        { tenant: "x" },
        { source: "x" },
        { id: "x" },
        { tenant: "a\u0000b", source: "" },
        { tenant: "", source: "a\u0000b" },
        { tenant: "ab", source: "" },
        { tenant: "A" },
      ];
      const appended = await log.append([event, ...others.map((other) => ({ ...event, ...other }))]);
      expect(appended.filter(({ duplicate }) => duplicate)).toEqual([]);
    });

    it("does not look at events that are not to be deduplicated, and does not take their ids", async () => {
      const { log } = bench();
      const event = newEvent({ deduplicate: false });
      await log.append([event, event]);
      expect(await log.append([{ ...event, deduplicate: true }])).toMatchObject([{ offset: 3, duplicate: false }]);
    });

    it("takes the id as new when the window has passed, and counts the window from there", async () => {
      const test = bench();
      const event = newEvent();
      await test.log.append([event]);
      test.now += HOUR;
      expect(await test.log.append([event])).toMatchObject([{ offset: 1, duplicate: true }]);
      test.now += 1;
      expect(await test.log.append([event])).toMatchObject([{ offset: 2, duplicate: false }]);
      test.now += HOUR;
      expect(await test.log.append([event])).toMatchObject([{ offset: 2, duplicate: true }]);
    });
  });
}
