import { expect, it } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { Rig, identityOf } from "../../testing/rig.ts";
import { MemoryHub } from "../cluster/memory/memory-cluster.ts";
import { newMeter } from "../engine/meter.ts";
import { newMemoryDisk } from "../log/memory/memory-disk.ts";
import { NodeUnavailable } from "./asking.ts";
import { OperationsDesk } from "./desk.ts";
import { SAMPLE_MS } from "./history.ts";
import { Watch } from "./watch.ts";

const NAMES = ["north", "south", "west"];
const OPERATOR = { tenant: "acme", userId: null };

async function setUp() {
  const clock = new FakeClock();
  const disk = newMemoryDisk(7);
  const hub = new MemoryHub({ monotonic: () => clock.monotonic(), after: (ms, run) => clock.after(ms, run), leaseMs: 5000 });
  /** Lets time pass until it is answered. */
  const answered = async <T>(promise: Promise<T>): Promise<T> => {
    const state = { isOpen: true };
    const ended = promise.finally(() => (state.isOpen = false));
    ended.catch(() => undefined);
    for (let step = 0; state.isOpen && step < 20_000; step++) {
      await new Promise(setImmediate);
      clock.advance(1);
    }
    return ended;
  };
  const start = async (name: string, id = name) => {
    const cluster = hub.join({ id, name });
    const watch = new Watch({ clock, host: { eventLoop: () => 0.5, rssBytes: () => 1000 }, statusOf: () => 422 });
    const meter = newMeter(
      (seconds) => {
        watch.publishToWrite(seconds);
      },
      watch,
      (seconds) => {
        watch.storedToWrite(seconds);
      },
    );
    const rig = await answered(Rig.start({ clock, disk, cluster, meter }));
    watch.observe(rig.engine);
    const desk = new OperationsDesk(rig.engine, watch, {
      version: "1",
      retention: { maxAgeMs: 1, maxBytes: Infinity },
      memory: () => ({ rssBytes: 10, heapUsedBytes: 5, heapLimitBytes: 20 }),
    });
    return { name, cluster, watch, rig, desk };
  };
  const nodes: Awaited<ReturnType<typeof start>>[] = [];
  for (const name of NAMES) nodes.push(await start(name));
  await answered(Promise.resolve());
  clock.advance(10);
  const [north, south, west] = nodes;
  if (north === undefined || south === undefined || west === undefined) throw new Error("three nodes");
  /** Each knows what any of them stored. */
  const caughtUp = async () => {
    for (const { rig } of nodes) await answered(rig.log.refresh());
    for (const { rig } of nodes) await rig.settle();
    clock.turn();
  };
  return { clock, disk, hub, start, answered, nodes, north, south, west, caughtUp };
}

it("lists all nodes with their figures, and what they come to together", async () => {
  const { north, south, west, answered, caughtUp } = await setUp();
  for (const { rig } of [north, south, south]) rig.open(identityOf("ann"));
  await north.rig.publish([["feed", "a", 1]]);
  await caughtUp();
  const summary = await answered(west.desk.summary("acme"));
  expect(summary.nodes.map(({ name, status, figures }) => [name, status, figures?.connections, figures?.lagEvents])).toEqual([
    ["north", "ready", 1, 0],
    ["south", "ready", 2, 0],
    ["west", "ready", 0, 0],
  ]);
  expect(summary).toMatchObject({
    node: { name: "west" },
    connections: { all: 3, ofTenant: 3, bySurface: [{ surface: "test", all: 3, ofTenant: 3 }] },
    process: { rssBytes: 30, heapUsedBytes: 15 },
    counters: { published: 1 },
    log: { headOffset: 1, routedTo: 1, lagEvents: 0 },
  });
  expect(await answered(west.desk.summary("acme", "south"))).toMatchObject({ node: { name: "south" }, connections: { all: 2 } });
  await expect(answered(west.desk.summary("acme", "east"))).rejects.toMatchObject({ code: "BAD_REQUEST" });
});

