/** Contract tests of the log: reading pages, by tenant and topic, and finding one event. */
import { describe, expect, it } from "vitest";
import { type LogPlace, newEvent, newEvents, offsetsOf, pagesOf, useBench } from "./contract-place.ts";

export function readContract(newPlace: () => Promise<LogPlace>): void {
  const bench = useBench(newPlace);

  describe("read", () => {
    it("has nothing in a new log", async () => {
      expect(await bench().log.read({ after: 0, limit: 10 })).toEqual({ events: [], upTo: 0, complete: true });
    });

    it("begins after `after` and ends with `until`", async () => {
      const { log } = bench();
      await log.append(newEvents(9));
      const page = await log.read({ after: 3, until: 6, limit: 10 });
      expect(page.events.map(({ offset }) => offset)).toEqual([4, 5, 6]);
      expect(page).toMatchObject({ upTo: 6, complete: true });
    });

    it("is complete at the head, and never goes back behind `after`", async () => {
      const { log } = bench();
      await log.append(newEvents(3));
      expect(await log.read({ after: 3, limit: 10 })).toEqual({ events: [], upTo: 3, complete: true });
      expect(await log.read({ after: 0, until: 100, limit: 10 })).toMatchObject({ upTo: 3, complete: true });
      expect(await log.read({ after: 2, until: 1, limit: 10 })).toEqual({ events: [], upTo: 2, complete: true });
      expect(await log.read({ after: 50, limit: 10 })).toEqual({ events: [], upTo: 50, complete: true });
    });

    it("goes on in pages of at most `limit` events", async () => {
      const { log } = bench();
      for (let index = 0; index < 7; index++) await log.append(newEvents(1));
      const pages = await pagesOf(log, { after: 0, limit: 3 });
      expect(pages.map(({ events, upTo, complete }) => [events.length, upTo, complete])).toEqual([
        [3, 3, false],
        [3, 6, false],
        [1, 7, true],
      ]);
    });

    it("is complete with a page that is just full", async () => {
      const { log } = bench();
      await log.append(newEvents(3));
      expect(await log.read({ after: 0, limit: 3 })).toMatchObject({ upTo: 3, complete: true });
    });

    it("ends a page early rather than split a publish batch", async () => {
      const { log } = bench();
      for (const size of [2, 3, 1]) await log.append(newEvents(size));
      const pages = await pagesOf(log, { after: 0, limit: 4 });
      expect(pages.map(({ events, upTo }) => [events.length, upTo])).toEqual([
        [2, 2],
        [4, 6],
      ]);
    });

    it("gives a batch that alone is longer than a page whole", async () => {
      const { log } = bench();
      for (const size of [1, 5, 1]) await log.append(newEvents(size));
      const pages = await pagesOf(log, { after: 0, limit: 2 });
      expect(pages.map(({ events, upTo }) => [events.length, upTo])).toEqual([
        [1, 1],
        [5, 6],
        [1, 7],
      ]);
    });

    it("keeps the part of a batch that was asked for together", async () => {
      const { log } = bench();
      const [own, other] = [{ topics: ["own"] }, { topics: ["other"] }];
      await log.append([newEvent(own), newEvent(other), newEvent(own)]);
      await log.append([newEvent(other), newEvent(own), newEvent(other), newEvent(own)]);
      const pages = await pagesOf(log, { after: 0, limit: 3, tenant: "acme", topics: ["own"] });
      expect(pages.map(({ events, upTo }) => [events.map(({ offset }) => offset), upTo])).toEqual([
        [[1, 3], 3],
        [[5, 7], 7],
      ]);
    });

    it("gives only a tenant's events, and moves on over those of others", async () => {
      const { log } = bench();
      await log.append([newEvent({ tenant: "a" }), newEvent({ tenant: "b" }), newEvent({ tenant: "a" })]);
      await log.append(newEvents(20, { tenant: "b" }));
      expect(await offsetsOf(log, { tenant: "a" })).toEqual([1, 3]);
      expect((await pagesOf(log, { after: 0, limit: 10, tenant: "a" })).at(-1)).toMatchObject({ upTo: 23, complete: true });
      expect((await pagesOf(log, { after: 3, limit: 10, tenant: "a" })).flatMap(({ events }) => events)).toEqual([]);
      expect(await offsetsOf(log, { tenant: "nobody" })).toEqual([]);
    });

    it("gives each event of the topics once, in offset order", async () => {
      const { log } = bench();
      await log.append([newEvent({ topics: ["a", "b"] }), newEvent({ topics: ["c"] }), newEvent({ topics: ["b"] }), newEvent()]);
      await log.append([newEvent({ topics: ["a"] }), newEvent({ topics: ["a", "b", "c"] })]);
      expect(await offsetsOf(log, { tenant: "acme", topics: ["a", "b"] })).toEqual([1, 3, 5, 6]);
      expect(await offsetsOf(log, { tenant: "acme", topics: ["c", "c", "unknown"] })).toEqual([2, 6]);
      expect(await offsetsOf(log, { tenant: "acme", topics: ["a"], limit: 1 })).toEqual([1, 5, 6]);
    });

    it("moves on to the head where the topics have nothing", async () => {
      const { log } = bench();
      await log.append(newEvents(3, { topics: ["a"] }));
      for (const topics of [[], ["unknown"], ["b"]]) {
        expect(await log.read({ after: 0, limit: 10, tenant: "acme", topics })).toEqual({ events: [], upTo: 3, complete: true });
      }
    });

    it("keeps topics of the same name apart by tenant, whatever is in the names", async () => {
      const { log } = bench();
      const tenants = ["a", "a\u0000", "", "aa"];
      const topics = ["x", "\u0000x", "ax", "ünï:*%"];
      const all = tenants.flatMap((tenant) => topics.map((topic) => newEvent({ tenant, topics: [topic] })));
      await log.append(all);
      for (const [index, { tenant, topics: of }] of all.entries())
        expect(await offsetsOf(log, { tenant, topics: of })).toEqual([index + 1]);
    });

    it("takes more topics than are read singly", async () => {
      const { log } = bench();
      const names = Array.from({ length: 200 }, (_, index) => `t${index}`);
      for (const name of names) void log.append([newEvent({ topics: [name] }), newEvent({ topics: ["rest"] })]);
      await log.append(newEvents(1));
      expect(await offsetsOf(log, { tenant: "acme", topics: names, limit: 30 })).toEqual(names.map((_, index) => 2 * index + 1));
    });

    it("wants a tenant where it is given topics", async () => {
      await expect(bench().log.read({ after: 0, limit: 10, topics: ["a"] })).rejects.toThrow(TypeError);
    });

    it("reads while commits go on, and sees none in part", async () => {
      const { log } = bench();
      const appends = Array.from({ length: 30 }, () => log.append(newEvents(10, { topics: ["a"] })));
      for (let index = 0; index < 10; index++) {
        const { events, upTo } = await log.read({ after: 0, limit: 1000, tenant: "acme", topics: ["a"] });
        expect(events.map(({ offset }) => offset)).toEqual(Array.from({ length: upTo }, (_, at) => at + 1));
        expect(upTo % 10).toBe(0);
      }
      await Promise.all(appends);
    });
  });

  describe("find", () => {
    it("gives the event with an id, deduplicated or not", async () => {
      const { log } = bench();
      const [own, made] = [newEvent(), newEvent({ deduplicate: false })];
      await log.append([own, made, ...newEvents(20)]);
      expect(await log.find("acme", "desk", own.id)).toMatchObject({ offset: 1, id: own.id });
      expect(await log.find("acme", "desk", made.id)).toMatchObject({ offset: 2, id: made.id });
    });

    it("has nothing where there is none", async () => {
      const { log } = bench();
      const event = newEvent();
      await log.append([event, ...newEvents(10)]);
      expect(await log.find("acme", "desk", "unknown")).toBeUndefined();
      expect(await log.find("other", "desk", event.id)).toBeUndefined();
      expect(await log.find("acme", "other", event.id)).toBeUndefined();
    });
  });
}
