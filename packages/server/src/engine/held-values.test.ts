import { describe, expect, it } from "vitest";
import { outboxRig, value } from "../../testing/outbox-rig.ts";
import { type HeldValue, HeldValues } from "./held-values.ts";

function setUp(takesValues = true) {
  const { clock, host, meter, subscription } = outboxRig();
  const due: number[] = [];
  const owner = { takesValues, due: (value: HeldValue) => void due.push(value.message.offset) };
  const held = new HeldValues(host, owner);
  const hold = (offset: number, key: string, to = subscription()) => held.hold(to, value(offset, key, `gauge:${key}`), key);
  const offsets = (values: readonly HeldValue[]) => values.map(({ message }) => message.offset);
  return { clock, wheel: host.wheel, meter, held, hold, owner, due, offsets, subscription };
}

describe("values that wait", () => {
  it("are one a key, the newest, with how many older ones it stands for", () => {
    const { held, hold, meter } = setUp();
    for (const offset of [1, 3, 2, 4]) hold(offset, "a");
    hold(5, "b");
    expect(held.dueBefore(Infinity)).toMatchObject([
      { message: { offset: 4 }, replaced: 2 },
      { message: { offset: 5 }, replaced: 0 },
    ]);
    expect([held.size, held.conflated, meter.conflated]).toEqual([2, 2, 2]);
  });

  it("are due in log order, those alone that stand before a place and whose time has come", () => {
    const { clock, held, hold, offsets, subscription } = setUp();
    const slow = { ...subscription(100), sentAt: new Map([["b", clock.monotonic()]]) };
    hold(3, "a");
    hold(2, "b", slow);
    hold(1, "c");
    hold(9, "d");
    expect(offsets(held.dueBefore(9))).toEqual([1, 3]);
    clock.advance(100);
    expect(offsets(held.dueBefore(9))).toEqual([1, 2, 3]);
  });

  it("come up when their time has come, and sooner at a faster rate", () => {
    const { clock, held, hold, due, subscription } = setUp();
    const slow = { ...subscription(60_000), sentAt: new Map([["a", clock.monotonic()]]) };
    hold(1, "a", slow);
    slow.minIntervalMs = 500;
    held.repace(slow);
    clock.advance(400);
    expect(due).toEqual([]);
    clock.advance(200);
    expect(due).toEqual([1]);
  });

  it("wait for no time while nothing would be sent anyway", () => {
    const { wheel, hold } = setUp(false);
    hold(1, "a");
    expect(wheel.size).toBe(0);
  });

  it("hold back the place before the oldest of them, exactly where they are few", () => {
    const { held, hold } = setUp();
    hold(5, "a");
    hold(7, "b");
    expect([held.oldest, held.notPassedTo(9), held.notPassedTo(3)]).toEqual([5, 4, 3]);
    const [first] = held.dueBefore(6);
    if (first !== undefined) held.remove(first);
    expect([held.oldest, held.notPassedTo(9)]).toEqual([7, 6]);
    held.clear();
    expect([held.oldest, held.notPassedTo(9), held.size]).toEqual([Infinity, 9, 0]);
  });

  it("never tell of a place that passes one of them, where they are many", () => {
    const { clock, held, hold } = setUp();
    for (let offset = 1; offset <= 100; offset++) hold(offset, `k${offset}`);
    for (const each of held.dueBefore(Infinity)) {
      held.remove(each);
      clock.advance(3);
      expect(held.oldest).toBeLessThanOrEqual(each.message.offset < 100 ? each.message.offset + 1 : Infinity);
    }
    expect(held.oldest).toBe(Infinity);
  });

  it("leave nothing armed when they are let go", () => {
    const { wheel, held, hold, subscription, clock } = setUp();
    hold(1, "a", { ...subscription(1000), sentAt: new Map([["a", clock.monotonic()]]) });
    expect(wheel.size).toBe(1);
    held.clear();
    expect(wheel.size).toBe(0);
  });
});
