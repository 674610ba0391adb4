import { Client } from "pg";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { type Proxy, startProxy } from "../../../../../test/postgres-proxy.ts";
import { query } from "../../../../../test/postgres.ts";
import { until } from "../../../../../test/until.ts";
import { ClusterUnavailable } from "../cluster.ts";
import { Member, newSeat } from "../contract-place.ts";
import { openPostgresCluster, type PostgresCluster } from "./postgres-cluster.ts";
import type { ClusterTimes } from "./times.ts";

const TIMES: Partial<ClusterTimes> = { leaseMs: 600, renewMs: 100, answerMs: 1500, durableMs: 500, sweepMs: 100 };
const HOUR = 3_600_000;

let url: string;
beforeAll(async () => {
  url = await newDatabase();
});

class Node extends Member {
  declare readonly cluster: PostgresCluster;
  readonly faults: string[];
  readonly warnings: string[];

  constructor(cluster: PostgresCluster, proxy: Proxy, faults: string[], warnings: string[]) {
    super({ cluster, setConnected: (isConnected) => proxy.setOpen(isConnected) });
    this.faults = faults;
    this.warnings = warnings;
  }
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function join(
  place: { readonly url: string; readonly schema: string },
  name: string,
  aheadMs = 0,
  times: Partial<ClusterTimes> = {},
): Promise<Node> {
  const proxy = await startProxy(Number(new URL(place.url).port));
  const beyond = new URL(place.url);
  beyond.port = String(proxy.port);
  const faults: string[] = [];
  const warnings: string[] = [];
  const cluster = await openPostgresCluster(
    { ...place, url: beyond.href },
    {
      node: { id: crypto.randomUUID(), name },
      clock: { now: () => Date.now() + aheadMs, monotonic: () => performance.now() },
      random: Math.random,
      onFault: (error) => faults.push(error instanceof Error ? error.message : String(error)),
      onWarning: (warning) => warnings.push(warning),
      times: { ...TIMES, ...times },
    },
  );
  ends.push(async () => {
    await cluster.close();
    await proxy.close();
  });
  return new Node(cluster, proxy, faults, warnings);
}

let schemas = 0;
const newSchema = () => `outage_${++schemas}`;
const newPlace = () => ({ url, schema: newSchema() });

const met = (...nodes: readonly Node[]) => until(() => nodes.every(({ others }) => others.length === nodes.length - 1));
/** How many the others hold of this user, as soon as the node can tell. */
const held = async (node: Node, userId: string) =>
  until(async () => {
    const probe = newSeat({ userId });
    const { ofUser } = await node.cluster.enter(probe);
    node.cluster.leave(probe.connectionId);
    return ofUser === undefined ? undefined : { ofUser };
  });

describe("a database that is away", () => {
  it("holds up nobody but the first who asks, is told of once, and is asked again by itself", async () => {
    const place = newPlace();
    const [a, b] = [await join(place, "a"), await join(place, "b")];
    await met(a, b);
    await a.cluster.enter(newSeat());
    a.setConnected(false);
    await a.cluster.enter(newSeat());
    const started = performance.now();
    for (let count = 0; count < 100; count++) {
      expect(await a.cluster.enter(newSeat())).toEqual({ ofUser: undefined });
      expect(await a.cluster.hit("key", { most: 1000, windowMs: 1000 })).toBeUndefined();
      await expect(a.cluster.tell("note", "lost")).rejects.toThrow(ClusterUnavailable);
      expect(await a.cluster.ask("what", "")).toEqual([]);
    }
    // Less than if each waited in vain.
    expect(performance.now() - started).toBeLessThan(10_000);
    expect([a.cluster.isAway, a.cluster.seatsWaiting, a.faults]).toEqual([true, 101, ["the cluster's database does not answer"]]);
    a.setConnected(true);
    await until(() => !a.cluster.isAway && a.cluster.seatsWaiting === 0);
    expect(await held(b, "ann")).toEqual({ ofUser: 102 });
    await a.cluster.tell("note", "heard");
    await until(() => b.told.length > 0);
    expect(b.told).toEqual(["a: heard"]);
    expect(a.cluster.meter.outages).toBe(1);
  });

  it("that is back is asked as soon as somebody does, and whoever has not looked yet is waited for", async () => {
    const place = newPlace();
    const slow = { renewMs: 700, leaseMs: 2000 };
    const [a, b] = [await join(place, "a", 0, slow), await join(place, "b", 0, slow)];
    b.cluster.onAsked("what", async () => Promise.resolve("this"));
    await met(a, b);
    for (const { setConnected } of [a, b]) setConnected(false);
    await until(() => [a, b].every(({ cluster }) => cluster.isAway));
    for (const { setConnected } of [a, b]) setConnected(true);
    const answers = await a.cluster.ask("what", "", { timeoutMs: 400 });
    expect(answers.map(({ body }) => body)).toEqual(["this"]);
  });

  it("is no other thing where it takes connections and answers nothing", async () => {
    const place = newPlace();
    const a = await join(place, "a");
    const holder = new Client({ connectionString: place.url });
    await holder.connect();
    await holder.query(`begin; lock table ${place.schema}.nodes`);
    await until(() => a.cluster.isAway);
    // While it is held: nobody waits for its end.
    await Promise.all(Array.from({ length: 50 }, () => a.cluster.enter(newSeat())));
    await holder.query("commit");
    await holder.end();
    await until(() => !a.cluster.isAway && a.cluster.seatsWaiting === 0);
    expect(await held(await join(place, "b"), "ann")).toEqual({ ofUser: 50 });
  });

  it("leaves no seat behind that was taken late, when nobody waited for it any more", async () => {
    const place = newPlace();
    const a = await join(place, "a");
    const { seats, nodes } = { seats: `${place.schema}.seats`, nodes: `${place.schema}.nodes` };
    a.setConnected(false);
    const seat = newSeat();
    await a.cluster.enter(seat);
    a.cluster.leave(seat.connectionId);
    // What a network does that held it up.
    await query(place.url, `insert into ${seats} select $1, id, gen_random_uuid() from ${nodes}`, [seat.connectionId]);
    a.setConnected(true);
    await until(async () => (await query(place.url, `select from ${seats}`)).length === 0);
  });

  it("is not waited for at the end", async () => {
    const place = newPlace();
    const [a, b] = [await join(place, "a"), await join(place, "b")];
    await met(a, b);
    a.setConnected(false);
    const started = performance.now();
    await a.cluster.close();
    expect(performance.now() - started).toBeLessThan(3500);
    await until(() => b.gone.length === 1);
  });

  it("is not there at the start: said in one line, without the password", async () => {
    const options = { node: { id: "a", name: "a" }, clock: { now: () => 0, monotonic: () => 0 }, random: () => 0 };
    const refused = openPostgresCluster(
      { url: "postgres://ann:hunter2@127.0.0.1:1/none" },
      { ...options, onFault: () => undefined, onWarning: () => undefined },
    );
    await expect(refused).rejects.toThrow(
      /^the database cannot be opened for a cluster of Broadtape's nodes: connect ECONNREFUSED 127\.0\.0\.1:1$/,
    );
  });
});

describe("a database that forgot who is there", () => {
  it("as after a crash, has all seats again, and nobody is taken for gone; what was told is still heard", async () => {
    const place = newPlace();
    const [a, b, c] = [await join(place, "a"), await join(place, "b"), await join(place, "c")];
    await met(a, b, c);
    for (const { cluster } of [a, a, b]) await cluster.enter(newSeat());
    for (const { setConnected } of [a, b, c]) setConnected(false);
    await a.cluster.enter(newSeat());
    await until(() => [a, b, c].every(({ cluster }) => cluster.isAway));
    const { schema } = place;
    await query(place.url, `insert into ${schema}.notes values (1, 'x', 'x', 'note', 'before the crash', clock_timestamp())`);
    await query(place.url, `update ${schema}.note_head set number = 1`);
    // What is not logged is empty then.
    await query(place.url, `truncate ${["nodes", "life", "seats", "hits", "letters"].map((table) => `${schema}.${table}`).join(", ")}`);
    for (const { setConnected } of [a, b, c]) setConnected(true);
    await until(() => [a, b, c].every(({ cluster }) => !cluster.isAway && cluster.seatsWaiting === 0 && cluster.meter.retaken > 0));
    await met(a, b, c);
    expect(await held(c, "ann")).toEqual({ ofUser: 4 });
    expect([a.gone, b.gone, c.gone]).toEqual([[], [], []]);
    await until(() => c.told.length > 0);
    expect(c.told).toEqual(["x: before the crash"]);
  });

  it("and lost the last notes, as a standby may, goes on with the next", async () => {
    const place = newPlace();
    const [a, b] = [await join(place, "a"), await join(place, "b")];
    for (const body of ["1", "2", "3"]) await a.cluster.tell("note", body);
    await until(() => b.told.length === 3);
    await query(place.url, `delete from ${place.schema}.notes where number > 1`);
    await query(place.url, `update ${place.schema}.note_head set number = 1`);
    await a.cluster.tell("note", "4");
    await until(() => b.told.length === 4);
    expect(b.told.at(-1)).toBe("a: 4");
    await a.cluster.tell("note", "5");
    await until(() => b.told.length === 5);
    expect(b.warnings).toEqual([]);
  });

  it("refuses tables of another release", async () => {
    const place = newPlace();
    await (await join(place, "a")).cluster.close();
    await query(place.url, `comment on table ${place.schema}.nodes is 'Broadtape cluster 999'`);
    await expect(join(place, "b")).rejects.toThrow("its nodes have the format Broadtape cluster 999");
  });
});

describe("what nobody needs any more", () => {
  it("is swept by any node: rows of a node that is gone, old notes, hits, and letters", async () => {
    const place = newPlace();
    const [a, b] = [await join(place, "a"), await join(place, "b")];
    await met(a, b);
    await b.cluster.enter(newSeat());
    await b.cluster.hit("key", { most: 1, windowMs: 1 });
    await b.cluster.tell("note", "old");
    void a.cluster.ask("what", "", { timeoutMs: 1 });
    await query(place.url, `update ${place.schema}.notes set told_at = told_at - interval '1 hour'`);
    b.setConnected(false);
    const rows = async () =>
      query(
        place.url,
        `select (select count(*) from ${place.schema}.nodes)::int as nodes, (select count(*) from ${place.schema}.seats)::int as seats,
          (select count(*) from ${place.schema}.hits)::int as hits, (select count(*) from ${place.schema}.notes)::int as notes,
          (select count(*) from ${place.schema}.letters)::int as letters`,
      );
    await until(async () => JSON.stringify(await rows()) === JSON.stringify([{ nodes: 1, seats: 0, hits: 0, notes: 0, letters: 0 }]), rows);
    b.setConnected(true);
    await until(() => b.cluster.meter.retaken > 0 && !b.cluster.isAway && b.cluster.seatsWaiting === 0);
    expect(await held(a, "ann")).toEqual({ ofUser: 1 });
  });

  it("is told of to a node that was cut off for so long that notes are lost to it", async () => {
    const place = newPlace();
    const [a, b] = [await join(place, "a"), await join(place, "b")];
    b.setConnected(false);
    await a.cluster.tell("note", "lost");
    await a.cluster.tell("note", "lost too");
    await query(place.url, `delete from ${place.schema}.notes`);
    await a.cluster.tell("note", "heard");
    b.setConnected(true);
    await until(() => b.told.length > 0);
    expect([b.told, b.cluster.meter.missed]).toEqual([["a: heard"], 2]);
    expect(b.warnings).toEqual(["this node was cut off for so long that 2 of the others' notes are lost to it"]);
  });
});

describe("a clock that is an hour off", () => {
  it.each([HOUR, -HOUR])("is known before the node serves anyone, and told of (%i ms ahead)", async (aheadMs) => {
    const place = newPlace();
    const [right, wrong] = [await join(place, "right"), await join(place, "wrong", aheadMs)];
    expect(Math.abs(wrong.cluster.clockOffsetMs() + aheadMs)).toBeLessThan(100);
    expect(Math.abs(right.cluster.clockOffsetMs())).toBeLessThan(100);
    expect(right.warnings).toEqual([]);
    expect(wrong.warnings).toEqual([expect.stringContaining(aheadMs > 0 ? "ms ahead of the database's" : "ms behind the database's")]);
    // Its lease goes by the database's clock as everyone's.
    await met(right, wrong);
    expect(right.gone).toEqual([]);
    wrong.setConnected(false);
    await until(() => right.gone.length === 1);
    expect(Math.abs(wrong.cluster.clockOffsetMs() + aheadMs)).toBeLessThan(100);
  });
});
