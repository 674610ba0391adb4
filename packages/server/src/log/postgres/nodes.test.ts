/** Several nodes over one log. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { until } from "../../../../../test/contract/server.ts";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { query } from "../../../../../test/postgres.ts";
import { Bench, newEvent, newEvents, offsetsOf } from "../contract-place.ts";
import type { LogOptions } from "../log.ts";
import { openPostgresLog, type PostgresLog } from "./postgres-log.ts";
import { SIZES } from "./sizes.ts";

const WRITER = fileURLToPath(new URL("./fixture-writer.ts", import.meta.url));

let url: string;
beforeAll(async () => {
  url = await newDatabase();
});

let schemas = 0;
let schema: string;
let bench: Bench;
const logs: PostgresLog[] = [];
beforeEach(() => {
  schema = `nodes_${++schemas}`;
  bench = new Bench();
});
afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
});

async function openNode(others: Partial<LogOptions> = {}, sizes = { ...SIZES, segmentEvents: 100 }): Promise<PostgresLog> {
  const log = await openPostgresLog({ url, schema }, bench.options(others), sizes);
  logs.push(log);
  return log;
}

function startWriter(batches: number, size: number, mode = "writes"): ChildProcess {
  const options = [url, schema, String(batches), String(size), mode];
  return spawn(process.execPath, ["--conditions=@broadtape/source", WRITER, ...options], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Follows the log as a node does: whatever a read finds complete is never looked at again. */
async function tail(log: PostgresLog, end: number): Promise<number[]> {
  const seen: number[] = [];
  for (let after = 0; after < end;) {
    const { events, upTo } = await log.read({ after, limit: 500 });
    seen.push(...events.map(({ offset }) => offset));
    after = upTo;
  }
  return seen;
}

it("shows every event to who follows the log while many nodes and processes write, in order, without a gap or a late arrival", async () => {
  const [batches, size] = [40, 3];
  const nodes = await Promise.all(Array.from({ length: 3 }, () => openNode()));
  const processes = Array.from({ length: 2 }, () => startWriter(batches, size));
  const exits = processes.map((child) => once(child, "exit"));
  const appends = nodes.map(async (node) => {
    for (let index = 0; index < batches; index++) await node.append(newEvents(size));
  });
  const all = (nodes.length + processes.length) * batches * size;
  const [reader] = nodes;
  const seen = reader === undefined ? [] : await tail(reader, all);
  await Promise.all([...appends, ...exits]);
  expect(seen).toEqual(Array.from({ length: all }, (_, index) => index + 1));
  const mixed = await query(
    url,
    `select count(*)::int as n from (select 1 from ${schema}.events group by batch having count(*) <> ${size}) b`,
  );
  expect(mixed).toEqual([{ n: 0 }]);
});

it("is made once by nodes that start at the same time, and they agree on its epoch", async () => {
  const nodes = await Promise.all(Array.from({ length: 5 }, () => openNode()));
  expect(new Set(nodes.map(({ epoch }) => epoch)).size).toBe(1);
});

it("knows an id that another node has taken, and counts time on from the newest event", async () => {
  const [one, other] = [await openNode(), await openNode({ now: () => bench.now - 1000 })];
  const event = newEvent();
  await one.append([event]);
  expect(await other.append([event, newEvent()])).toMatchObject([
    { offset: 1, duplicate: true },
    { offset: 2, storedAt: bench.now },
  ]);
});

