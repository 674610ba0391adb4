import { describe, expect, it } from "vitest";
import { Rig } from "../../testing/rig.ts";
import { beforeRecent } from "./recent.ts";

async function setUp() {
  const rig = await Rig.start();
  const publish = async (name: string, count = 1) => {
    const events = Array.from({ length: count }, (_, value) => ({ type: "test.feed", data: { name, value } }));
    await rig.engine.publish(events, { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" });
    await rig.settle();
  };
  const before = (request: Partial<Parameters<typeof beforeRecent>[1]> = {}) =>
    beforeRecent(rig.engine, { tenant: "acme", topics: ["feed:ann"], after: 0, most: 100, since: 0, ...request });
  return { rig, publish, before };
}

describe("the newest events of a topic", () => {
  it("are found among any number of others", async () => {
    const { publish, before } = await setUp();
    expect(await before()).toBeUndefined();
    await publish("ann", 2);
    for (let count = 0; count < 12; count++) await publish("ben", 1000);
    expect(await before()).toBe(0);
    expect(await before({ after: 1 })).toBe(1);
    expect(await before({ after: 2 })).toBeUndefined();
    expect(await before({ tenant: "other" })).toBeUndefined();
  });

  it("are at most as many as asked for", async () => {
    const { publish, before } = await setUp();
    await publish("ann", 150);
    await publish("ben", 1);
    await publish("ann", 3);
    expect(await before()).toBe(53);
    expect(await before({ most: 3 })).toBe(151);
    expect(await before({ most: 4 })).toBe(149);
  });

  it("are not older than asked for", async () => {
    const { rig, publish, before } = await setUp();
    await publish("ann", 5);
    rig.clock.advance(10_000);
    const since = rig.clock.now();
    expect(await before({ since })).toBeUndefined();
    await publish("ann", 2);
    expect(await before({ since })).toBe(5);
  });
});
