/** Views of several nodes compared while events are stored on all of them: they never differ, and at rest they agree. Repeats from its seed. */
import { expect, it } from "vitest";
import type { ViewsComparison } from "@broadtape/protocol/operations";
import { MemoryHub } from "../../packages/server/src/cluster/memory/memory-cluster.ts";
import { newMeter } from "../../packages/server/src/engine/meter.ts";
import { newMemoryDisk } from "../../packages/server/src/log/memory/memory-disk.ts";
import { OperationsDesk } from "../../packages/server/src/operations/desk.ts";
import { Watch } from "../../packages/server/src/operations/watch.ts";
import { FakeClock } from "../../packages/server/testing/fake-clock.ts";
import { Rig } from "../../packages/server/testing/rig.ts";
import { seeded } from "./world.ts";

const NODES = 3;
const STEPS = 1500;
const SEEDS = Array.from({ length: 8 }, (_, index) => Number(process.env["BROADTAPE_TEST_SEED"] ?? 1) * 1000 + index);

it.each(SEEDS)("views of three nodes agree under load and at rest (seed %i)", async (seed) => {
  const random = seeded(seed);
  const below = (most: number) => Math.floor(random() * most);
  const clock = new FakeClock();
  const disk = newMemoryDisk(7);
  const hub = new MemoryHub({
    monotonic: () => clock.monotonic(),
    after: (ms, run) => clock.after(ms, run),
    delayMs: () => below(20),
  });
  const nodes: { readonly rig: Rig; readonly desk: OperationsDesk }[] = [];
  for (let index = 0; index < NODES; index++) {
    const watch = new Watch({ clock, host: { eventLoop: () => 0, rssBytes: () => 0 }, statusOf: () => 422 });
    const cluster = hub.join({ id: `${index}`, name: `node-${index}` });
    const rig = await Rig.start({ disk, clock, cluster, meter: newMeter(undefined, watch) });
    const memory = () => ({ rssBytes: 0, heapUsedBytes: 0, heapLimitBytes: 0 });
    const desk = new OperationsDesk(rig.engine, watch, { version: "1", retention: { maxAgeMs: 1, maxBytes: 1 }, memory });
    nodes.push({ rig, desk });
  }
  const of = (index: number) => nodes[index] ?? expect.fail("there is no such node");
  const compared: ViewsComparison[] = [];
  const step = async () => {
    clock.advance(1);
    await new Promise(setImmediate);
  };
  let asking: Promise<unknown> | undefined;
  for (let count = 0; count < STEPS; count++) {
    const { rig, desk } = of(below(NODES));
    const events = Array.from({ length: 1 + below(3) }, () => {
      const [type, name, value] = [random() < 0.5 ? "test.feed" : "test.gauge", "abcdefgh"[below(8)], below(100)] as const;
      return { type, data: { name, value } };
    });
    if (random() < 0.3) void rig.engine.publish(events, { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" });
    if (random() < 0.3) void of(below(NODES)).rig.log.refresh();
    asking ??= desk.views().then((comparison) => {
      compared.push(comparison);
      asking = undefined;
    });
    await step();
  }
  const state = { isOver: false };
  const ending = (async () => {
    await asking;
    for (const { rig } of nodes) await rig.log.refresh();
    for (const { rig } of nodes) await rig.settle();
    compared.push(await of(0).desk.views());
    state.isOver = true;
  })();
  for (let count = 0; !state.isOver && count < 20_000; count++) await step();
  await ending;
  const atRest = compared.at(-1);
  expect(atRest).toMatchObject({ agree: true, offset: disk.head });
  expect(atRest?.nodes).toHaveLength(NODES);
  expect(compared.map(({ agree }) => agree)).not.toContain(false);
  const agreed = compared.slice(0, -1).filter(({ agree }) => agree === true);
  expect({ agreed: agreed.length, of: compared.length - 1 }).toSatisfy(({ agreed: some }) => some >= 2);
  expect(nodes.flatMap(({ rig }) => rig.faults)).toEqual([]);
});
