import { describe, expect, it } from "vitest";
import { z } from "zod";
import { newMemoryDisk } from "../log/memory/memory-disk.ts";
import type { DomainEvent, Product, View } from "./product.ts";
import { marketData } from "../products/market-data/declaration.ts";
import { FakeClock } from "../../testing/fake-clock.ts";
import { Rig, type RigOptions, identityOf } from "../../testing/rig.ts";

const STALE_MS = 30_000;
const products = [marketData({ symbols: undefined, staleSourceMs: STALE_MS })];

async function setUp(options: RigOptions = {}) {
  const rig = await Rig.start({ ...options, products });
  const quote = async (source: string, bid: number, symbol = "EUR/USD") => {
    const event = { type: "market-data.quote", data: { symbol, source, bid, timestamp: 5 } };
    await rig.engine.publish([event], { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" });
    rig.clock.turn();
  };
  const pass = async (ms: number) => {
    rig.clock.advance(ms);
    await rig.settle();
  };
  const best = () => {
    const entry = products[0] && rig.engine.views.entry(products[0].prices, "acme", "EUR/USD");
    return entry?.state.price.bestBid?.source;
  };
  const stale = () => rig.disk.events.filter(({ event }) => event.type === "market-data.quote-stale").map(({ event }) => event.id);
  return { rig, quote, pass, best, stale };
}

describe("a source that falls silent", () => {
  it("leaves the best price after so long by the server's clock, as an event like any other", async () => {
    const { rig, quote, pass, best, stale } = await setUp();
    const { session, client } = rig.open(identityOf("ann"));
    await rig.follow(session, { topics: ["symbol:EUR/USD"] });
    await quote("A", 1.2);
    await pass(10_000);
    await quote("B", 1.1);
    await pass(STALE_MS - 10_000 - 1);
    expect([best(), stale()]).toEqual(["A", []]);
    await pass(10);
    expect([best(), stale()]).toEqual(["B", ["quote-stale/EUR/USD/A/1"]]);
    expect(client.bodies("event")).toHaveLength(3);
    await pass(10_000);
    expect([best(), stale().length]).toEqual([undefined, 2]);
    await pass(1_000_000);
    expect(stale()).toHaveLength(2);
  });

  it("stays when it quotes in time", async () => {
    const { quote, pass, best, stale } = await setUp();
    for (let count = 0; count < 10; count++) {
      await quote("A", 1.2);
      await pass(STALE_MS - 100);
    }
    expect([best(), stale()]).toEqual(["A", []]);
  });

  it("is one armed deadline a symbol, however often it quotes", async () => {
    const { rig, quote } = await setUp();
    const before = rig.engine.wheel.size;
    for (let count = 0; count < 20; count++) await quote("A", count);
    expect(rig.engine.wheel.size).toBe(before + 1);
    await quote("A", 1, "GBP/USD");
    expect(rig.engine.wheel.size).toBe(before + 2);
  });

  it("leaves after a restart too, counted from its quote", async () => {
    const disk = newMemoryDisk(7);
    const first = await setUp({ disk });
    await first.quote("A", 1.2);
    await first.pass(10_000);
    first.rig.log.crash();
    const second = await setUp({ disk, clock: first.rig.clock });
    await second.pass(STALE_MS - 10_000 - 1);
    expect(second.best()).toBe("A");
    await second.pass(10);
    expect([second.best(), second.stale().length]).toEqual([undefined, 1]);
  });

  it("leaves at the start when it fell silent while the server was down", async () => {
    const disk = newMemoryDisk(7);
    const first = await setUp({ disk });
    await first.quote("A", 1.2);
    await first.rig.engine.checkpoints.save(1);
    first.rig.log.crash();
    first.rig.clock.stall(3_600_000);
    const second = await setUp({ disk, clock: first.rig.clock });
    await second.pass(1100);
    expect([second.best(), second.stale().length]).toEqual([undefined, 1]);
  });

  it("leaves once the log takes events again", async () => {
    const { rig, quote, pass, best, stale } = await setUp();
    await quote("A", 1.2);
    rig.disk.failure = new Error("disk full");
    await pass(STALE_MS + 10);
    expect([best(), stale()]).toEqual(["A", []]);
    await pass(5000);
    rig.disk.failure = undefined;
    await pass(1100);
    expect([best(), stale().length]).toEqual([undefined, 1]);
  });
});

/** An alarm rings at the time that was last set for it. */
const alarms: View<{ readonly at: number; readonly rung: boolean }, DomainEvent & { readonly data: { readonly at: number } }> = {
  name: "alarms",
  version: 1,
  entityOf: () => "one",
  fold: (state, { type, data }) => (type === "alarm.set" ? { at: data.at, rung: false } : { at: state?.at ?? 0, rung: true }),
  due: ({ at, rung }) => (rung ? undefined : { at, event: { type: "alarm.rang", id: `rang/${at}`, data: { at } } }),
};
const schema = z.looseObject({ at: z.number() });
const alarmProduct: Product = {
  name: "alarms",
  types: { "alarm.set": { schema }, "alarm.rang": { schema, internal: true } },
  views: [alarms],
  topics: [],
  topicsOf: () => [],
};

describe("a time that changes", () => {
  it("counts as it was last set, earlier or later", async () => {
    const rig = await Rig.start({ products: [alarmProduct] });
    const begin = rig.clock.now();
    const set = async (at: number) => {
      const event = { type: "alarm.set", data: { at: begin + at } };
      await rig.engine.publish([event], { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" });
    };
    const rung = () => rig.disk.events.filter(({ event }) => event.type === "alarm.rang").length;
    const pass = async (ms: number) => {
      rig.clock.advance(ms);
      await rig.settle();
    };
    await set(60_000);
    await set(10_000);
    await pass(10_010);
    expect(rung()).toBe(1);
    await set(20_000);
    await set(40_000);
    await pass(15_000);
    expect(rung()).toBe(1);
    await pass(20_000);
    expect(rung()).toBe(2);
    await pass(100_000);
    expect(rung()).toBe(2);
  });
});

describe("what lapses on several nodes", () => {
  /** Only what is set may ring: a product that admits, so that the second ring of a node is refused where the first is folded. */
  const admitting: Product = {
    ...alarmProduct,
    topicsOf: () => ["alarm:one"],
    admitsBy: () => ["alarm:one"],
    admit: ({ type, tenant }, states) =>
      type === "alarm.rang" && states.entry(alarms, tenant, "one")?.state.rung !== false
        ? { path: "type", message: "there is nothing to ring" }
        : undefined,
  };

  async function setUpNodes(product: Product) {
    const disk = newMemoryDisk(7);
    const clock = new FakeClock();
    const rigs = await Promise.all(Array.from({ length: 3 }, () => Rig.start({ disk, clock, products: [product] })));
    const set = async (node: number, at: number) => {
      const event = { type: "alarm.set", data: { at: clock.now() + at } };
      await rigs[node]?.engine.publish([event], { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" });
      await Promise.all(rigs.map(({ log }) => log.refresh()));
    };
    const pass = async (ms: number) => {
      clock.advance(ms);
      for (const rig of rigs) await rig.settle();
    };
    return { disk, rigs, set, pass, rung: () => disk.events.filter(({ event }) => event.type === "alarm.rang") };
  }

  it.each([
    ["anything", alarmProduct],
    ["what its state allows", admitting],
  ])("is stored once where each node publishes it, and leaves nothing behind, of a product that takes %s", async (_what, product) => {
    const { rigs, set, pass, rung } = await setUpNodes(product);
    const before = rigs.map(({ engine }) => engine.wheel.size);
    for (const [round, node] of [0, 2, 1].entries()) {
      await set(node, 10_000);
      await pass(10_010);
      expect(rung()).toHaveLength(round + 1);
      for (let second = 0; second < 5; second++) await pass(1000);
      expect(rung()).toHaveLength(round + 1);
    }
    await Promise.all(rigs.map(({ log }) => log.refresh()));
    await pass(5000);
    expect(rigs.flatMap(({ faults }) => faults)).toEqual([]);
    expect(rigs.map(({ engine }) => [engine.wheel.size, engine.meter.refused])).toEqual(before.map((size) => [size, 0]));
    for (const { engine } of rigs) expect(engine.views.entry(alarms, "acme", "one")?.state.rung).toBe(true);
  });
});
