import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageOf } from "../../testing/connection.ts";
import { outboxRig as setUp, value } from "../../testing/outbox-rig.ts";
import type { Surface } from "./message.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

describe("the outbox of a reading client", () => {
  it("sends what came in a turn in one write, in order", () => {
    const { clock, client, subscription, deliver, heard, meter } = setUp();
    const all = subscription();
    deliver(all, messageOf({ offset: 1 }), value(2), messageOf({ offset: 3 }));
    expect(heard()).toEqual([]);
    clock.turn();
    expect(heard()).toEqual([1, 2, 3]);
    expect([client.parcels.length, meter.writes, meter.delivered]).toEqual([1, 1, 3]);
  });

  it("tells a message once, however many of the client's subscriptions it matches, and nothing that the snapshot has", () => {
    const { clock, subscription, deliver, heard } = setUp();
    const [name, pattern] = [subscription(), { ...subscription(), from: 1 }];
    const messages = [messageOf({ offset: 1 }), messageOf({ offset: 2 })];
    for (const message of messages) {
      deliver(pattern, message);
      deliver(name, message);
    }
    clock.turn();
    expect(heard()).toEqual([1, 2]);
  });

  it("tells what passes the filter alone", () => {
    const { clock, subscription, deliver, heard } = setUp();
    deliver({ ...subscription(), filter: ({ offset }) => offset % 2 === 0 }, ...[1, 2, 3, 4].map((offset) => messageOf({ offset })));
    clock.turn();
    expect(heard()).toEqual([2, 4]);
  });

  it("holds at most the rate that was asked for a key, and ends on the newest value", () => {
    const { clock, subscription, deliver, heard, meter } = setUp();
    const slow = subscription(100);
    for (let offset = 1; offset <= 50; offset++) {
      deliver(slow, value(offset));
      clock.turn();
      clock.advance(10);
    }
    clock.advance(1000);
    const offsets = heard();
    expect(offsets).toHaveLength(6);
    expect(offsets.at(-1)).toBe(50);
    expect(meter.conflated).toBe(50 - offsets.length);
  });

  it("counts the rate by key, and not for the lossless class", () => {
    const { clock, subscription, deliver, heard } = setUp();
    deliver(subscription(1000), value(1, "a", "gauge:a"), value(2, "b", "gauge:b"), messageOf({ offset: 3 }), messageOf({ offset: 4 }));
    clock.turn();
    expect(heard()).toEqual([1, 2, 3, 4]);
  });

  it("opens one window for all values that leave together, whichever of them comes when it is due", () => {
    const { clock, client, subscription, deliver, heard } = setUp();
    // No multiple of the wheel's slots: values are due before their timer.
    const windowed = { ...subscription(101), window: { sentAt: -Infinity } };
    let offset = 0;
    for (let ms = 0; ms <= 1000; ms++) {
      const key = `k${ms % 500}`;
      deliver(windowed, value(++offset, key, `gauge:${key}`));
      clock.turn();
      clock.advance(1);
    }
    expect(client.parcels.length).toBeLessThanOrEqual(11);
    clock.advance(200);
    expect(Math.max(...heard())).toBe(offset);
  });

  it("says how many values one stands for", () => {
    const wordConflated: Surface["wordConflated"] = ({ offset }, replaced) => ({ name: "value", body: JSON.stringify([offset, replaced]) });
    const { clock, client, subscription, deliver } = setUp({ wordConflated });
    deliver(subscription(100), value(1), value(2), value(3), value(4));
    clock.turn();
    clock.advance(200);
    expect(client.bodies("value")).toEqual([[4, 2]]);
  });

  it("lets a faster rate send at once what waited for a slower one", () => {
    const { clock, outbox, subscription, deliver, heard } = setUp();
    const slow = subscription(60_000);
    deliver(slow, value(1), value(2));
    clock.advance(1000);
    expect(heard()).toEqual([1]);
    slow.minIntervalMs = 500;
    outbox.repace(slow);
    clock.advance(5);
    expect(heard()).toEqual([1, 2]);
    expect(outbox.heldCount).toBe(0);
  });

  it("lets go of a waiting value that is followed no more", () => {
    const { clock, subscription, deliver, heard } = setUp();
    deliver(subscription(100), value(1), value(666));
    clock.advance(1000);
    expect(heard()).toEqual([1]);
  });

  it("stands no further than before a value that still waits, so that a resume from there misses nothing", () => {
    const { clock, outbox, subscription, deliver } = setUp();
    deliver(subscription(100), value(1), value(2), messageOf({ offset: 3 }));
    clock.turn();
    expect([outbox.sentTo, outbox.passedTo]).toEqual([3, 1]);
    clock.advance(200);
    expect(outbox.passedTo).toBe(3);
  });
});