it("stores an id once that many nodes are given at the same time", async () => {
  const nodes = await Promise.all(Array.from({ length: 4 }, () => openNode()));
  const event = newEvent();
  const places = (await Promise.all(nodes.map((node) => node.append([event])))).flat();
  expect(places.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  expect(new Set(places.map(({ offset }) => offset))).toEqual(new Set([1]));
});

it("tells what others stored when it is asked to look, and soon without", async () => {
  const [one, other] = [await openNode(), await openNode()];
  const heard: number[] = [];
  const stop = other.onMoved(({ head }) => heard.push(head));
  await one.append(newEvents(2));
  expect((await other.refresh()).head).toBe(2);
  await other.append(newEvents(1));
  await other.refresh();
  expect(heard).toEqual([2, 3]);
  await until(() => one.bounds().head === 3);
  stop();
  await one.append(newEvents(1));
  await other.refresh();
  expect(heard).toEqual([2, 3]);
});

it("sees that the database lost what another node has told of, though it has never read it", async () => {
  const log = await openNode();
  await log.append(newEvents(3));
  log.heard({ offset: 5, storedAt: bench.now });
  await expect(log.refresh()).rejects.toThrow("ends at 3 and had come to 5");
  await expect(log.append(newEvents(1))).rejects.toThrow("start again");
  expect(bench.faults).toHaveLength(1);
});

it("is looked at in the middle of commits, from everywhere, and found in order", async () => {
  const nodes = [await openNode(), await openNode()];
  let isOver = false;
  const looks = nodes.map(async (node) => {
    while (!isOver) await node.refresh();
  });
  for (let index = 0; index < 100; index++) await Promise.all(nodes.map((node) => node.append(newEvents(2))));
  isOver = true;
  await Promise.all(looks);
  expect(bench.faults).toEqual([]);
  for (const node of nodes) expect((await node.refresh()).head).toBe(400);
});

it("does not wait for long for a node that stops with the lock in its hands", async () => {
  const sizes = { ...SIZES, lockHeldMs: 300 };
  const log = await openNode({}, sizes);
  await log.append(newEvents(1));
  const stuck = startWriter(1, 1, "stuck");
  const held =
    "select 1 from pg_locks join pg_database d on d.oid = database where locktype = 'advisory' and granted and datname = current_database()";
  await until(async () => (await query(url, held)).length === 1);
  expect(await log.append(newEvents(1))).toMatchObject([{ offset: 2 }]);
  stuck.kill("SIGKILL");
});

it("keeps a checkpoint of more entries than one statement takes", async () => {
  const [one, other] = [await openNode(), await openNode()];
  const entries = Array.from({ length: 12_000 }, (_, index) => ({
    view: "rfqs",
    tenant: "acme",
    entity: `r${index}`,
    state: `{"n":${index}}`,
  }));
  await one.saveCheckpoint({ offset: 0, version: "1" }, entries);
  expect(new Set((await other.loadCheckpoint())?.entries.map(({ state }) => state))).toEqual(new Set(entries.map(({ state }) => state)));
});

it("keeps apart what nodes of two releases save while one is rolled out", async () => {
  const [old, next] = [await openNode(), await openNode()];
  await old.append(newEvents(10));
  const entry = (entity: string, state: string | null) => ({ view: "rfqs", tenant: "acme", entity, state });
  await old.advanceCheckpoint({ offset: 4, version: "1" }, [entry("a", "1"), entry("b", "1")], 0);
  expect(await next.loadCheckpoint("2")).toBeUndefined();
  expect(await next.advanceCheckpoint({ offset: 3, version: "2" }, [entry("a", "2")], 0)).toBe("saved");
  expect(await old.advanceCheckpoint({ offset: 6, version: "1" }, [entry("b", null), entry("c", "1")], 4)).toBe("saved");
  expect(await next.loadCheckpoint("2")).toEqual({ checkpoint: { offset: 3, version: "2" }, entries: [entry("a", "2")] });
  const saved = await old.loadCheckpoint("1");
  expect(saved?.checkpoint).toEqual({ offset: 6, version: "1" });
  expect(new Set(saved?.entries)).toEqual(new Set([entry("a", "1"), entry("c", "1")]));
});

it("adds nothing to a checkpoint that is gone, nor to a later one, and replaces one where it has everything", async () => {
  const [one, other] = [await openNode(), await openNode()];
  await one.append(newEvents(10));
  const entry = (entity: string, state: string | null = "1") => ({ view: "rfqs", tenant: "acme", entity, state });
  await one.advanceCheckpoint({ offset: 4, version: "1" }, [entry("a"), entry("b")], 0);
  expect(await other.advanceCheckpoint({ offset: 3, version: "1" }, [entry("c")], 0)).toBe("overtaken");
  await other.dropCheckpoint();
  expect(await one.advanceCheckpoint({ offset: 6, version: "1" }, [entry("c")], 4)).toBe("incomplete");
  expect(await one.loadCheckpoint("1")).toBeUndefined();
  await other.advanceCheckpoint({ offset: 5, version: "1" }, [entry("ended")], 0);
  expect(await one.advanceCheckpoint({ offset: 6, version: "1" }, [entry("a"), entry("c")], 0)).toBe("saved");
  expect(new Set((await one.loadCheckpoint("1"))?.entries)).toEqual(new Set([entry("a"), entry("c")]));
});

it("reads no head without the events before it, while segments are made and filled at once", async () => {
  const [writer, reader] = [await openNode(), await openNode()];
  let isOver = false;
  const readers = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const { events, upTo } = await reader.read({ after: 0, limit: 10_000, tenant: "acme", topics: ["a"] });
      expect(events).toHaveLength(upTo);
    }
  });
  for (let index = 0; index < 15; index++) await writer.append(newEvents(130, { topics: ["a"] }));
  isOver = true;
  await Promise.all(readers);
});

