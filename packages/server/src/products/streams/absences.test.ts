import { describe, expect, it } from "vitest";
import { alone } from "../../cluster/alone.ts";
import { MemoryHub } from "../../cluster/memory/memory-cluster.ts";
import { FakeClock } from "../../../testing/fake-clock.ts";
import { Absences } from "./absences.ts";

const RULES = { events: 100, ageMs: 300_000 };

function setUp() {
  const clock = new FakeClock();
  const cluster = alone({ id: "one", name: "one" }, () => clock.monotonic());
  return { clock, absences: new Absences({ clock, cluster }, "test", RULES) };
}

describe("who had no connection", () => {
  it("has missed what came since it left, and whoever never came, all that is young enough", async () => {
    const { clock, absences } = setUp();
    expect(await absences.since("ann")).toEqual({ after: 0, most: 100, since: clock.now() - 300_000 });
    absences.entered("ann");
    absences.left("ann", 7);
    expect(await absences.since("ann")).toMatchObject({ after: 7 });
    expect(await absences.since("ben")).toMatchObject({ after: 0 });
  });

  it("has missed nothing while any of its connections is there", async () => {
    const { absences } = setUp();
    absences.entered("ann");
    absences.entered("ann");
    absences.left("ann", 3);
    expect(await absences.since("ann")).toBeUndefined();
    absences.left("ann", 5);
    expect(await absences.since("ann")).toMatchObject({ after: 5 });
  });

  it("is forgotten when all that it could be told is too old, and among very many", async () => {
    const { clock, absences } = setUp();
    absences.entered("ann");
    absences.left("ann", 3);
    clock.advance(300_001);
    expect(await absences.since("ann")).toMatchObject({ after: 0 });
    expect(absences.size).toBe(0);
    for (let index = 0; index < 100_001; index++) absences.left(`u${index}`, 1);
    expect(absences.size).toBe(100_000);
    expect(await absences.since("u0")).toMatchObject({ after: 0 });
    expect(await absences.since("u1")).toMatchObject({ after: 1 });
  });

  it("has missed what came since it left the last of several nodes, and nothing while it is at any", async () => {
    const clock = new FakeClock();
    const hub = new MemoryHub({ monotonic: () => clock.monotonic(), after: (ms, run) => clock.after(ms, run) });
    const clusters = ["a", "b", "c"].map((id) => hub.join({ id, name: id }));
    const [a, b, c] = clusters.map((cluster) => new Absences({ clock, cluster }, "test", RULES));
    clock.advance(1);
    const since = async () => {
      const missed = c?.since("ann");
      for (let step = 0; step < 10; step++) {
        await Promise.resolve();
        clock.advance(1);
      }
      return missed;
    };
    expect(await since()).toMatchObject({ after: 0 });
    a?.entered("ann");
    b?.entered("ann");
    b?.left("ann", 7);
    expect(await since()).toBeUndefined();
    a?.left("ann", 5);
    expect(await since()).toMatchObject({ after: 7 });
    clusters[1]?.setConnected(false);
    const missed = c?.since("ann");
    for (let step = 0; step < 10; step++) {
      await Promise.resolve();
      clock.advance(100);
    }
    expect(await missed).toMatchObject({ after: 5 });
  });
});
