/** Several engines over one log and one registry that know each other (decision 0008). */
import { describe, expect, it, vi } from "vitest";
import { identityOf } from "../../testing/rig.ts";
import { Nodes } from "../../testing/nodes.ts";
import { FakeConnection, testForm, testSurface } from "../../testing/connection.ts";
import { LogUnavailable } from "../log/log.ts";
import type { KeptConnection } from "../registry/subscriptions.ts";
import { ConnectionBook } from "./connection-book.ts";
import type { Session } from "./session.ts";

const RULES = { window: 10, redeliverMs: 1e9, sends: 1 };
const ann = identityOf("ann", ["feed:a"]);
const KEY = { tenant: "acme", userId: "ann", clientId: "phone" };

const surface = testSurface({
  wordRedelivered: ({ offset }, attempt) => ({ name: "again", body: JSON.stringify({ offset, attempt }) }),
});

/** A client that names itself comes to a node and follows from where it was, as a surface has it. */
async function connect(nodes: Nodes, at: number, ms?: number) {
  const { engine } = nodes.rig(at);
  const { session, client } = nodes.rig(at).open(ann, surface);
  const returned = await nodes.wait(engine.subscribers.returned(session, "phone", RULES), ms);
  if (returned === undefined) return { session, client, changes: [] };
  const { subscriber } = returned;
  const changes: (readonly string[])[] = [];
  subscriber.onChanged = ({ events }) => changes.push(events);
  engine.subscribers.wants(subscriber, { events: ["a"], filters: "{}" });
  const after = returned.isKnown ? engine.cursorAt(returned.after) : undefined;
  engine.follow(session, { topics: ["feed:a"], after, snapshot: false }, 10, () => undefined);
  subscriber.isFollowing = true;
  await nodes.wait(engine.subscribers.keep(subscriber));
  return { session, client, changes };
}

async function publish(nodes: Nodes, values: readonly number[]): Promise<void> {
  for (const value of values) await nodes.rig(0).publish([["feed", "a", value]]);
  await nodes.refresh();
}

function acknowledge(session: Session, offset: number): void {
  if (session.outbox.delivery?.ack(offset) === true) session.acked([offset]);
}

const offsets = (client: FakeConnection, name: string) => client.bodies(name).map((body) => (body as { offset: number }).offset);

describe("connections of a user", () => {
  const LIMITS = { limits: { connectionsPerUser: 5 } };

  /** Opens what is let in. */
  async function enter(nodes: Nodes, count: number): Promise<Session[]> {
    const entering = Array.from({ length: count }, async (_, index) => {
      const { engine } = nodes.rig(index % nodes.rigs.length);
      const seat = await engine.enter(ann, engine.newId());
      const peer = { address: "test", userAgent: undefined, correlationId: "c" };
      return engine.open(ann, surface, new FakeConnection(testForm(surface)), peer, seat.connectionId);
    });
    const entered = await nodes.wait(Promise.allSettled(entering));
    return entered.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  }

  it("are as many as allowed on all nodes together, though they all come at once", async () => {
    const nodes = await Nodes.start(3, LIMITS);
    const open = await enter(nodes, 12);
    expect(open).toHaveLength(5);
    expect(await enter(nodes, 3)).toEqual([]);
    open[0]?.lost();
    open[1]?.lost();
    expect(await enter(nodes, 9)).toHaveLength(2);
  });

  it("that were let in and did not open make room for others, and so do those of a node that is gone", async () => {
    const nodes = await Nodes.start(2, LIMITS);
    const seats = await nodes.wait(Promise.all([1, 2, 3, 4, 5].map(() => nodes.rig(0).engine.enter(ann, nodes.rig(0).engine.newId()))));
    expect(await enter(nodes, 2)).toEqual([]);
    for (const seat of seats) seat.leave();
    expect(await enter(nodes, 6)).toHaveLength(5);
    nodes.setConnected(0, false);
    await nodes.settle(6000);
    const { engine } = nodes.rig(1);
    await expect(nodes.wait(engine.enter(ann, "another"))).resolves.toMatchObject({ connectionId: "another" });
  });

  it("are refused while they enter where the session that they hang on ends", async () => {
    const nodes = await Nodes.start(2);
    const { engine } = nodes.rig(0);
    const entering = engine.enter({ ...ann, sessionId: "cookie" }, "c-1");
    engine.sessions.endCookie("cookie");
    await expect(nodes.wait(entering)).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
    await expect(nodes.wait(engine.enter({ ...ann, sessionId: "cookie" }, "c-2"))).resolves.toMatchObject({ ofUser: 0 });
  });

  it("are let in by what a node knows itself while it is cut off", async () => {
    const nodes = await Nodes.start(2, LIMITS);
    nodes.setConnected(0, false);
    await nodes.settle(6000);
    expect(await enter(nodes, 12)).toHaveLength(10);
  });
});

