import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageOf } from "../../testing/connection.ts";
import { KeptCursor } from "./kept-cursor.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

describe("a cursor that the client keeps", () => {
  it("is a value's own id where nothing older waits", () => {
    expect(new KeptCursor().goingWith(messageOf({ offset: 5 }), Infinity)).toBeUndefined();
  });

  it("stands before what still waits, and no further back than it was", () => {
    const cursor = new KeptCursor();
    expect(cursor.goingWith(messageOf({ offset: 5 }), 4)).toBe(3);
    cursor.sent(messageOf({ offset: 7 }));
    expect(cursor.goingWith(messageOf({ offset: 6 }), Infinity)).toBe(7);
  });

  it("goes back where the log is told again", () => {
    const cursor = new KeptCursor();
    cursor.sent(messageOf({ offset: 7 }));
    cursor.back(2);
    expect(cursor.goingWith(messageOf({ offset: 3 }), Infinity)).toBeUndefined();
  });

  it("knows nothing of what has no id", () => {
    const cursor = new KeptCursor();
    cursor.sent(messageOf({ offset: 7, eventId: "" }));
    expect(cursor.goingWith(messageOf({ offset: 8, eventId: "" }), 2)).toBeUndefined();
    expect(cursor.goingWith(messageOf({ offset: 3 }), Infinity)).toBeUndefined();
  });

  it("never goes back by itself, and never passes what waits", () => {
    const value = fc.record({ offset: fc.integer({ min: 1, max: 50 }), oldest: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 50 }), (values) => {
        const cursor = new KeptCursor();
        let at = 0;
        for (const { offset, oldest } of values) {
          // What waits now is newer than what was passed before.
          const oldestHeld = Math.max(oldest, at + 1);
          const place = cursor.goingWith(messageOf({ offset }), oldestHeld) ?? offset;
          expect(place).toBeGreaterThanOrEqual(at);
          expect(place).toBeLessThan(oldestHeld);
          at = place;
        }
      }),
      { seed, numRuns: 200 },
    );
  });
});
