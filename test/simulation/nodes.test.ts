/** Several nodes over one log: publishes anywhere, commits and reads that take their time, clients that change nodes. Repeats from its seed. */
import { describe, expect, it } from "vitest";
import type { Identity } from "@broadtape/protocol/identity";
import { newMemoryDisk } from "../../packages/server/src/log/memory/memory-disk.ts";
import type { Session } from "../../packages/server/src/engine/session.ts";
import { testSurface } from "../../packages/server/testing/connection.ts";
import { FakeClock } from "../../packages/server/testing/fake-clock.ts";
import { Rig, identityOf } from "../../packages/server/testing/rig.ts";
import { BadWire } from "./bad-wire.ts";
import { seeded } from "./world.ts";

const NODES = 3;
const FEEDS = ["a", "b"];
const STEPS = 300;
const SEEDS = Array.from({ length: 20 }, (_, index) => Number(process.env["BROADTAPE_TEST_SEED"] ?? 1) * 1000 + index);

const surface = testSurface({ word: ({ eventId, data }) => ({ name: "event", body: JSON.stringify({ eventId, data }), id: eventId }) });

/** A client that follows both feeds, on one node after the other. */
class Reader {
  readonly told: string[] = [];
  readonly #identity: Identity = identityOf("reader", ["feed:a", "feed:b"]);
  #session: Session | undefined;
  #takeTold: () => void = () => undefined;
  /** Where it goes on, once it was ever there. */
  #cursor: string | undefined;

  /** Leaves where it was, as a cut does, and goes on at this node. */
  attend(node: Rig): void {
    this.#takeTold();
    this.#session?.lost();
    const { session, client } = node.open(this.#identity, surface);
    let seen = 0;
    this.#session = session;
    this.#takeTold = () => {
      const all = client.bodies("event") as { readonly eventId: string }[];
      for (const { eventId } of all.slice(seen)) this.told.push((this.#cursor = eventId));
      seen = all.length;
    };
    const topics = FEEDS.map((feed) => `feed:${feed}`);
    node.engine.follow(session, { topics, after: this.#cursor, snapshot: false }, 100, ({ cut, resync }) => {
      // A node that has not heard of the cursor's event yet cannot go on from there: the client comes back.
      if (resync !== undefined) throw new Error(`resync: ${resync.reason}`);
      this.#cursor ??= cut;
    });
  }

  finish(): void {
    this.#takeTold();
  }

  get cursor(): string | undefined {
    this.#takeTold();
    return this.#cursor;
  }
}

describe.each([
  ["found in the log", false],
  ["carried by a wire that loses, doubles and reorders", true],
])("several nodes over one log, what others stored %s,", (_how, isWired) => {
  it.each(SEEDS)(
    "hold the same views, and tell every reader every event once and in order, whichever node it is on (seed %i)",
    async (seed) => {
      const random = seeded(seed);
      const oneOf = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
      const disk = newMemoryDisk(7);
      const clock = new FakeClock();
      const queues: (() => void)[][] = Array.from({ length: NODES }, () => []);
      const nodes: Rig[] = [];
      const wire = new BadWire(random);
      for (const [node, queue] of queues.entries()) {
        const before = nodes.length;
        void Rig.start({ disk, clock, defer: (step) => queue.push(step), ...(isWired && { wire: wire.endOf(node) }) }).then((rig) =>
          nodes.push(rig),
        );
        while (nodes.length === before) {
          queue.shift()?.();
          await new Promise(setImmediate);
        }
      }
      const readers = [new Reader(), new Reader(), new Reader()];
      for (const [index, reader] of readers.entries()) reader.attend(nodes[index] as Rig);
      const publishing: Promise<unknown>[] = [];
      const publish = (node: Rig) => {
        const feed = oneOf(FEEDS);
        const events = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, value) => ({
          type: "test.feed",
          data: { name: feed, value },
        }));
        publishing.push(node.engine.publish(events, { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" }));
      };
      for (let step = 0; step < STEPS; step++) {
        const at = Math.floor(random() * NODES);
        const [node, queue] = [nodes[at] as Rig, queues[at] ?? []];
        const chance = random();
        if (chance < 0.25) publish(node);
        else if (chance < 0.7) for (let steps = Math.floor(random() * 4); steps >= 0; steps--) queue.shift()?.();
        else if (chance < 0.8) wire.carry();
        else if (chance < 0.85) void node.log.refresh();
        else if (chance < 0.95) clock.advance(Math.floor(random() * 30));
        else {
          const reader = oneOf(readers);
          const { cursor } = reader;
          if (cursor === undefined || "offset" in node.engine.resumeAt(cursor)) reader.attend(node);
        }
        if (random() < 0.5) await new Promise(setImmediate);
        clock.turn();
      }
      const isDone = (): boolean =>
        nodes.every(({ engine }) => engine.routedTo === disk.head) && queues.every(({ length }) => length === 0);
      for (let round = 0; round < 200 || !isDone(); round++) {
        if (round > 2000) throw new Error(`stuck: ${nodes.map(({ engine }) => engine.routedTo).join()} of ${disk.head}`);
        for (const node of nodes) void node.log.refresh();
        for (const queue of queues) for (const run of queue.splice(0)) run();
        clock.advance(10);
        await new Promise(setImmediate);
      }
      await Promise.all(publishing);
      for (const reader of readers) reader.finish();
      const ids = disk.events.map(({ event: { offset, storedAt } }) => nodes[0]?.engine.eventIdOf(offset, storedAt));
      for (const { told } of readers) expect(told).toEqual(ids);
      const standing = nodes.map(({ engine }) => engine.views.takeDirty().sort((a, b) => a.entity.localeCompare(b.entity)));
      for (const each of standing) expect(each).toEqual(standing[0]);
      expect(nodes.flatMap(({ faults }) => faults)).toEqual([]);
      expect(ids.length).toBeGreaterThan(50);
    },
  );
});
