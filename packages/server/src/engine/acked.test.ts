import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AckedPosition, type AckedState, DEFAULT_ACK_WINDOW } from "./acked.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const at = (upTo: number, ...gaps: number[]) => new AckedPosition({ upTo, gaps });

describe("the acknowledged position", () => {
  it("stands before the oldest event that is not acknowledged, and at the newest sent one when all are", () => {
    const acked = at(10);
    for (const offset of [12, 15, 19]) acked.sent(offset);
    expect([acked.position, acked.sentTo, acked.inFlight]).toEqual([11, 19, 3]);
    expect(acked.ack(15)).toBe(true);
    expect([acked.position, acked.pending()]).toEqual([11, [12, 19]]);
    acked.ack(12);
    expect(acked.position).toBe(18);
    acked.ack(19);
    expect([acked.position, acked.pending()]).toEqual([19, []]);
  });

  it("acknowledges everything up to an event, sent or not, and nothing after it", () => {
    const acked = at(0);
    for (const offset of [2, 4, 6, 8]) acked.sent(offset);
    expect(acked.ackUpTo(5)).toBe(2);
    expect(acked.ackUpTo(6)).toBe(1);
    expect(acked.pending()).toEqual([8]);
    expect(acked.ackUpTo(1000)).toBe(1);
    expect([acked.position, acked.sentTo]).toEqual([8, 8]);
    acked.sent(9);
    expect(acked.pending()).toEqual([9]);
  });

  it("is not moved by acks of what was never sent, was acknowledged before, or is no offset at all", () => {
    const acked = at(5, 3);
    for (const offset of [0, -1, 2, 4, 5, 6, 1e9, 3.5, NaN, Infinity]) expect(acked.ack(offset)).toBe(false);
    for (const offset of [0, -1, 2, 2.5, NaN, -Infinity]) expect(acked.ackUpTo(offset)).toBe(0);
    expect(acked.toJSON()).toEqual({ upTo: 5, gaps: [3] });
    expect([acked.ack(3), acked.ack(3)]).toEqual([true, false]);
  });

  it("does not wait again for what was sent again", () => {
    const acked = at(0);
    acked.sent(1);
    acked.sent(2);
    acked.ack(1);
    acked.sent(1);
    acked.sent(2);
    expect(acked.pending()).toEqual([2]);
    expect([acked.isPending(1), acked.isPending(2), acked.isPending(3)]).toEqual([false, true, false]);
  });

  it("moves past events that need no ack, never past one that waits, and never back", () => {
    const acked = at(3);
    acked.passed(7);
    expect(acked.position).toBe(7);
    acked.sent(8);
    acked.passed(20);
    expect([acked.position, acked.sentTo]).toEqual([7, 20]);
    acked.ack(8);
    acked.passed(9);
    acked.passed(NaN);
    expect(acked.position).toBe(20);
  });

  it("opens no more gaps than the window holds", () => {
    const acked = at(0);
    for (let offset = 1; offset <= DEFAULT_ACK_WINDOW; offset++) acked.sent(offset);
    expect(acked.isFull).toBe(true);
    expect(() => acked.sent(1000)).toThrow("256 events in flight");
    acked.sent(256);
    expect(acked.sentTo).toBe(256);
    acked.ack(7);
    acked.sent(1000);
    expect([acked.inFlight, acked.position]).toEqual([256, 0]);
  });

  it("keeps the gaps of a wider window, and opens none until they fit", () => {
    const acked = new AckedPosition({ upTo: 4, gaps: [1, 2, 3] }, 2);
    acked.ack(1);
    expect([acked.isFull, acked.pending()]).toEqual([true, [2, 3]]);
    acked.ack(2);
    acked.sent(5);
    expect(acked.pending()).toEqual([3, 5]);
  });

  it("leaves the state that it was made of, and those that it gave, as they were", () => {
    const state = { upTo: 3, gaps: [1, 2, 3] };
    const acked = new AckedPosition(state);
    const [pending, written] = [acked.pending(), acked.toJSON()];
    acked.ackUpTo(3);
    expect([state.gaps, pending, written.gaps]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it.each<AckedState>([
    { upTo: -1, gaps: [] },
    { upTo: 1.5, gaps: [] },
    { upTo: NaN, gaps: [] },
    { upTo: 5, gaps: [6] },
    { upTo: 5, gaps: [0] },
    { upTo: 5, gaps: [2, 2] },
    { upTo: 5, gaps: [3, 2] },
    { upTo: 5, gaps: [2.5] },
  ])("is not made of %j", (state) => {
    expect(() => new AckedPosition(state)).toThrow(RangeError);
  });

  it.each([0, -1, 1.5, NaN])("has no window of %d", (window) => {
    expect(() => new AckedPosition({ upTo: 0, gaps: [] }, window)).toThrow(RangeError);
  });

  it("is what a list of every sent event and its ack would say, through restarts, in whatever order acks come", () => {
    const offset = fc.integer({ min: 0, max: 60 });
    const operation = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("send" as const), step: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), offset }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("ack" as const), offset }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("ackUpTo" as const), offset }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("sendAgain" as const), offset }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
    );
    fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 5 }), fc.array(operation, { maxLength: 60 }), runs), {
      seed,
      numRuns: 400,
    });

    function runs(window: number, start: number, operations: readonly (typeof operation extends fc.Arbitrary<infer T> ? T : never)[]) {
      let acked = new AckedPosition({ upTo: start, gaps: [] }, window);
      /** Every event that was sent → whether it is acknowledged. */
      const sent = new Map<number, boolean>();
      let last = start;
      const waiting = () => [...sent].flatMap(([each, isAcked]) => (isAcked ? [] : [each]));
      for (const each of operations) {
        const before = acked.position;
        switch (each.kind) {
          case "send":
            if (acked.isFull) break;
            sent.set((last += each.step), false);
            acked.sent(last);
            break;
          case "sendAgain":
            if (each.offset <= last) acked.sent(each.offset);
            break;
          case "pass":
            last = Math.max(last, each.offset);
            acked.passed(each.offset);
            break;
          case "ack":
            expect(acked.ack(each.offset)).toBe(sent.get(each.offset) === false);
            if (sent.has(each.offset)) sent.set(each.offset, true);
            break;
          case "ackUpTo": {
            const through = waiting().filter((waits) => waits <= each.offset);
            expect(acked.ackUpTo(each.offset)).toBe(through.length);
            for (const done of through) sent.set(done, true);
            break;
          }
          case "restart":
            acked = new AckedPosition(JSON.parse(JSON.stringify(acked)) as AckedState, window);
        }
        const gaps = waiting();
        expect(acked.toJSON()).toEqual({ upTo: last, gaps });
        expect(acked.pending()).toEqual(gaps);
        expect(acked.position).toBe(gaps.length === 0 ? last : Math.min(...gaps) - 1);
        expect(acked.position).toBeGreaterThanOrEqual(before);
        expect(acked.inFlight).toBeLessThanOrEqual(window);
        expect(acked.isFull).toBe(gaps.length === window);
      }
    }
  });
});