describe("what a client was told elsewhere and this node cannot know, since the log does not answer", () => {
  async function behind() {
    const nodes = await Nodes.start(2);
    const { session } = await connect(nodes, 0);
    await nodes.rig(0).publish([["feed", "a", 1]]);
    acknowledge(session, 1);
    await nodes.wait(nodes.rig(0).engine.subscribers.flush());
    const { engine, log } = nodes.rig(1);
    const refresh = vi.spyOn(log, "refresh").mockRejectedValue(new LogUnavailable("the database does not answer"));
    await nodes.wait(engine.current() ?? Promise.resolve());
    return { nodes, engine, refresh };
  }

  it("sends it back, instead of telling it an older state and all of that once more", async () => {
    const { nodes, engine, refresh } = await behind();
    const after = nodes.rig(0).engine.cursorAt(1);
    const follow = () => {
      const { session, client } = nodes.rig(1).open(ann, surface);
      const resyncs: unknown[] = [];
      engine.follow(session, { topics: ["feed:a"], after }, 10, ({ resync }) => resyncs.push(resync));
      return { client, resyncs };
    };
    const early = follow();
    expect([early.client.closedWith, early.resyncs]).toEqual(["SHUTTING_DOWN", []]);
    refresh.mockRestore();
    await nodes.wait(engine.current() ?? Promise.resolve());
    const late = follow();
    await nodes.settle(10);
    expect([late.client.closedWith, late.resyncs]).toEqual([undefined, [undefined]]);
  });

  it("lets nobody in by a name whose place that is, and keeps the place", async () => {
    const { nodes, refresh } = await behind();
    await expect(connect(nodes, 1)).rejects.toThrow("the log does not answer");
    refresh.mockRestore();
    await nodes.rig(0).publish([["feed", "a", 2]]);
    await nodes.refresh();
    const { client } = await connect(nodes, 1);
    await nodes.settle(10);
    expect(offsets(client, "event")).toEqual([2]);
  });
});

