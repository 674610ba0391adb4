import { describe, expect, it } from "vitest";
import { FakeConnection, testForm, testSurface } from "../../testing/connection.ts";
import { Rig, identityOf } from "../../testing/rig.ts";
import type { KeptConnection } from "../registry/subscriptions.ts";
import { ConnectionBook, type ConnectionStore, STALE_MS } from "./connection-book.ts";

/** A registry that can be away, or slow. */
class Shelf implements ConnectionStore {
  readonly rows = new Map<string, KeptConnection>();
  readonly writes: number[] = [];
  readonly calls: string[] = [];
  isAway = false;
  /** A write waits for it. */
  gate: Promise<void> | undefined;

  async saveConnections(connections: readonly KeptConnection[]): Promise<void> {
    this.calls.push("save");
    await this.gate;
    if (this.isAway) throw new Error("away");
    this.writes.push(connections.length);
    for (const connection of connections) this.rows.set(connection.connectionId, connection);
  }

  async closeOpenConnections(now: number): Promise<number> {
    this.calls.push(`close ${now}`);
    if (this.isAway) throw new Error("away");
    return Promise.resolve(0);
  }

  async sweepConnections(before: number): Promise<number> {
    this.calls.push(`sweep ${before}`);
    return Promise.resolve(0);
  }

  statuses(): string[] {
    return [...this.rows.values()].map(({ status }) => status);
  }
}

