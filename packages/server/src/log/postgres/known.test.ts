import { describe, expect, it } from "vitest";
import type { LogBounds } from "../log.ts";
import { Known } from "./known.ts";

describe("what is known of where the log stands", () => {
  it("goes on with each end by itself, and never back", () => {
    const known = new Known({ oldest: 3, head: 10, headStoredAt: 100 });
    const heard: LogBounds[] = [];
    const stop = known.onMoved((bounds) => heard.push(bounds));
    known.learn({ oldest: 1, head: 12, headStoredAt: 120 });
    known.learn({ oldest: 5, head: 11, headStoredAt: 110 });
    known.learn({ oldest: 5, head: 12, headStoredAt: 120 });
    expect(heard).toEqual([
      { oldest: 3, head: 12, headStoredAt: 120 },
      { oldest: 5, head: 12, headStoredAt: 120 },
    ]);
    stop();
    known.learn({ oldest: 5, head: 20, headStoredAt: 200 });
    expect([heard.length, known.bounds.head]).toEqual([2, 20]);
  });
});
