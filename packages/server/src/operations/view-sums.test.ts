import { describe, expect, it } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { Rig } from "../../testing/rig.ts";
import type { CheckpointEntry } from "../log/log.ts";
import type { Product, View } from "../engine/product.ts";
import { Views } from "../engine/views.ts";
import { ViewSums } from "./view-sums.ts";

async function setUp() {
  const rig = await Rig.start();
  return { rig, sums: new ViewSums(rig.engine) };
}

describe("checksums of views", () => {
  it("are the same for what was folded in another order, and for what came out of a checkpoint", async () => {
    const [one, other, part] = [await setUp(), await setUp(), await setUp()];
    for (const [name, value] of [
      ["a", 1],
      ["b", 2],
    ] as const)
      await one.rig.publish([["feed", name, value]]);
    const entries = one.rig.engine.views.takeDirty();
    other.rig.engine.views.restore(entries.toReversed());
    part.rig.engine.views.restore(entries.filter(({ entity }) => entity === "a"));
    const of = async ({ sums }: { sums: ViewSums }) => (await sums.at(0, 0)).views["feeds"];
    expect(await of(one)).toEqual({ entities: 2, checksum: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(await of(other)).toEqual(await of(one));
    expect(await of(part)).not.toEqual(await of(one));
  });

  it("are of the moment of the capture, whatever is folded while they are made", async () => {
    const { rig, sums } = await setUp();
    await rig.publish([["feed", "a", 1]]);
    const before = await sums.at(1, 0);
    const waiting = sums.at(2, 1000);
    await rig.publish([
      ["feed", "a", 2],
      ["feed", "a", 3],
    ]);
    const fresh = new ViewSums(rig.engine);
    expect([before.offset, (await waiting).offset]).toEqual([1, 3]);
    expect((await waiting).views).toEqual((await fresh.at(0, 0)).views);
    expect((await waiting).views).not.toEqual(before.views);
  });

  it("are of where the log stands when what was waited for does not come, and refused where too many wait", async () => {
    const { rig, sums } = await setUp();
    const waiting = [1, 2, 3, 4].map(() => sums.at(10, 1000));
    await expect(sums.at(10, 1000)).rejects.toMatchObject({ code: "LIMIT_REACHED" });
    rig.clock.advance(1000);
    expect((await Promise.all(waiting)).map(({ offset }) => offset)).toEqual([0, 0, 0, 0]);
  });
});

it("views that were folded from the log, from a checkpoint on, or watched all the time have the same checksums at one offset", async () => {
  const { rig: watched, sums } = await setUp();
  for (let value = 0; value < 10; value++) {
    await watched.publish([
      ["feed", "a", value],
      ["feed", `only ${value}`, value],
      ["gauge", "g", value / 4],
    ]);
    await sums.at(0, 0);
    if (value === 4) await watched.engine.checkpoints.save(watched.engine.routedTo);
  }
  const { disk } = watched;
  const startOn = async (checkpoint: typeof disk.checkpoint) => {
    const { engine } = await Rig.start({ disk: { ...structuredClone({ ...disk, checkpoint: undefined }), checkpoint } });
    return { savedTo: engine.checkpoints.savedTo, told: await new ViewSums(engine).at(0, 0) };
  };
  const told = await sums.at(0, 0);
  expect(told).toMatchObject({ offset: 30, views: { feeds: { entities: 11 }, gauges: { entities: 1 } } });
  expect(await startOn(disk.checkpoint)).toEqual({ savedTo: 15, told });
  expect(await startOn(undefined)).toEqual({ savedTo: 0, told });

  // One digit of one entity that a node began with.
  const { checkpoint, entries } = disk.checkpoint ?? expect.fail();
  const [[key, entry]] = [...entries] as [[string, CheckpointEntry]];
  const wrong = new Map(entries).set(key, { ...entry, state: entry.state?.replace(/\[0/, "[1") ?? null });
  const differing = await startOn({ checkpoint, entries: wrong });
  expect(entry.state).toContain('"values":[0');
  expect(differing.told.views["gauges"]).toEqual(told.views["gauges"]);
  expect(differing.told.views["feeds"]).toMatchObject({
    entities: 11,
    checksum: expect.not.stringMatching(told.views["feeds"]?.checksum ?? ""),
  });
});

interface Tally {
  readonly values: readonly number[];
}

const tallies: View<Tally> = {
  name: "tallies",
  version: 1,
  entityOf: ({ data }) => (data as { name: string }).name,
  fold: (state, { data }) => {
    const { value } = data as { value: number };
    return value === 0 ? undefined : { values: [...(state?.values ?? []), value] };
  },
};
const product: Product = { name: "tallies", types: {}, views: [tallies], topics: [], topicsOf: () => [] };

/** Views that go on between slices; slices end at every look. */
class Going {
  readonly views = new Views([product]);
  routedTo = 0;
  readonly #clock = new FakeClock();
  #time = 0;
  readonly clock = {
    now: () => this.#clock.now(),
    monotonic: () => (this.#time += 10),
    after: (ms: number, run: () => void) => this.#clock.after(ms, run),
    endOfTurn: (run: () => void) => {
      this.#clock.endOfTurn(run);
    },
  };
  readonly onStored = () => () => undefined;

  fold(name: string, value: number): void {
    this.routedTo += 1;
    this.views.fold(product, {
      type: "told",
      data: { name, value },
      text: "",
      tenant: name.length % 2 === 0 ? "acme" : "zest",
      offset: this.routedTo,
      storedAt: this.routedTo,
      time: "",
    });
  }

  /** What waits for its turn has it, and what follows from that without waiting. */
  async turn(): Promise<void> {
    this.#clock.turn();
    for (let step = 0; step < 5; step++) await Promise.resolve();
  }

  /** Turn after turn until this is told. */
  async told<T>(promise: Promise<T>): Promise<T> {
    const state = { isTold: false };
    const told = () => {
      state.isTold = true;
    };
    promise.then(told, told);
    while (!state.isTold) await this.turn();
    return promise;
  }

  advance(ms: number): void {
    this.#clock.advance(ms);
  }
}

/** The same numbers each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

it.each([1, 2, 3, 4, 5, 6])("views that change, come and go while they are summed are told as they were (seed %i)", async (seed) => {
  const going = new Going();
  const sums = new ViewSums(going);
  const below = numbers(seed);
  const asked: { readonly offset: number; readonly told: ReturnType<ViewSums["at"]>; readonly expected: ReturnType<ViewSums["at"]> }[] = [];
  const history: (readonly [name: string, value: number])[] = [];
  const step = () => {
    const change = [`entity ${below(200)}`, below(4)] as const;
    history.push(change);
    going.fold(...change);
  };
  for (let count = 0; count < 500; count++) step();
  for (let question = 0; question < 12; question++) {
    const told = sums.at(0, 0);
    await going.told(Promise.resolve(asked.at(-3)?.told));
    asked.push({ offset: history.length, told, expected: asOf(history) });
    for (let turn = below(6); turn > 0; turn--) {
      await going.turn();
      for (let count = below(40); count > 0; count--) step();
    }
  }
  for (const { told, expected } of asked) expect(await going.told(told)).toEqual(await expected);
});

/** Of views that were folded anew, and stand still. */
async function asOf(history: readonly (readonly [name: string, value: number])[]) {
  const still = new Going();
  for (const change of history) still.fold(...change);
  return still.told(new ViewSums(still).at(0, 0));
}

it("what changed is remembered for who asks again, for a while and up to a size", async () => {
  const going = new Going();
  const sums = new ViewSums(going);
  const watches = () => going.views.onReplace !== undefined;
  going.fold("a", 1);
  await sums.at(0, 0);
  expect(watches()).toBe(true);
  going.advance(900_000);
  expect(watches()).toBe(false);
  await sums.at(0, 0);
  for (let count = 0; count <= 50_000; count++) going.fold(`entity ${count}`, 1);
  expect(watches()).toBe(false);
  expect((await going.told(sums.at(0, 0))).views["tallies"]?.entities).toBe(50_002);
});
