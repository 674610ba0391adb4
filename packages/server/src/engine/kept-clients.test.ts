import { describe, expect, it } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { alone } from "../cluster/alone.ts";
import type { KeptSubscription, SubscriptionKey } from "../registry/subscriptions.ts";
import { type Kept, KeptClients } from "./kept-clients.ts";
import { newMeter } from "./meter.ts";
import { subscriberOf, versionOf } from "./subscriber.ts";
import { Wheel } from "./wheel.ts";

function setUp() {
  const clock = new FakeClock();
  const faults: unknown[] = [];
  const self = { id: "n", name: "alone" };
  const host = {
    clock,
    wheel: new Wheel(clock),
    meter: newMeter(),
    epoch: 1,
    cluster: alone(self, () => clock.monotonic()),
    isShared: false,
    onFault: (error: unknown) => void faults.push(error),
  };
  const saves: string[][] = [];
  const registry = { isAway: false, taken: [] as readonly SubscriptionKey[] };
  const replaced: Kept[] = [];
  const clients = new KeptClients(host, {
    save: (rows: readonly KeptSubscription[]) => {
      if (registry.isAway) return Promise.reject(new Error("away"));
      saves.push(rows.map(({ clientId }) => clientId));
      return Promise.resolve(registry.taken);
    },
    onReplaced: (kept) => replaced.push(kept),
  });
  const keep = (clientId: string): Kept => {
    const key = { tenant: "acme", userId: "ann", clientId };
    const subscriber = subscriberOf(key, undefined, { now: 0, routedTo: 0, epoch: 1, newId: () => clientId });
    subscriber.wants = { events: ["a"], filters: "{}" };
    const kept = { subscriber, generation: 1, isReplaced: false, isChanged: true, savedVersion: versionOf(subscriber), savedAt: 0 };
    clients.add(kept);
    return kept;
  };
  return { clock, clients, keep, saves, registry, replaced, faults };
}

describe("clients that are written down behind", () => {
  it("are written in one, and forgotten where they are not connected", async () => {
    const { clients, keep, saves } = setUp();
    keep("phone");
    const tablet = keep("tablet");
    await Promise.all([clients.write(tablet), clients.flush()]);
    expect([saves, clients.size]).toEqual([[["tablet"], ["phone"]], 0]);
  });

  it("wait for the registry while it is away, which is told of once", async () => {
    const { clock, clients, keep, saves, registry, faults } = setUp();
    const phone = keep("phone");
    registry.isAway = true;
    await expect(clients.flush()).rejects.toThrow("away");
    for (let second = 0; second < 3; second++) {
      clock.advance(1000);
      await clients.write(phone).catch(() => undefined);
    }
    expect([clients.get(phone.subscriber), faults.length]).toEqual([phone, 1]);
    registry.isAway = false;
    await clients.flush();
    expect(saves).toEqual([["phone"]]);
  });

  it("are told of where another node has their place", async () => {
    const { clients, keep, registry, replaced } = setUp();
    const phone = keep("phone");
    registry.taken = [phone.subscriber];
    await clients.flush();
    expect(replaced).toEqual([phone]);
  });

  it("stay where one of the same name came in their place", () => {
    const { clients, keep } = setUp();
    const former = keep("phone");
    const present = keep("phone");
    clients.drop(former);
    expect(clients.get(former.subscriber)).toBe(present);
  });
});