it("says which node does not answer, and for ten minutes which is gone", async () => {
  const { clock, north, south, answered, start } = await setUp();
  south.cluster.setConnected(false);
  const stateOf = async () => {
    const { nodes } = await answered(north.desk.summary("acme"));
    return nodes.map(({ name, status, figures }) => [name, status, figures !== null]);
  };
  expect(await stateOf()).toEqual([
    ["north", "ready", true],
    ["south", "silent", false],
    ["west", "ready", true],
  ]);
  expect((await answered(north.desk.refusals("acme", 10))).unanswered).toEqual([{ id: "south", name: "south" }]);
  await expect(answered(north.desk.summary("acme", "south"))).rejects.toBeInstanceOf(NodeUnavailable);
  clock.advance(5000);
  expect((await stateOf())[1]).toEqual(["south", "gone", false]);
  expect(await answered(north.desk.refusals("acme", 10))).not.toHaveProperty("unanswered");
  clock.advance(590_000);
  expect((await stateOf())[1]).toEqual(["south", "gone", false]);
  clock.advance(20_000);
  expect(await stateOf()).toHaveLength(2);
  south.cluster.setConnected(true);
  clock.advance(10);
  expect((await stateOf())[1]).toEqual(["south", "ready", true]);
  // A process that follows one of the same name stands in its place.
  south.cluster.setConnected(false);
  clock.advance(6000);
  expect((await stateOf())[1]).toEqual(["south", "gone", false]);
  await start("south", "south-2");
  clock.advance(10);
  expect((await stateOf()).map(([name, status]) => `${String(name)} ${String(status)}`)).toEqual([
    "north ready",
    "south ready",
    "west ready",
  ]);
});

it("lists connections of all nodes in one order, a page at a time, each once, with their node; users see their own", async () => {
  const { clock, nodes, north, answered } = await setUp();
  const opened: string[] = [];
  for (let index = 0; index < 7; index++) {
    clock.advance(1);
    opened.push(`${nodes[index % 3]?.name ?? ""} user-${index}`);
    nodes[index % 3]?.rig.open(identityOf(`user-${index}`));
  }
  nodes[1]?.rig.open(identityOf("stranger", [], "other"));
  const found: string[] = [];
  let after: { since: number; id: string } | undefined;
  for (let pages = 0; pages < 4; pages++) {
    const { connections, next } = await answered(north.desk.connections(OPERATOR, { after, limit: 2 }));
    for (const { node, userId } of connections) found.push(`${node ?? ""} ${userId}`);
    const [since = "", ...id] = (next ?? "").split("-");
    after = { since: Number(since), id: id.join("-") };
    expect(next === null).toBe(pages === 3);
  }
  expect(found).toEqual(opened);
  const own = await answered(north.desk.connections({ tenant: "acme", userId: "user-4" }, { after: undefined, limit: 10 }));
  expect(own.connections.map(({ userId, node, queuedBytes }) => [userId, node, queuedBytes])).toEqual([["user-4", undefined, undefined]]);
  const ofOne = await answered(north.desk.connections(OPERATOR, { after: undefined, limit: 10 }, "west"));
  expect(ofOne.connections.map(({ userId }) => userId)).toEqual(["user-2", "user-5"]);
});

it("ends a connection on whichever node it is, for its user and operators of its tenant alone", async () => {
  const { north, south, answered } = await setUp();
  const { session, client } = south.rig.open(identityOf("ann"));
  const end = (whose: { tenant: string; userId: string | null }) => answered(north.desk.endConnection(whose, session.id, "olga"));
  expect(await end({ tenant: "other", userId: null })).toBeUndefined();
  expect(await end({ tenant: "acme", userId: "bob" })).toBeUndefined();
  expect(session.isClosed).toBe(false);
  expect(await end(OPERATOR)).toEqual({ userId: "ann" });
  expect(session.isClosed).toBe(true);
  expect(client.bodies("error")).toEqual([{ code: "FORBIDDEN" }]);
  // It may be on the node that does not answer: nobody knows that there is none.
  south.cluster.setConnected(false);
  await expect(end(OPERATOR)).rejects.toBeInstanceOf(NodeUnavailable);
});

it("tells who got an event from whichever node, and does not call that complete where a node is missing", async () => {
  const { clock, nodes, north, south, answered, caughtUp } = await setUp();
  for (const { rig, name } of nodes) {
    const { session } = rig.open(identityOf(`on-${name}`, ["feed:a"]));
    await answered(rig.follow(session, { topics: ["feed:a"] }));
  }
  clock.advance(1000);
  await north.rig.publish([["feed", "a", 1]]);
  await caughtUp();
  const told = async () => answered(south.desk.ways("acme", "c", undefined));
  const { ways, ledger } = await told();
  expect(ways[0]?.deliveries.map(({ node, userId }) => [node, userId]).sort()).toEqual(NAMES.map((name) => [name, `on-${name}`]));
  expect(ways[0]?.deliveriesTotal).toBe(3);
  expect(ledger.complete).toBe(true);
  const way = await answered(south.desk.way("acme", ways[0]?.event.eventId ?? ""));
  expect(way).toMatchObject({ deliveriesTotal: 3, ledger: { complete: true } });
  north.cluster.setConnected(false);
  expect(await told()).toMatchObject({ ways: [{ deliveriesTotal: 2 }], ledger: { complete: false }, unanswered: [{ name: "north" }] });
  clock.advance(6000);
  const gone = await told();
  expect(gone).toMatchObject({ ways: [{ deliveriesTotal: 2 }], ledger: { complete: false } });
  expect(gone).not.toHaveProperty("unanswered");
});

