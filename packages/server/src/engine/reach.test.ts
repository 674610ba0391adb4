import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ledgerId } from "@broadtape/protocol/event-id";
import { FakeClock } from "../../testing/fake-clock.ts";
import { alone } from "../cluster/alone.ts";
import { Reach } from "./reach.ts";
import { Wheel } from "./wheel.ts";

function setUp({ others = 1 } = {}) {
  const clock = new FakeClock();
  const node = { id: "n", name: "n" };
  const cluster = { ...alone(node, () => clock.monotonic()), others: () => Array.from({ length: others }, () => node) };
  const host = { wheel: new Wheel(clock), cluster, isShared: true, epoch: 7, routedTo: 5 };
  const asked: PromiseWithResolvers<undefined>[] = [];
  const reach = new Reach(host, () => {
    const next = Promise.withResolvers<undefined>();
    asked.push(next);
    return next.promise;
  });
  return { clock, host, reach, asked, beyond: ledgerId(7, 9) };
}

describe("what others stored", () => {
  it("is waited for until it is here, and only where others store", async () => {
    const { host, reach, asked } = setUp();
    const waiting = reach.current();
    asked[0]?.resolve(undefined);
    await waiting;
    await reach.to(host.routedTo);
    expect(asked).toHaveLength(1);
    expect([setUp({ others: 0 }).reach.current(), host.wheel.size]).toEqual([undefined, 0]);
  });

  it("is not waited for any longer where the log does not answer; then it is known what lies beyond", async () => {
    const { clock, host, reach, asked, beyond } = setUp();
    expect(reach.isBeyond(beyond)).toBe(false);
    const waiting = reach.to(9);
    clock.advance(1010);
    await waiting;
    expect([reach.isBeyond(beyond), reach.isBeyond(ledgerId(7, 5)), reach.isBeyond(ledgerId(6, 9))]).toEqual([true, false, false]);
    host.routedTo = 9;
    expect(reach.isBeyond(beyond)).toBe(false);
    host.routedTo = 5;
    asked[0]?.resolve(undefined);
    await turn();
    expect(reach.isBeyond(beyond)).toBe(false);
  });
});