describe("the outbox of a client that does not read", () => {
  it("holds one value a key, the newest, and tells them in log order when the client reads again", () => {
    const { clock, client, outbox, subscription, deliver, heard } = setUp();
    client.stick();
    const all = subscription();
    deliver(all, value(1));
    clock.turn();
    for (let offset = 2; offset <= 2000; offset++) deliver(all, value(offset, `k${offset % 7}`, `gauge:${offset % 7}`));
    clock.turn();
    expect(outbox.heldCount).toBe(7);
    client.drain();
    outbox.ready();
    clock.turn();
    const offsets = heard();
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(offsets.slice(-7)).toEqual([1994, 1995, 1996, 1997, 1998, 1999, 2000]);
    expect(outbox.heldCount).toBe(0);
  });

  it("pauses its lossless lane at the limit of unsent bytes, and holds nothing more of it in memory", () => {
    const { clock, client, outbox, said, subscription, deliver, meter } = setUp();
    client.stick();
    const all = subscription();
    deliver(all, messageOf({ offset: 1 }));
    clock.turn();
    for (let offset = 2; offset <= 1000; offset++) deliver(all, messageOf({ offset }));
    expect(said).toEqual(["paused"]);
    expect([outbox.flowing, meter.paused]).toEqual([false, 1]);
    expect(outbox.queuedBytes).toBeLessThanOrEqual(2000);
    expect(outbox.sentTo).toBe(1);
  });

  it("keeps what was said to it alone, and ends when that is more than it may be owed", () => {
    const { clock, client, outbox, said } = setUp();
    client.stick();
    outbox.say({ name: "answer", body: "0" });
    clock.turn();
    for (let index = 1; index <= 10; index++) outbox.say({ name: "answer", body: JSON.stringify(index) });
    expect(said).toEqual([]);
    for (let index = 11; index <= 100; index++) outbox.say({ name: "answer", body: JSON.stringify(index) });
    expect(said).toContain("overrun");
  });

  it("tells since when it is stuck, and no more once it drained", () => {
    const { clock, client, outbox } = setUp();
    client.stick();
    outbox.say({ name: "answer", body: "0" });
    clock.turn();
    const since = clock.monotonic();
    clock.advance(5000);
    outbox.say({ name: "answer", body: "1" });
    clock.turn();
    expect(outbox.stuckSince).toBe(since);
    client.drain();
    outbox.ready();
    expect(outbox.stuckSince).toBeUndefined();
    expect(client.bodies("answer")).toEqual([0, 1]);
  });

  it("hands over the last words when it closes, takes nothing after them, and leaves nothing armed", () => {
    const { clock, client, outbox, subscription, deliver, host } = setUp();
    deliver(subscription(1000), value(1), value(2));
    outbox.say({ name: "bye", body: "1" });
    outbox.close();
    outbox.say({ name: "bye", body: "2" });
    deliver(subscription(), messageOf({ offset: 3 }));
    outbox.ready();
    clock.advance(10_000);
    expect(client.bodies("bye")).toEqual([1]);
    expect([outbox.heldCount, host.wheel.size]).toEqual([0, 0]);
  });
});

describe("any outbox", () => {
  it("never tells a key's older value after a newer one, and ends on the newest", () => {
    const step = fc.oneof(
      fc.record({ value: fc.constantFrom("a", "b", "c") }),
      fc.record({ pass: fc.nat(120) }),
      fc.record({ do: fc.constantFrom("stick", "drain", "turn") }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(0, 50), (steps, minIntervalMs) => {
        const { clock, client, outbox, subscription, deliver } = setUp();
        const all = subscription(minIntervalMs);
        const newest = new Map<string, number>();
        let offset = 0;
        for (const each of steps) {
          if ("value" in each) {
            newest.set(`gauge:${each.value}`, ++offset);
            deliver(all, value(offset, each.value, `gauge:${each.value}`));
          } else if ("pass" in each) clock.advance(each.pass);
          else if (each.do === "stick") client.stick();
          else if (each.do === "turn") clock.turn();
          else {
            client.drain();
            outbox.ready();
          }
        }
        client.drain();
        outbox.ready();
        clock.turn();
        clock.advance(1000);
        const last = new Map<string, number>();
        for (const body of client.bodies("event") as { topic: string; offset: number }[]) {
          expect(body.offset).toBeGreaterThan(last.get(body.topic) ?? 0);
          last.set(body.topic, body.offset);
        }
        expect(last).toEqual(newest);
      }),
      { seed, numRuns: 500 },
    );
  });
});
