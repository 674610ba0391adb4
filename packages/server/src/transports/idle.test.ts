import { describe, expect, it } from "vitest";
import { Rig, identityOf } from "../../testing/rig.ts";
import { watchIdle } from "./idle.ts";

const IDLE_MS = 120_000;

async function setUp() {
  const rig = await Rig.start();
  const { session, client } = rig.open(identityOf("ann"));
  const asked: number[] = [];
  const start = rig.clock.monotonic();
  let answers = false;
  watchIdle(session, rig.clock, IDLE_MS, () => {
    asked.push(Math.round((rig.clock.monotonic() - start) / 1000));
    if (answers) session.heard();
  });
  return { rig, session, client, asked, answer: () => (answers = true) };
}

describe("a client without a sign of life", () => {
  it("is asked for one after half the time, and disconnected after all of it", async () => {
    const { rig, client, asked } = await setUp();
    rig.clock.advance(IDLE_MS / 2 - 10);
    expect(asked).toEqual([]);
    rig.clock.advance(20);
    expect(asked).toEqual([60]);
    rig.clock.advance(IDLE_MS / 2 - 40);
    expect(client.closedWith).toBeUndefined();
    rig.clock.advance(60);
    expect(client.closedWith).toBe("SLOW_CONSUMER");
  });

  it("stays when it answers, for as long as it does", async () => {
    const { rig, client, asked, answer } = await setUp();
    answer();
    rig.clock.advance(3_600_000);
    expect(client.closedWith).toBeUndefined();
    expect(asked.length).toBeGreaterThan(50);
  });

  it("is not asked while it sends by itself", async () => {
    const { rig, session, client, asked } = await setUp();
    for (let minute = 0; minute < 60; minute++) {
      rig.clock.advance(30_000);
      session.heard();
    }
    expect([asked, client.closedWith]).toEqual([[], undefined]);
  });

  it("is no longer watched when it is gone", async () => {
    const { rig, session, asked } = await setUp();
    const before = rig.engine.wheel.size;
    session.lost();
    expect(rig.engine.wheel.size).toBeLessThan(before);
    rig.clock.advance(IDLE_MS * 2);
    expect(asked).toEqual([]);
  });
});
