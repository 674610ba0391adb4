import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../../../test/contract/server.ts";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { type Cut, type Proxy, startProxy } from "../../../../../test/postgres-proxy.ts";
import { query } from "../../../../../test/postgres.ts";
import { Bench, newEvent, newEvents, offsetsOf } from "../contract-place.ts";
import { LogUnavailable } from "../log.ts";
import { openPostgresLog, type PostgresLog } from "./postgres-log.ts";

let url: string;
beforeAll(async () => {
  url = await newDatabase();
});

let schemas = 0;
let schema: string;
let proxy: Proxy;
let bench: Bench;
const logs: PostgresLog[] = [];

/** A node beyond the proxy. */
async function open(): Promise<PostgresLog> {
  const beyond = new URL(url);
  beyond.port = String(proxy.port);
  const log = await openPostgresLog({ url: beyond.href, schema }, bench.options());
  logs.push(log);
  return log;
}

/** A node that the proxy does not harm. */
async function openSafely(): Promise<PostgresLog> {
  const log = await openPostgresLog({ url, schema }, bench.options());
  logs.push(log);
  return log;
}

beforeEach(async () => {
  schema = `outage_${++schemas}`;
  proxy = await startProxy(Number(new URL(url).port));
  bench = new Bench();
});
afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
  await proxy.close();
});

describe("a COMMIT that is not answered", () => {
  it.each<Cut>(["before", "after"])("is stored once, and answered with its place (cut %s the database has done it)", async (cut) => {
    const log = await open();
    await log.append(newEvents(2));
    const [own, made] = [newEvent({ topics: ["a"] }), newEvent({ deduplicate: false })];
    proxy.cutAtCommit(cut);
    const appended = await log.append([own, made]);
    expect(proxy.cuts()).toBe(1);
    expect(appended).toMatchObject([
      { offset: 3, batch: 3, duplicate: false },
      { offset: 4, batch: 3, duplicate: false },
    ]);
    expect(await offsetsOf(log)).toEqual([1, 2, 3, 4]);
    expect(await log.append([own])).toMatchObject([{ offset: 3, duplicate: true }]);
  });

  it.each<Cut>(["before", "after"])(
    "holds its publisher back until its outcome is known, and tells others to come back (cut %s)",
    async (cut) => {
      const log = await open();
      await log.append(newEvents(1));
      proxy.cutAtCommit(cut);
      const outcome = log.append(newEvents(1));
      await until(() => proxy.cuts() === 1);
      proxy.setOpen(false);
      await until(() => bench.faults.length > 0);
      await expect(log.append(newEvents(1))).rejects.toThrow(LogUnavailable);
      const other = await openSafely();
      const stored = await other.append(newEvents(1));
      proxy.setOpen(true);
      const place = cut === "after" ? 2 : 3;
      expect([stored[0]?.offset, (await outcome)[0]?.offset]).toEqual([5 - place, place]);
      expect(bench.faults).toHaveLength(1);
      expect(await offsetsOf(other)).toEqual([1, 2, 3]);
    },
  );

  it("is given up when the log closes, and its publisher hears that it may come again", async () => {
    const log = await open();
    proxy.cutAtCommit("before");
    const outcome = log.append(newEvents(1));
    await until(() => proxy.cuts() === 1);
    proxy.setOpen(false);
    const refused = expect(outcome).rejects.toThrow(LogUnavailable);
    await log.close();
    await refused;
  });
});

describe("a database that is away", () => {
  it("acknowledges nothing, tells of the outage once and names no host to publishers, and goes on when it is back", async () => {
    const log = await open();
    await log.append(newEvents(1));
    proxy.setOpen(false);
    const known = newEvent();
    for (let index = 0; index < 3; index++)
      await expect(log.append([known])).rejects.toThrow(/^the log could not store: the database does not answer$/);
    await expect(log.read({ after: 0, limit: 1 })).rejects.toThrow(LogUnavailable);
    expect(log.bounds().head).toBe(1);
    expect(bench.faults).toHaveLength(1);
    proxy.setOpen(true);
    expect(await log.append([known])).toMatchObject([{ offset: 2, duplicate: false }]);
    expect(await offsetsOf(log)).toEqual([1, 2]);
  });

  it("does not fail the first append after connections went stale", async () => {
    const log = await open();
    await log.append(newEvents(1));
    await query(
      url,
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'broadtape log%' and datname = current_database()",
    );
    expect(await log.append(newEvents(1))).toMatchObject([{ offset: 2 }]);
  });
});

describe("a log that went back behind what was acknowledged", () => {
  it("takes no more, says why, and is another log from then on", async () => {
    const log = await openSafely();
    await log.append(newEvents(5));
    // As a standby that had not got the last commit would have it.
    await query(url, `delete from ${schema}.events where "offset" > 3`);
    await query(url, `update ${schema}.heads set head = 3`);
    await expect(log.append(newEvents(1))).rejects.toThrow("it was restored; start again");
    await expect(log.append(newEvents(1))).rejects.toThrow(LogUnavailable);
    expect(bench.faults.map(({ message }) => message)).toEqual([
      "the log in the database ends at 3 and had come to 5: it was restored; start again",
    ]);
    await until(async () => (await query(url, `select value from ${schema}.meta where key = 'epoch'`))[0]?.["value"] !== String(log.epoch));
    const next = await openSafely();
    expect(next.epoch).not.toBe(log.epoch);
    expect(await next.append(newEvents(1))).toMatchObject([{ offset: 4 }]);
  });

  it.each([
    ["was read back from a dump", "place"],
    ["was restored up to a moment", "timeline"],
  ])("is another log when it %s while no node ran", async (_, mark) => {
    const log = await openSafely();
    await log.append(newEvents(1));
    await log.close();
    expect((await openSafely()).epoch).toBe(log.epoch);
    await query(url, `update ${schema}.meta set value = 'elsewhere' where key = $1`, [mark]);
    expect((await openSafely()).epoch).not.toBe(log.epoch);
  });

  it("stays the same log when a standby took over that has everything", async () => {
    const log = await openSafely();
    await log.append(newEvents(1));
    await query(url, `update ${schema}.meta set value = '00000000' where key = 'timeline'`);
    await log.retain();
    expect((await openSafely()).epoch).toBe(log.epoch);
  });
});
