/**
 * Several nodes over one log, and RFQs whose lifecycle is driven at all of them at once: whatever the publishers try, the log makes
 * sense from its beginning. Repeats from its seed.
 */
import { describe, expect, it } from "vitest";
import { admitAll } from "../../packages/server/src/engine/admission.ts";
import { domainEvent } from "../../packages/server/src/engine/history.ts";
import { BadEvents, check } from "../../packages/server/src/engine/validate.ts";
import { Views } from "../../packages/server/src/engine/views.ts";
import { LogUnavailable } from "../../packages/server/src/log/log.ts";
import { type MemoryDisk, newMemoryDisk } from "../../packages/server/src/log/memory/memory-disk.ts";
import { rfqProduct } from "../../packages/server/src/products/rfq/declaration.ts";
import { strategiesProduct } from "../../packages/server/src/products/strategies/declaration.ts";
import { FakeClock } from "../../packages/server/testing/fake-clock.ts";
import { Rig } from "../../packages/server/testing/rig.ts";
import { BadWire } from "./bad-wire.ts";
import { seeded } from "./world.ts";

const NODES = 3;
const STEPS = 400;
const SEEDS = Array.from({ length: 25 }, (_, index) => Number(process.env["BROADTAPE_TEST_SEED"] ?? 1) * 1000 + index);
const products = [rfqProduct, strategiesProduct];

const STAGES: readonly (readonly [type: string, data: object])[] = [
  ["rfq.created", { traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: 1, expiresAt: 1e13 }],
  ["rfq.validated", {}],
  ["rfq.distributed", { lpCount: 1 }],
  ["rfq.quoted", {}],
  ["quote.received", { quoteId: "q", lpId: "lp", status: "active" }],
  ["quote.expired", { quoteId: "q", lpId: "lp" }],
  ["rfq.filled", { tradeId: "t", price: "1", quantity: "1" }],
  ["rfq.cancelled", { reason: "x" }],
];

interface World {
  readonly random: () => number;
  readonly disk: MemoryDisk;
  readonly clock: FakeClock;
  readonly wire: BadWire;
  readonly queues: readonly (() => void)[][];
  readonly nodes: readonly Rig[];
}

async function newWorld(seed: number, isWired: boolean): Promise<World> {
  const random = seeded(seed);
  const [disk, clock, wire] = [newMemoryDisk(7), new FakeClock(), new BadWire(random)];
  const queues: (() => void)[][] = Array.from({ length: NODES }, () => []);
  const nodes = queues.map((queue, node) => {
    const end = isWired ? { wire: wire.endOf(node) } : {};
    return new Rig({ disk, clock, products, defer: (step) => queue.push(step), ...end });
  });
  const world = { random, disk, clock, wire, queues, nodes };
  await allOf(
    world,
    nodes.map(({ engine }) => engine.start()),
  );
  return world;
}

/** Lets the world run until all of it has settled. */
async function allOf<T>({ queues, clock, nodes }: World, promises: readonly Promise<T>[]): Promise<PromiseSettledResult<T>[]> {
  let left = promises.length;
  const all = Promise.allSettled(promises.map((each) => each.finally(() => (left -= 1))));
  for (let round = 0; left > 0; round++) {
    if (round > 5000) throw new Error(`stuck: ${nodes.map(({ engine }) => engine.routedTo).join()}`);
    for (const queue of queues) for (const run of queue.splice(0)) run();
    clock.advance(10);
    await new Promise(setImmediate);
  }
  return all;
}

/** A batch that may or may not be: of one RFQ, of two, of an RFQ and a strategy; with ids, some of which were used before. */
function newBatch(random: () => number): object[] {
  const oneOf = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const id = () => (random() < 0.5 ? { id: `id-${Math.floor(random() * 60)}` } : {});
  const one = () => {
    const entity = `e${Math.floor(random() * 6)}`;
    if (random() < 0.2) {
      const type = oneOf(["strategy.registered", "strategy.status"]);
      return { type, data: { strategyId: entity, userId: oneOf(["ann", "ben"]), name: "n", status: "s" }, ...id() };
    }
    const [type, data] = oneOf(STAGES);
    return { type, data: { rfqId: entity, ...data }, ...id() };
  };
  return Array.from({ length: random() < 0.6 ? 1 : 2 + Math.floor(random() * 2) }, one);
}

/** Folds the log from its beginning, and admits each event on what came before it: those that contradict it. */
function contradictionsOf({ disk, nodes }: World) {
  const views = new Views(products);
  const [node] = nodes;
  if (node === undefined) throw new Error("no node");
  const host = { products, limits: { batchEvents: 100 }, isFull: () => false, now: () => node.clock.now(), newId: () => "x" };
  const publisher = { userId: "p", tenant: "acme", anyTenant: false, correlationId: "c" };
  const faults: unknown[] = [];
  for (const { event } of disk.events) {
    const checked = check(host, [{ type: event.type, data: JSON.parse(event.data) as unknown }], publisher);
    for (const { message } of admitAll({ ...host, views }, checked).faults)
      faults.push({ offset: event.offset, type: event.type, message });
    const product = products.find(({ types }) => Object.hasOwn(types, event.type));
    if (product !== undefined) views.fold(product, domainEvent(event));
  }
  return { faults, views };
}

describe.each([
  ["found in the log", false],
  ["carried by a wire that loses, doubles and reorders", true],
])("RFQs at several nodes, what others stored %s,", (_how, isWired) => {
  it.each(SEEDS)("never contradict in the log what it says before (seed %i)", async (seed) => {
    const world = await newWorld(seed, isWired);
    const { random, clock, wire, queues, nodes, disk } = world;
    /** Why each batch was refused that was. */
    const reasons: unknown[] = [];
    const publishing: Promise<unknown>[] = [];
    for (let step = 0; step < STEPS; step++) {
      const at = Math.floor(random() * NODES);
      const [node, queue] = [nodes[at], queues[at] ?? []];
      const chance = random();
      if (chance < 0.4) {
        const batch = newBatch(random);
        const publisher = { userId: "p", tenant: "acme", anyTenant: false, correlationId: "c" };
        if (node !== undefined) publishing.push(node.engine.publish(batch, publisher).catch((reason: unknown) => reasons.push(reason)));
      } else if (chance < 0.85) for (let steps = Math.floor(random() * 6); steps >= 0; steps--) queue.shift()?.();
      else if (chance < 0.95) wire.carry();
      else clock.advance(Math.floor(random() * 30));
      if (random() < 0.5) await new Promise(setImmediate);
      clock.turn();
    }
    await allOf(world, publishing);
    await allOf(
      world,
      nodes.map(async ({ log, engine }) => {
        await log.refresh();
        while (engine.routedTo < disk.head) await new Promise(setImmediate);
      }),
    );
    const { faults, views } = contradictionsOf(world);
    expect(faults).toEqual([]);
    const statesOf = (each: Views) => each.takeDirty().sort((a, b) => `${a.view}/${a.entity}`.localeCompare(`${b.view}/${b.entity}`));
    const expected = statesOf(views);
    for (const { engine } of nodes) expect(statesOf(engine.views)).toEqual(expected);
    expect(nodes.flatMap((node) => node.faults)).toEqual([]);
    for (const reason of reasons) if (!(reason instanceof BadEvents || reason instanceof LogUnavailable)) throw reason;
    expect(disk.head).toBeGreaterThan(10);
    expect(reasons.length).toBeGreaterThan(10);
  });
});
