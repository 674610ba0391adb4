/** What every wire must do: each adapter's tests run these (wire.ts has the sentences that they check). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../../../test/contract/server.ts";
import { newBatches, Node, Reader, SharedTape, type WirePlace } from "./contract-place.ts";
import type { WireOptions } from "./wire.ts";

export function wireContract(newPlace: () => Promise<WirePlace>): void {
  let place: WirePlace;
  const nodes: Node[] = [];

  beforeAll(async () => {
    place = await newPlace();
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(({ wire }) => wire.close()));
  });
  afterAll(async () => {
    await place.remove();
  });

  const newNode = (options: Partial<WireOptions> = {}) => {
    const node = new Node(place, options);
    nodes.push(node);
    return node;
  };
  const connected = async (...waiting: readonly Node[]) => {
    await until(
      () => waiting.every(({ wire }) => wire.status === "connected"),
      () => waiting.map(({ wire, statuses }) => [wire.status, statuses]),
    );
  };
  const away = async (...waiting: readonly Node[]) => {
    await until(() => waiting.every(({ wire }) => wire.status === "connecting"));
  };
  /** Batches heard and wakes: grows with everything that a node is told. */
  const toldOf = ({ wakes, batches }: Node) => wakes + batches.length;

  describe("telling", () => {
    it("tells every other node of a commit, and not the one that announced it", async () => {
      const [ann, ben, cleo] = [newNode(), newNode(), newNode()];
      await connected(ann, ben, cleo);
      const tape = new SharedTape();
      const readers = [ben, cleo].map(({ wire }) => new Reader(wire, tape));
      ann.wire.announce(tape.append(3));
      await until(() => readers.every(({ read }) => read.length === 3));
      expect(ann.batches).toEqual([]);
      await until(() => ann.wire.meter.announced === 1);
      const alone = ann.wakes;
      ben.wire.announce(tape.append(1));
      await until(() => toldOf(ann) > alone);
      expect(readers[1]?.read.length).toBeGreaterThanOrEqual(3);
    });

    it("tells nothing of another log, nor of another partition", async () => {
      const others = [newNode({ log: "another" }), newNode({ partition: "another" })];
      await connected(...others);
      const [ann, ben] = [newNode(), newNode()];
      await connected(ann, ben);
      ann.wire.announce(newBatches(1, [2]));
      const told = toldOf(ben);
      await until(() => toldOf(ben) > told);
      // Each was woken when it was connected; the second one's connection tells the first of nothing either.
      expect(others.map(toldOf)).toEqual([1, 1]);
    });

    it("loses nothing of thousands of commits of several nodes in one turn", async () => {
      const writers = [newNode(), newNode(), newNode()];
      await connected(...writers);
      const tape = new SharedTape();
      const readers = writers.map(({ wire }) => new Reader(wire, tape));
      for (let commit = 0; commit < 3000; commit++) writers[commit % 3]?.wire.announce(tape.append(1 + (commit % 4)));
      // A writer knows its own from the log itself.
      writers[0]?.wire.announce(tape.append(1));
      writers[1]?.wire.announce(tape.append(1));
      await until(() => readers.every(({ read }) => read.length >= tape.events.length - 1));
      for (const { read } of readers) expect(read).toEqual(tape.events.slice(0, read.length));
    });

    it("tells nobody who does not listen any more", async () => {
      const [ann, ben] = [newNode(), newNode()];
      await connected(ann, ben);
      let heard = 0;
      const stops = [ben.wire.onWake(() => (heard += 1)), ben.wire.onBatch(() => (heard += 1))];
      for (const stop of stops) stop();
      const told = toldOf(ben);
      ann.wire.announce(newBatches(1, [1]));
      await until(() => toldOf(ben) > told);
      expect(heard).toBe(0);
    });
  });

  describe("a server that is away", () => {
    it("is waited for from the start, without a word to anybody but the operator", async () => {
      await place.goAway();
      const node = newNode();
      await away(node);
      await until(() => node.statuses.length > 0);
      node.wire.announce(newBatches(1, [1]));
      expect(node.wire.meter.unsent).toBe(1);
      expect(node.wakes).toBe(0);
      await place.comeBack();
      await until(() => node.wakes > 0);
      expect(node.statuses.map(([status]) => status)).toEqual(["connecting", "connected"]);
      expect(node.statuses[0]?.[1]).toEqual(expect.any(String));
      expect(node.wire.meter.reconnects).toBe(0);
    });

    it("costs no node an event, though it goes away and comes back in the middle of what all nodes announce", async () => {
      const writers = [newNode(), newNode(), newNode()];
      await connected(...writers);
      const tape = new SharedTape();
      const readers = writers.map(({ wire }) => new Reader(wire, tape));
      const publishing = setInterval(() => {
        for (const { wire } of writers) wire.announce(tape.append(2));
      }, 1);
      for (let outage = 0; outage < 2; outage++) {
        const before = tape.events.length;
        await until(() => tape.events.length > before + 100);
        await place.goAway();
        await away(...writers);
        await until(() => writers.every(({ wire }) => wire.meter.unsent > 0));
        await place.comeBack();
        await connected(...writers);
      }
      clearInterval(publishing);
      // Each hears of the others' last.
      for (const { wire } of writers) wire.announce(tape.append(1));
      await until(
        () => readers.every(({ read }) => read.length >= tape.events.length - 1),
        () => [tape.events.length, readers.map(({ read }) => read.length)],
      );
      for (const { read } of readers) expect(read).toEqual(tape.events.slice(0, read.length));
      for (const { wire, statuses } of writers) {
        expect(wire.meter.reconnects).toBe(2);
        const told = statuses.map(([status]) => status);
        expect(told).toEqual(["connected", "connecting", "connected", "connecting", "connected"]);
      }
    });
  });

  describe("closing", () => {
    it("ends all hearing and telling, and says so once", async () => {
      const [ann, ben, cleo] = [newNode(), newNode(), newNode()];
      await connected(ann, ben, cleo);
      await Promise.all([ben.wire.close(), ben.wire.close()]);
      await ben.wire.close();
      expect(ben.wire.status).toBe("closed");
      expect(ben.statuses.map(([status]) => status)).toEqual(["connected", "closed"]);
      const [told, heard] = [toldOf(ben), toldOf(cleo)];
      ann.wire.announce(newBatches(1, [1]));
      ben.wire.announce(newBatches(2, [1]));
      await until(() => toldOf(cleo) > heard);
      expect(toldOf(ben)).toBe(told);
      expect(ben.wire.meter.announced).toBe(0);
    });

    it("does not wait for a server that is away", async () => {
      const node = newNode();
      await connected(node);
      await place.goAway();
      await away(node);
      const fresh = newNode();
      await Promise.all([node.wire.close(), fresh.wire.close()]);
      expect(fresh.wire.status).toBe("closed");
      await place.comeBack();
    });
  });
}