async function setUp({ waiting = 1000, shelf = new Shelf() } = {}) {
  const rig = await Rig.start();
  const book = new ConnectionBook(rig.engine, shelf, { keptMs: 1_000_000, waiting });
  /** Second by second, so that writes come back in between. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1000) {
      rig.clock.advance(Math.min(1000, left));
      await new Promise(setImmediate);
    }
    await rig.settle();
  };
  return { rig, shelf, book, pass };
}

describe("the book of connections", () => {
  it("says who was connected, from when to when, and by what", async () => {
    const { rig, shelf, pass } = await setUp();
    const since = rig.clock.now();
    const { session } = rig.open(identityOf("ann"));
    await pass(1010);
    const row = {
      id: expect.any(String),
      tenant: "acme",
      userId: "ann",
      connectionId: session.id,
      clientId: undefined,
      socketId: undefined,
      surface: "test",
      connectedAt: since,
      lastActivity: since,
      ipAddress: "test",
      userAgent: undefined,
    };
    expect([...shelf.rows.values()]).toEqual([{ ...row, disconnectedAt: undefined, status: "CONNECTED" }]);
    const id = shelf.rows.get(session.id)?.id;
    session.lost();
    await pass(1010);
    const ended = { disconnectedAt: expect.toSatisfy((at: number) => at >= since + 1000 && at < since + 1020), status: "DISCONNECTED" };
    expect([...shelf.rows.values()]).toEqual([{ ...row, id, ...ended }]);
  });

  it("ends what an earlier life of the process left open, before anything else and once", async () => {
    const { rig, shelf, pass } = await setUp();
    const start = rig.clock.now();
    rig.open(identityOf("ann"));
    await pass(2500);
    expect(shelf.calls).toEqual([`close ${start}`, "save"]);
  });

  it("writes a connection that came and went in between once, and nothing when nothing happened", async () => {
    const { rig, shelf, pass } = await setUp();
    rig.open(identityOf("ann")).session.lost();
    await pass(30_000);
    expect([shelf.statuses(), shelf.writes]).toEqual([["DISCONNECTED"], [1]]);
  });

  it("follows the last sign of life by the minute", async () => {
    const { rig, shelf, pass } = await setUp();
    const { session } = rig.open(identityOf("ann"));
    await pass(50_000);
    session.heard();
    const heardAt = rig.clock.now();
    await pass(12_000);
    expect(shelf.rows.get(session.id)?.lastActivity).toBe(heardAt);
    await pass(60_000);
    expect(shelf.writes).toEqual([1, 1]);
  });

  it("calls a connection stale that nothing was heard of for five minutes, until something is", async () => {
    const { rig, shelf, pass } = await setUp();
    const { session } = rig.open(identityOf("ann"));
    await pass(STALE_MS - 61_000);
    expect(shelf.statuses()).toEqual(["CONNECTED"]);
    await pass(122_000);
    expect(shelf.statuses()).toEqual(["STALE"]);
    session.heard();
    await pass(62_000);
    expect(shelf.statuses()).toEqual(["CONNECTED"]);
  });

  it("takes it for a sign of life when a client that only listens takes what it is sent", async () => {
    const { rig, shelf, pass } = await setUp();
    const surface = testSurface({ heartbeatMs: 30_000 });
    const client = Object.assign(new FakeConnection(testForm(surface)), { isOneWay: true as const });
    rig.engine.open(identityOf("ann"), surface, client, { address: "test", userAgent: undefined, correlationId: "c" });
    await pass(STALE_MS * 2);
    expect(shelf.statuses()).toEqual(["CONNECTED"]);
  });

  it("loses nothing to a registry that is away, and tells of that once", async () => {
    const { rig, shelf, book, pass } = await setUp();
    shelf.isAway = true;
    const first = rig.open(identityOf("ann")).session;
    await pass(10_000);
    first.lost();
    rig.open(identityOf("bob"));
    await pass(10_000);
    expect([rig.faults.length, shelf.rows.size, book.waiting]).toEqual([1, 0, 2]);
    shelf.isAway = false;
    await pass(1010);
    expect([shelf.statuses(), book.waiting]).toEqual([["DISCONNECTED", "CONNECTED"], 0]);
    shelf.isAway = true;
    rig.open(identityOf("cyd"));
    await pass(5000);
    expect(rig.faults).toHaveLength(2);
  });

  it("holds nobody up while the registry takes five seconds, and writes what happened meanwhile after", async () => {
    const { rig, shelf, pass } = await setUp();
    let open: () => void = () => undefined;
    shelf.gate = new Promise((resolve) => (open = resolve));
    const { session, client } = rig.open(identityOf("ann", ["feed:a"]));
    await pass(1010);
    await rig.follow(session, { topics: ["feed:a"] });
    await rig.publish([["feed", "a", 1]]);
    expect(client.bodies("event")).toHaveLength(1);
    session.lost();
    await pass(5000);
    expect(shelf.calls.filter((call) => call === "save")).toHaveLength(1);
    open();
    await pass(1010);
    expect([shelf.statuses(), shelf.writes]).toEqual([["DISCONNECTED"], [1, 1]]);
  });

  it("keeps no more for a registry that is away than its bound, and gives up the oldest", async () => {
    const { rig, shelf, book, pass } = await setUp({ waiting: 10 });
    shelf.isAway = true;
    const sessions = Array.from({ length: 15 }, (_, index) => rig.open(identityOf(`user-${index}`)).session);
    expect([book.waiting, book.lost]).toEqual([10, 5]);
    shelf.isAway = false;
    // Those that are still open come back with their next sign of life.
    for (const session of sessions) session.heard();
    await pass(120_000);
    expect(shelf.rows.size).toBe(15);
  });

  it("writes in bounded batches", async () => {
    const { rig, shelf, pass } = await setUp({ waiting: 5000 });
    for (let index = 0; index < 1200; index++) rig.open(identityOf(`user-${index}`));
    await pass(1010);
    expect(shelf.writes).toEqual([500, 500, 200]);
  });

  it("is written to its end when the server stops", async () => {
    const { rig, shelf, book } = await setUp();
    rig.open(identityOf("ann"));
    await rig.engine.stop();
    await book.flush();
    expect(shelf.statuses()).toEqual(["DISCONNECTED"]);
  });

  it("forgets by the hour what ended long ago", async () => {
    const { rig, shelf, pass } = await setUp();
    const start = rig.clock.now();
    await pass(3_600_010);
    expect(shelf.calls.filter((call) => call.startsWith("sweep"))).toEqual([
      expect.stringMatching(new RegExp(`^sweep ${String(start + 3_600_000 - 1_000_000).slice(0, -2)}`)),
    ]);
  });
});
