import { describe, expect, it } from "vitest";
import { DatabaseClock } from "./database-clock.ts";

const HOUR = 3_600_000;

/** A node and a database, and the way between them. */
function setUp({ ahead = 0 } = {}) {
  let passed = 1000.4;
  let nodeAhead = 0;
  let databaseAhead = ahead;
  const began = 1_800_000_000_000;
  const pass = (ms: number) => (passed += ms);
  const node = { now: () => Math.floor(began + passed) + nodeAhead, monotonic: () => passed };
  const clock = new DatabaseClock(node);
  const truth = () => began + passed + databaseAhead;
  return {
    clock,
    pass,
    setNode: (ms: number) => (nodeAhead = ms),
    setDatabase: (ms: number) => (databaseAhead = ms),
    measure: (there = 0.2, back = 0.2) =>
      clock.measure(async () => {
        pass(there);
        const time = truth();
        pass(back);
        return Promise.resolve(time);
      }),
    /** How far the corrected time is from the database's. */
    error: () => node.now() + clock.offsetMs() - truth(),
  };
}

describe("the database's clock", () => {
  it("is this node's own until it is measured", () => {
    expect(setUp({ ahead: HOUR }).clock.offsetMs()).toBe(0);
  });

  it.each([HOUR, -HOUR, 7, 0])("is met to a few milliseconds by a node that is %i ms behind", async (ahead) => {
    const { clock, measure, error } = setUp({ ahead });
    await measure();
    expect(Math.abs(error())).toBeLessThan(3);
    expect(Math.abs(clock.offsetMs() - ahead)).toBeLessThan(3);
  });

  it("is best told by the shortest round trip of several", async () => {
    const { clock, measure, error } = setUp({ ahead: HOUR });
    await measure(400, 1);
    for (const [there, back] of [
      [90, 2],
      [1, 1],
      [2, 300],
    ] as const)
      await measure(there, back);
    clock.settle();
    expect(Math.abs(error())).toBeLessThan(3);
  });

  it("does not jump with answers that were slow on one way", async () => {
    const { clock, measure, pass } = setUp({ ahead: 50 });
    for (let count = 0; count < 8; count++) await measure();
    const offsets = new Set<number>();
    for (let count = 0; count < 40; count++) {
      pass(1000 + count * 0.37);
      await measure(count % 3 === 0 ? 180 : 0.2, count % 4 === 0 ? 240 : 0.3);
      offsets.add(clock.offsetMs());
    }
    expect(Math.max(...offsets) - Math.min(...offsets)).toBeLessThanOrEqual(3);
  });

  it("stays where it is when somebody sets this node's clock, at once", async () => {
    const { measure, setNode, error, pass } = setUp({ ahead: 0 });
    await measure();
    for (const set of [HOUR, -HOUR, 10]) {
      setNode(set);
      expect(Math.abs(error())).toBeLessThan(4);
      pass(100);
    }
  });

  it("is followed when it is set, after some looks that agree", async () => {
    const { measure, setDatabase, error, pass } = setUp();
    await measure();
    setDatabase(-HOUR);
    for (let count = 0; count < 3; count++) {
      pass(1000);
      await measure();
    }
    expect(Math.abs(error())).toBeLessThan(3);
  });

  it("is followed slowly where it drifts", async () => {
    const { measure, setDatabase, error, pass, clock } = setUp();
    await measure();
    let last = clock.offsetMs();
    for (let count = 0; count < 60; count++) {
      setDatabase(count * 2);
      pass(1000);
      await measure();
      expect(Math.abs(clock.offsetMs() - last)).toBeLessThanOrEqual(8);
      last = clock.offsetMs();
    }
    expect(Math.abs(error())).toBeLessThan(25);
  });
});