describe("a client that names itself", () => {
  it("is not taken from a connection that came later by one whose node was slow", async () => {
    const nodes = await Nodes.start(2);
    const { session: old, client: oldClient } = nodes.rig(0).open(ann, surface);
    await nodes.settle(1000);
    const { session, client } = await connect(nodes, 1);
    expect(await nodes.wait(nodes.rig(0).engine.subscribers.returned(old, "phone", RULES))).toBeUndefined();
    expect([oldClient.closedWith, session.isClosed]).toEqual(["REPLACED", false]);
    await publish(nodes, [1]);
    expect(offsets(client, "event")).toEqual([1]);
  });

  it("takes over from its connection at another node, which loses no ack", async () => {
    const nodes = await Nodes.start(2);
    const first = await connect(nodes, 0);
    await publish(nodes, [1, 2, 3]);
    acknowledge(first.session, 2);
    const second = await connect(nodes, 1);
    expect(first.client.closedWith).toBe("REPLACED");
    expect([offsets(first.client, "event"), offsets(second.client, "again")]).toEqual([
      [1, 2, 3],
      [1, 3],
    ]);
    await publish(nodes, [4]);
    expect(offsets(second.client, "event")).toEqual([4]);
    expect(nodes.rigs.flatMap(({ faults }) => faults)).toEqual([]);
  });

  it("changes nodes before its last acks were written, and is told nothing of them again", async () => {
    const nodes = await Nodes.start(2);
    const first = await connect(nodes, 0);
    await publish(nodes, [1, 2]);
    acknowledge(first.session, 1);
    acknowledge(first.session, 2);
    first.session.lost();
    const second = await connect(nodes, 1);
    await publish(nodes, [3]);
    expect([offsets(second.client, "again"), offsets(second.client, "event")]).toEqual([[], [3]]);
  });

  it("goes to and fro between nodes, none of which trusts what it remembers", async () => {
    const nodes = await Nodes.start(3);
    let value = 0;
    for (const at of [0, 1, 0, 2, 2, 1, 0]) {
      const { session, client } = await connect(nodes, at);
      await publish(nodes, [++value, ++value]);
      expect(offsets(client, "event")).toEqual([value - 1, value]);
      acknowledge(session, value - 1);
      acknowledge(session, value);
      if (at === 2) session.lost();
    }
    expect(nodes.rigs.flatMap(({ faults }) => faults)).toEqual([]);
  });

  it("has one connection in the end, though it comes to all nodes at the same time", async () => {
    const nodes = await Nodes.start(3);
    const all = await Promise.all([0, 1, 2].map((at) => connect(nodes, at, 4000)));
    await nodes.settle(3000);
    expect(all.filter(({ session }) => !session.isClosed)).toHaveLength(1);
    expect(all.filter(({ client }) => client.closedWith === "REPLACED")).toHaveLength(2);
  });

  it("is taken from a node that sleeps, whose late words change nothing", async () => {
    const nodes = await Nodes.start(2);
    const first = await connect(nodes, 0);
    await publish(nodes, [1, 2, 3]);
    nodes.setConnected(0, false);
    const second = await connect(nodes, 1, 4000);
    expect(offsets(second.client, "again")).toEqual([1, 2, 3]);
    for (const offset of [1, 2, 3]) acknowledge(second.session, offset);
    await nodes.settle(2000);
    // It has not heard of anything yet, and its client goes on.
    if (!first.session.isClosed) acknowledge(first.session, 1);
    await nodes.settle(2000);
    expect(first.client.closedWith).toBe("REPLACED");
    expect(await nodes.registry.findSubscription(KEY)).toMatchObject({ pending: [], ackedOffset: 3, node: "n-1" });
    expect(second.session.isClosed).toBe(false);
  });

  it("that was idle at a node that slept is closed there when that is awake again", async () => {
    const nodes = await Nodes.start(2);
    const first = await connect(nodes, 0);
    await nodes.settle(2000);
    nodes.setConnected(0, false);
    const second = await connect(nodes, 1, 4000);
    await nodes.settle(2000);
    expect(first.session.isClosed).toBe(false);
    nodes.setConnected(0, true);
    await nodes.settle();
    expect([first.client.closedWith, second.session.isClosed]).toEqual(["REPLACED", false]);
  });

  it("comes from a node that died, without waiting for it once that is known to be gone", async () => {
    const nodes = await Nodes.start(2);
    const first = await connect(nodes, 0);
    await publish(nodes, [1]);
    acknowledge(first.session, 1);
    await nodes.settle(2000);
    nodes.setConnected(0, false);
    await nodes.settle(6000);
    const second = await connect(nodes, 1, 10);
    expect([second.session.isClosed, offsets(second.client, "again")]).toEqual([false, []]);
  });
});