it("keeps no checkpoint of a node that has not noticed that the log is another one", async () => {
  const log = await openNode();
  await log.append(newEvents(3));
  await query(url, `update "${schema}".heads set head = 2`);
  await expect(log.advanceCheckpoint({ offset: 3, version: "1" }, [], 0)).rejects.toThrow("no checkpoint of 3 is kept");
  await query(url, `update "${schema}".meta set value = '1' where key = 'epoch'`);
  await expect(log.saveCheckpoint({ offset: 1, version: "1" }, [])).rejects.toThrow("no checkpoint of 1 is kept");
  expect(await log.loadCheckpoint()).toBeUndefined();
});

it("forgets the checkpoint of a release that nobody runs any more, and retention waits for it no longer", async () => {
  const log = await openNode({ retention: { maxAgeMs: 1000, maxBytes: Infinity } });
  await log.append(newEvents(10));
  await log.saveCheckpoint({ offset: 2, version: "1" }, []);
  await log.saveCheckpoint({ offset: 10, version: "2" }, []);
  bench.now += 2000;
  await log.append(newEvents(1));
  await log.retain();
  expect([await log.loadCheckpoint("1"), log.bounds().oldest]).toEqual([{ checkpoint: { offset: 2, version: "1" }, entries: [] }, 1]);
  await query(url, `update "${schema}".checkpoints set saved_at = saved_at - interval '2 hours'`);
  await log.retain();
  expect([await log.loadCheckpoint("1"), log.bounds().oldest]).toEqual([undefined, 11]);
  expect(await log.loadCheckpoint()).toMatchObject({ checkpoint: { version: "2" } });
});

it("gives the disk back by whole segments, on whichever node, and reads on", async () => {
  const options = { retention: { maxAgeMs: 1000, maxBytes: Infinity } };
  const [one, other] = [await openNode(options), await openNode(options)];
  for (let index = 0; index < 10; index++) await one.append(newEvents(35, { topics: ["a"] }));
  await one.saveCheckpoint({ offset: 350, version: "1" }, []);
  bench.now += 2000;
  await one.append(newEvents(10, { topics: ["a"] }));
  await Promise.all([one.retain(), other.retain()]);
  expect(other.bounds().oldest).toBe(351);
  const tables = await query(
    url,
    `select relname as name from pg_class join pg_namespace n on n.oid = relnamespace where nspname = $1 and relkind = 'r' and relname ~ '^events_' order by 1`,
    [schema],
  );
  expect(tables.map(({ name }) => name)).toEqual(["events_301", "events_401"]);
  const kept = Array.from({ length: 10 }, (_, index) => 351 + index);
  expect(await offsetsOf(other)).toEqual(kept);
  expect(await offsetsOf(other, { tenant: "acme", topics: ["a"] })).toEqual(kept);
});

it("reports what the database promises of a commit", async () => {
  const { durability } = await openNode();
  expect(durability).toMatchObject({ synchronousCommit: "on", synchronousStandbys: "", syncsToDisk: false });
});

it("never commits without waiting for the disk, also where the database would", async () => {
  const database = new URL(url).pathname.slice(1);
  await query(url, `alter database ${database} set synchronous_commit = off`);
  const log = await openNode();
  await query(url, `alter database ${database} reset synchronous_commit`);
  expect(log.durability.synchronousCommit).toBe("on");
});
