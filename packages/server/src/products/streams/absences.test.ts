import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../testing/fake-clock.ts";
import { Absences } from "./absences.ts";

function setUp() {
  const clock = new FakeClock();
  return { clock, absences: new Absences(clock, { events: 100, ageMs: 300_000 }) };
}

describe("who had no connection", () => {
  it("has missed what came since it left, and whoever never came, all that is young enough", () => {
    const { clock, absences } = setUp();
    expect(absences.since("ann")).toEqual({ after: 0, most: 100, since: clock.now() - 300_000 });
    absences.entered("ann");
    absences.left("ann", 7);
    expect(absences.since("ann")).toMatchObject({ after: 7 });
    expect(absences.since("ben")).toMatchObject({ after: 0 });
  });

  it("has missed nothing while any of its connections is there", () => {
    const { absences } = setUp();
    absences.entered("ann");
    absences.entered("ann");
    absences.left("ann", 3);
    expect(absences.since("ann")).toBeUndefined();
    absences.left("ann", 5);
    expect(absences.since("ann")).toMatchObject({ after: 5 });
  });

  it("is forgotten when all that it could be told is too old, and among very many", () => {
    const { clock, absences } = setUp();
    absences.entered("ann");
    absences.left("ann", 3);
    clock.advance(300_001);
    expect(absences.since("ann")).toMatchObject({ after: 0 });
    expect(absences.size).toBe(0);
    for (let index = 0; index < 100_001; index++) absences.left(`u${index}`, 1);
    expect(absences.size).toBe(100_000);
    expect(absences.since("u0")).toMatchObject({ after: 0 });
    expect(absences.since("u1")).toMatchObject({ after: 1 });
  });
});