describe("a subscription that is changed over REST", () => {
  const WANTS = { events: ["b"], filters: '{"minAmount":1.50}' };

  it("is changed where the client is, which is told, whatever node was asked", async () => {
    const nodes = await Nodes.start(3);
    const { session, changes } = await connect(nodes, 0);
    const { subscribers } = nodes.rig(1).engine;
    expect(await nodes.wait(subscribers.change(KEY, WANTS))).toMatchObject({ ...KEY, ...WANTS });
    expect(changes).toEqual([["b"]]);
    // Answered means written.
    expect(await nodes.rig(2).engine.subscribers.list("acme", "ann")).toMatchObject([WANTS]);
    const [row] = await subscribers.list("acme", "ann");
    expect(await nodes.wait(subscribers.remove("acme", "ann", row?.id ?? ""))).toBe(true);
    expect(changes).toEqual([["b"], []]);
    expect(await nodes.rig(2).engine.subscribers.list("acme", "ann")).toEqual([]);
    expect(await nodes.wait(subscribers.remove("acme", "ann", row?.id ?? ""))).toBe(false);
    expect(session.isClosed).toBe(false);
  });

  it("is changed in the registry where no node has the client, which finds it so", async () => {
    const nodes = await Nodes.start(2);
    await nodes.wait(nodes.rig(1).engine.subscribers.change(KEY, WANTS));
    expect(await nodes.registry.findSubscription(KEY)).toMatchObject({ ...WANTS, node: undefined });
    const { session } = nodes.rig(0).open(ann, surface);
    const returned = await nodes.wait(nodes.rig(0).engine.subscribers.returned(session, "phone", RULES));
    expect([returned?.isKnown, returned?.subscriber.wants]).toEqual([true, WANTS]);
  });

  it("is refused for now where its node does not answer, and done elsewhere when that is gone, which has no say in it any more", async () => {
    const nodes = await Nodes.start(2);
    const { client } = await connect(nodes, 0);
    const { subscribers } = nodes.rig(1).engine;
    nodes.setConnected(0, false);
    await expect(nodes.wait(subscribers.change(KEY, WANTS), 3000)).rejects.toMatchObject({ name: "RegistryUnavailable" });
    await nodes.settle(5000);
    const { id } = await nodes.wait(subscribers.change(KEY, WANTS));
    await publish(nodes, [1]);
    await nodes.settle(2000);
    expect(client.closedWith).toBe("REPLACED");
    expect(await nodes.registry.findSubscription(KEY)).toMatchObject({ ...WANTS, id });
  });

  it("stays deleted, though the node that had the client slept meanwhile", async () => {
    const nodes = await Nodes.start(2);
    const { session } = await connect(nodes, 0);
    nodes.setConnected(0, false);
    await nodes.settle(6000);
    const { subscribers } = nodes.rig(1).engine;
    const [row] = await subscribers.list("acme", "ann");
    expect(await nodes.wait(subscribers.remove("acme", "ann", row?.id ?? ""))).toBe(true);
    await publish(nodes, [1, 2]);
    acknowledge(session, 1);
    await nodes.settle(2000);
    expect(await subscribers.list("acme", "ann")).toEqual([]);
    expect(session.isClosed).toBe(true);
  });
});

describe("rows of connections", () => {
  async function setUp() {
    const nodes = await Nodes.start(2);
    const rows = new Map<string, KeptConnection>();
    const { registry } = nodes;
    const store = {
      saveConnections: async (connections: readonly KeptConnection[]) => {
        for (const row of connections) rows.set(row.connectionId, row);
        await registry.saveConnections(connections);
      },
      closeOpenConnections: registry.closeOpenConnections.bind(registry),
      sweepConnections: registry.sweepConnections.bind(registry),
    };
    for (const { engine } of nodes.rigs) new ConnectionBook(engine, store, { keptMs: 1e9, waiting: 100 });
    await nodes.settle(2000);
    const sessions = nodes.rigs.map((rig) => rig.open(ann, surface).session);
    await nodes.settle(2000);
    return { nodes, rows, sessions, open: () => registry.closeOpenConnections(0) };
  }

  it("name their node, and are closed by another one when that is gone", async () => {
    const { nodes, rows, open } = await setUp();
    expect([...rows.values()].map(({ node }) => node).sort()).toEqual(["n-0", "n-1"]);
    nodes.setConnected(0, false);
    await nodes.settle(4000);
    await nodes.settle(4000);
    // Of two that were open, one is.
    expect(await open()).toBe(1);
  });

  it("of a node that slept are open again when it is awake", async () => {
    const { nodes, open } = await setUp();
    nodes.clock.stall(8000);
    expect(await open()).toBe(2);
    await nodes.settle(2000);
    expect(await open()).toBe(2);
  });
});