it("waits for an event that another node has told of, a moment", async () => {
  const { north, south, answered } = await setUp();
  await answered(north.rig.publish([["feed", "a", 1]]));
  const [event] = (await answered(north.desk.tail("acme", { limit: 1, waitMs: 0 }, new AbortController().signal))).events;
  expect(south.rig.engine.routedTo).toBe(0);
  const way = south.desk.way("acme", event?.eventId ?? "");
  const tail = south.desk.tail("acme", { after: event?.eventId, limit: 1, waitMs: 0 }, new AbortController().signal);
  await answered(south.rig.log.refresh());
  expect(await answered(way)).toMatchObject({ event: { offset: 1 } });
  expect(await answered(tail)).toEqual({ events: [], next: event?.eventId, complete: true });
});

it("adds up samples of one time and latencies of all nodes, bucket by bucket", async () => {
  const { clock, nodes, north, answered } = await setUp();
  clock.advance(SAMPLE_MS);
  const before = (await answered(north.desk.history(undefined))).samples.at(-1)?.at ?? "";
  for (const [index, { rig, watch }] of nodes.entries()) {
    rig.open(identityOf(`user-${index}`));
    await answered(rig.publish([["feed", "a", index]]));
    for (let message = 0; message < 99; message++) watch.publishToWrite(index === 2 ? 0.4 : 0.001);
  }
  clock.advance(SAMPLE_MS);
  const { samples } = await answered(north.desk.history(Date.parse(before)));
  const all = samples.reduce((sum, { published }) => sum + published, 0);
  expect([all, samples.at(-1)?.connections, samples.at(-1)?.rssBytes, samples.at(-1)?.nodes]).toEqual([3, 3, 3000, 3]);
  const latency = await answered(north.desk.latency(3_600_000));
  expect(latency.count).toBeGreaterThanOrEqual(297);
  // A mean of the nodes' 99th percentiles would be a third of it.
  expect(latency.p99Ms).toBeGreaterThan(350);
  expect(latency.p50Ms).toBeLessThan(2);
  expect(latency.maxMs).toBe(400);
  expect((await answered(north.desk.latency(3_600_000, "south"))).p99Ms).toBeLessThan(2);
});

it("measures from the log's stamp what another node stored, at the node whose clients are told of it", async () => {
  const { clock, north, south, answered } = await setUp();
  const { session } = south.rig.open(identityOf("ann", ["feed:a"]));
  await answered(south.rig.follow(session, { topics: ["feed:a"] }));
  await north.rig.publish([["feed", "a", 1]]);
  clock.stall(30);
  await south.rig.log.refresh();
  await south.rig.settle();
  clock.advance(SAMPLE_MS);
  const { count, stored } = await answered(north.desk.latency(3_600_000));
  expect([count, stored?.count, stored?.maxMs]).toEqual([0, 1, 30]);
  expect((await answered(north.desk.latency(3_600_000, "north"))).stored).toMatchObject({ count: 0, p99Ms: null });
  const { samples } = await answered(north.desk.history(undefined));
  expect(samples.find(({ stored: sampled }) => sampled?.maxMs !== null)).toMatchObject({ maxMs: null, stored: { maxMs: 30 } });
});

