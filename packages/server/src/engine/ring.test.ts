import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageOf } from "../../testing/connection.ts";
import { Ring } from "./ring.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const UNBOUNDED = { events: Infinity, bytes: Infinity };
const offsetsAfter = (ring: Ring, offset: number) => [...ring.after(offset)].flatMap(({ messages }) => messages.map((each) => each.offset));

describe("the ring", () => {
  it("gives whole publish batches after an offset, in log order, exactly where it says that it covers", () => {
    const batches = fc.array(fc.record({ events: fc.integer({ min: 1, max: 4 }), lossless: fc.nat(4) }), { maxLength: 30 });
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 20 }), fc.nat(40), (all, events, from) => {
        const ring = new Ring(0, { events, bytes: Infinity });
        const told: number[] = [];
        let head = 0;
        for (const batch of all) {
          const first = head + 1;
          head += batch.events;
          const messages = Array.from({ length: Math.min(batch.lossless, batch.events) }, (_, index) =>
            messageOf({ offset: first + index }),
          );
          told.push(...messages.map(({ offset }) => offset));
          ring.add(head, head * 10, messages);
        }
        // A batch's end is where sessions stand.
        const ends = all.map((_, index) => all.slice(0, index + 1).reduce((sum, each) => sum + each.events, 0));
        const offset = ends[from % Math.max(1, ends.length)] ?? 0;
        if (ring.covers(offset)) expect(offsetsAfter(ring, offset)).toEqual(told.filter((each) => each > offset));
        expect(ring.covers(head)).toBe(true);
        expect(offsetsAfter(ring, 0).length).toBeLessThanOrEqual(events);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("covers nothing before it began", () => {
    const ring = new Ring(10, UNBOUNDED);
    expect([ring.covers(9), ring.covers(10), ring.covers(11)]).toEqual([false, true, true]);
  });

  it("lets the oldest batches go beyond its number of messages", () => {
    const ring = new Ring(0, { events: 3, bytes: Infinity });
    ring.add(2, 0, [messageOf({ offset: 1 }), messageOf({ offset: 2 })]);
    ring.add(3, 0, [messageOf({ offset: 3 })]);
    expect(ring.covers(0)).toBe(true);
    ring.add(4, 0, [messageOf({ offset: 4 })]);
    expect([ring.covers(1), ring.covers(2)]).toEqual([false, true]);
    expect(offsetsAfter(ring, 2)).toEqual([3, 4]);
  });

  it("lets the oldest batches go beyond its bytes, and counts what it holds", () => {
    const { size } = messageOf({ offset: 1 });
    const ring = new Ring(0, { events: Infinity, bytes: 3 * size * 2 });
    for (const offset of [1, 2, 3]) ring.add(offset, 0, [messageOf({ offset })]);
    expect(ring.bytes).toBe(3 * size * 2);
    expect(offsetsAfter(ring, 1)).toEqual([2, 3]);
    expect(ring.covers(0)).toBe(false);
  });

  it("holds no batch that alone is beyond its limits, and goes on after it", () => {
    const ring = new Ring(0, { events: 10, bytes: 2000 });
    ring.add(1, 0, [messageOf({ offset: 1 })]);
    ring.add(2, 0, [messageOf({ offset: 2, data: JSON.stringify("x".repeat(5000)) })]);
    expect([ring.bytes, ring.covers(1), ring.covers(2)]).toEqual([0, false, true]);
    ring.add(3, 0, [messageOf({ offset: 3 })]);
    expect(offsetsAfter(ring, 2)).toEqual([3]);
  });

  it("passes over batches without lossless messages at no cost", () => {
    const ring = new Ring(0, { events: 1, bytes: Infinity });
    ring.add(1, 0, [messageOf({ offset: 1 })]);
    for (let offset = 2; offset < 100; offset++) ring.add(offset, 0, []);
    expect(ring.covers(0)).toBe(true);
    expect(offsetsAfter(ring, 50)).toEqual([]);
  });

  it("finds its place among thousands of batches, long after the first ones went", () => {
    const ring = new Ring(0, { events: 1500, bytes: Infinity });
    for (let offset = 1; offset <= 10_000; offset++) ring.add(offset, 0, [messageOf({ offset })]);
    expect([ring.covers(8499), ring.covers(8500)]).toEqual([false, true]);
    expect(offsetsAfter(ring, 8500)).toHaveLength(1500);
    expect(offsetsAfter(ring, 9998)).toEqual([9999, 10_000]);
  });

  it("holds nothing of what it let go", () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const ring = new Ring(0, { events: 1, bytes: Infinity });
    const gone = [1, 2, 3].map((offset) => {
      const message = messageOf({ offset });
      ring.add(offset, 0, [message]);
      return new WeakRef(message);
    });
    ring.add(4, 0, [messageOf({ offset: 4 })]);
    return new Promise(setImmediate).then(() => {
      collectGarbage();
      expect(gone.map((each) => each.deref())).toEqual([undefined, undefined, undefined]);
      expect(offsetsAfter(ring, 3)).toEqual([4]);
    });
  });
});
