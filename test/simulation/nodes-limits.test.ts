/** A user's connections at several nodes: as many as allowed on all together, and none refused where there is room. Repeats from its seed. */
import { describe, expect, it } from "vitest";
import type { Refusal } from "@broadtape/protocol/errors";
import type { Session } from "../../packages/server/src/engine/session.ts";
import { FakeConnection, testForm, testSurface } from "../../packages/server/testing/connection.ts";
import { identityOf } from "../../packages/server/testing/rig.ts";
import { seeded } from "./world.ts";
import { NODES, World, type WorldNode } from "./nodes/world.ts";

const MOST = 4;
const STEPS = 150;
const SEEDS = Array.from({ length: 20 }, (_, index) => Number(process.env["BROADTAPE_TEST_SEED"] ?? 1) * 1000 + index);
const ann = identityOf("ann");
const surface = testSurface();

/** Seats that may be taken: of connections, of those that enter or left a moment ago, and of nodes that died until the others know. */
class Doors {
  readonly world: World;
  readonly open = new Map<Session, WorldNode>();
  readonly faults: string[] = [];
  let = 0;
  refused = 0;
  #taken = 0;
  /** The most that were taken at once since somebody entered. */
  readonly #entering = new Set<{ most: number }>();

  constructor(world: World) {
    this.world = world;
  }

  async enter(node: WorldNode): Promise<void> {
    const { engine, process } = node;
    if (process.state !== "awake" || !engine.isReady) return;
    this.#take();
    const entering = { most: this.#taken };
    this.#entering.add(entering);
    const id = engine.newId();
    try {
      const seat = await engine.enter(ann, id);
      const peer = { address: "a", userAgent: undefined, correlationId: "c" };
      this.open.set(engine.open(ann, surface, new FakeConnection(testForm(surface)), peer, seat.connectionId), node);
      this.let += 1;
      if (this.open.size > MOST) this.faults.push(`${this.open.size} connections are open`);
    } catch (error) {
      this.refused += 1;
      if ((error as Refusal).code !== "LIMIT_REACHED") this.faults.push(String(error));
      if (entering.most <= MOST) this.faults.push(`refused, though ${entering.most} seats were taken at most`);
      this.#giveBackLater();
    } finally {
      this.#entering.delete(entering);
    }
  }

  leave(share: number): void {
    const session = [...this.open.keys()][Math.floor(share * this.open.size)];
    if (session === undefined) return;
    this.open.delete(session);
    session.lost();
    this.#giveBackLater();
  }

  /** Its connections are gone at once, its seats when the others have given it up. */
  died(node: WorldNode): void {
    for (const [session, at] of this.open)
      if (at === node) {
        this.open.delete(session);
        this.#giveBackLater(10_000);
      }
  }

  #take(): void {
    this.#taken += 1;
    for (const entering of this.#entering) entering.most = Math.max(entering.most, this.#taken);
  }

  #giveBackLater(ms = 10): void {
    this.world.clock.after(ms, () => (this.#taken -= 1));
  }
}

describe("connections of a user at several nodes", () => {
  it.each(SEEDS)("are never more than allowed, and none is refused where there is room (seed %i)", async (seed) => {
    const random = seeded(seed);
    const world = new World(seed, { connectionsPerUser: MOST });
    const doors = new Doors(world);
    await world.pass(600);
    for (let step = 0; step < STEPS; step++) {
      const at = Math.floor(random() * NODES);
      const chance = random();
      if (chance < 0.4) void doors.enter(world.node(at));
      else if (chance < 0.6) doors.leave(random());
      else if (chance < 0.96) await world.pass(5 + random() * 50);
      else if (chance < 0.98) {
        // Whoever is entering there has no answer any more.
        await world.pass(4000);
        doors.died(world.node(at));
        world.die(at);
        await world.pass(6000);
        world.start(at);
        await world.pass(4000);
      } else await world.pass(500);
      await new Promise(setImmediate);
      world.clock.turn();
    }
    await world.pass(4000);
    expect(doors.faults).toEqual([]);
    expect(world.faults).toEqual([]);
    expect(doors.let).toBeGreaterThan(10);
    expect(doors.refused).toBeGreaterThan(0);
  });
});