it("understands a node of another release: what it tells besides is passed over, what it does not tell is unknown", async () => {
  const { clock, hub, north, south, answered } = await setUp();
  clock.advance(SAMPLE_MS);
  const other = hub.join({ id: "other", name: "other" });
  const { cluster } = south;
  other.onAsked("operations.1", async (body) => {
    const { name } = JSON.parse(body) as { readonly name: string };
    const [answer] = await cluster.ask("operations.1", body, { to: north.cluster.self.id });
    const own = JSON.parse(answer?.body ?? "") as Record<string, object>;
    if (name === "latency") return JSON.stringify({ filled: [3, 7], quantum: true });
    if (name === "history") return JSON.stringify(Object.values(own).map((each) => ({ ...each, latency: undefined, stored: undefined })));
    if (name !== "summary") return JSON.stringify({ news: 1 });
    const node = { ...own["node"], uptimeMs: undefined, wire: "quantum", temperature: 7 };
    const connections = { ...own["connections"], all: 5, users: undefined, bySurface: undefined };
    return JSON.stringify({ ...own, node, connections, log: undefined, weather: { is: "fine" } });
  });
  clock.advance(10);
  const summary = await answered(north.desk.summary("acme"));
  const told = JSON.parse(JSON.stringify(summary.nodes)) as typeof summary.nodes;
  expect(told.map(({ name, status }) => `${name} ${status}`)).toEqual(["north ready", "other ready", "south ready", "west ready"]);
  expect(told[1]?.figures).toMatchObject({ wire: "quantum", connections: 5, uptimeMs: null, users: null, routedTo: null, lagEvents: null });
  expect(summary).toMatchObject({ connections: { all: 5, users: 0 }, log: { headOffset: 0, routedTo: 0, lagEvents: 0 } });
  expect((await answered(north.desk.summary("acme", "other"))).nodes).toMatchObject([{ name: "other", status: "ready" }]);
  expect((await answered(north.desk.latency(SAMPLE_MS))).count).toBe(7);
  expect((await answered(north.desk.history(undefined))).samples.at(-1)).toMatchObject({ nodes: 4, published: 0 });
  expect(await answered(north.desk.views())).toMatchObject({ agree: true, unanswered: [{ name: "other" }] });
  const others = [
    await answered(north.desk.topics("acme", 10)),
    await answered(north.desk.limits("acme", 10)),
    await answered(north.desk.connections(OPERATOR, { after: undefined, limit: 10 })),
  ];
  expect(others).toMatchObject([{ topics: [] }, { limits: [], slow: [] }, { connections: [] }]);
  expect(JSON.stringify(others)).not.toContain("unanswered");
});

it("merges what went wrong, newest first, and topics by followers", async () => {
  const { clock, nodes, north, answered } = await setUp();
  for (const { rig, watch, name } of nodes) {
    clock.advance(1000);
    await rig.engine
      .publish([{ type: "no.such" }], { userId: name, tenant: "acme", anyTenant: false, correlationId: name })
      .catch(() => undefined);
    watch.limited({ tenant: "acme", userId: name }, "LIMIT_REACHED", "too many");
    const { session } = rig.open(identityOf(name, ["feed:a"]));
    await answered(rig.follow(session, { topics: ["feed:a"] }));
  }
  const { refusals } = await answered(north.desk.refusals("acme", 2));
  expect(refusals.map(({ node, userId }) => [node, userId])).toEqual([
    ["west", "west"],
    ["south", "south"],
  ]);
  expect((await answered(north.desk.limits("acme", 10))).limits.map(({ node }) => node)).toEqual(["west", "south", "north"]);
  expect((await answered(north.desk.refusals("other", 10))).refusals).toEqual([]);
  const { topics, followed } = await answered(north.desk.topics("acme", 10));
  expect([topics.map(({ topic, followers }) => [topic, followers]), followed]).toEqual([[["feed:a", 3]], 1]);
});

it("compares views at one offset, and says which node holds something else", async () => {
  const { clock, north, south, west, answered, caughtUp } = await setUp();
  await north.rig.publish([
    ["feed", "a", 1],
    ["gauge", "g", 2],
  ]);
  await caughtUp();
  const same = await answered(north.desk.views());
  expect(same).toMatchObject({ agree: true, offset: 2, nodes: NAMES.map((name) => ({ name, offset: 2, agrees: true })) });
  expect(same.nodes[0]?.views).toMatchObject({ feeds: { entities: 1 }, gauges: { entities: 1 } });
  // A node that is behind is waited for.
  await answered(north.rig.publish([["feed", "a", 2]]));
  const waiting = north.desk.views();
  await new Promise(setImmediate);
  void south.rig.log.refresh();
  void west.rig.log.refresh();
  expect(await answered(waiting)).toMatchObject({ agree: true, offset: 3 });
  // One that does not get on stands elsewhere: nothing can be said of it.
  await answered(north.rig.publish([["feed", "a", 3]]));
  expect(await answered(north.desk.views())).toMatchObject({ agree: null, offset: null });
  await caughtUp();
  const state = { state: { values: [9] }, offset: 1, storedAt: clock.now() };
  west.rig.engine.views.restore([{ view: "feeds", tenant: "acme", entity: "a", state: JSON.stringify(state) }]);
  await north.rig.publish([["gauge", "g", 3]]);
  await caughtUp();
  const other = await answered(north.desk.views());
  expect(other).toMatchObject({ agree: false, offset: 5 });
  expect(other.nodes.map(({ name, agrees }) => [name, agrees]).sort()).toEqual([
    ["north", true],
    ["south", true],
    ["west", false],
  ]);
  expect(await answered(north.desk.views("west"))).toMatchObject({ agree: true, nodes: [{ name: "west" }] });
});
