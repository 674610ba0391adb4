import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { Bench, HOUR, newEvent, newEvents, offsetsOf } from "../contract-place.ts";
import { LogUnavailable } from "../log.ts";
import { SIZES } from "./sizes.ts";
import { openSqliteLog } from "./sqlite-log.ts";

const root = mkdtempSync(join(tmpdir(), "broadtape-faults-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

let tests = 0;
let directory: string;
let bench: Bench;
beforeEach(() => {
  directory = join(root, String(++tests));
  bench = new Bench();
});
const file = () => join(directory, "log.db");
const open = () => openSqliteLog(directory, bench.options());

describe("opening", () => {
  it("is for one at a time, and says so in one line", async () => {
    const log = await open();
    const refused = await open().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Error);
    expect(String(refused)).toBe(`Error: the data directory ${directory} is in use by another Broadtape process`);
    await log.append(newEvents(1));
    await log.close();
    await (await open()).close();
  });

  it.each([
    ["is no database", "not a database, but long enough to be taken for one".repeat(100)],
    ["is cut off", Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(10)])],
  ])("names a file that %s, leaves it alone, and gives the directory free", async (_, content) => {
    mkdirSync(directory);
    writeFileSync(file(), content);
    await expect(open()).rejects.toThrow(`${file()} cannot be opened as a Broadtape log`);
    expect(readFileSync(file())).toEqual(Buffer.from(content));
    rmSync(file());
    await (await open()).close();
  });

  it("names a database of something else, and leaves it alone", async () => {
    mkdirSync(directory);
    const other = new Database(file());
    other.exec("create table events (name text)");
    other.close();
    const before = readFileSync(file());
    await expect(open()).rejects.toThrow(/log\.db cannot be opened as a Broadtape log: it is a database of something else/);
    expect(readFileSync(file())).toEqual(before);
  });

  it("names a log of a later format", async () => {
    await (await open()).close();
    const later = new Database(file());
    later.pragma("user_version = 99");
    later.close();
    await expect(open()).rejects.toThrow(/log\.db .*format is 99/);
  });

  it("takes an empty file for a new log", async () => {
    mkdirSync(directory);
    writeFileSync(file(), "");
    const log = await open();
    expect(log.bounds().head).toBe(0);
    await log.close();
  });

  it("says when the directory cannot be made", async () => {
    writeFileSync(directory, "a file");
    await expect(open()).rejects.toThrow(directory);
  });
});

describe("a damaged file", () => {
  it("is told of by the read that meets it", async () => {
    const log = await open();
    for (let index = 0; index < 100; index++) await log.append(newEvents(20));
    await log.close();
    const { size } = statSync(file());
    const handle = openSync(file(), "r+");
    for (let at = 40_960; at < size; at += 4096) writeSync(handle, Buffer.alloc(64, 0xff), 0, 64, at);
    closeSync(handle);
    const outcome = await open().then(
      async (damaged) => {
        const read = await offsetsOf(damaged).catch((error: unknown) => error);
        await damaged.close();
        return read;
      },
      (error: unknown) => error,
    );
    expect(outcome).toBeInstanceOf(Error);
    expect(String(outcome)).toContain(file());
  });
});

describe("a disk that takes no more", () => {
  it("rejects the appends of that commit, tells of the outage once, and takes appends again when it can", async () => {
    const log = await open();
    await log.append(newEvents(1));
    const { faults } = bench;
    // Another connection holds the file: a commit fails as it does on a full disk.
    const other = new Database(file());
    other.exec("begin immediate");
    const known = newEvent({ topics: ["new topic"] });
    const results = await Promise.allSettled([log.append([known]), log.append(newEvents(2))]);
    expect(results).toMatchObject([{ reason: { name: "LogUnavailable" } }, { reason: { name: "LogUnavailable" } }]);
    await expect(log.append(newEvents(1))).rejects.toThrow(LogUnavailable);
    expect(faults).toHaveLength(1);
    expect(log.bounds().head).toBe(1);
    other.exec("rollback");
    other.close();
    expect(await log.append([known])).toMatchObject([{ offset: 2, duplicate: false }]);
    expect(await offsetsOf(log, { tenant: "acme", topics: ["new topic"] })).toEqual([2]);
    await log.close();
    expect(faults).toHaveLength(1);
  });
});

describe("what the file keeps", () => {
  const rows = (at: string) => {
    const db = new Database(join(at, "log.db"), { readonly: true });
    const count = (table: string) => db.prepare(`select count(*) from ${table}`).pluck().get();
    const counts = Object.fromEntries(["events", "topics", "topic_runs", "event_ids", "retired_ids"].map((table) => [table, count(table)]));
    db.close();
    return counts;
  };

  it.each([3, 10, SIZES.segmentEvents])("is nothing of events that retention took (segments of %i events)", async (segmentEvents) => {
    const options = bench.options({ retention: { maxAgeMs: HOUR, maxBytes: Infinity } });
    const log = await openSqliteLog(directory, options, { ...SIZES, segmentEvents, runsAtOnce: 1 });
    for (let index = 0; index < 30; index++) await log.append(newEvents(3, { topics: [`t${index}`, "all"] }));
    await log.saveCheckpoint({ offset: 90, version: "1" }, []);
    bench.now += HOUR + 1;
    await log.append([newEvent({ topics: ["all", "last"] })]);
    await log.retain();
    expect(await offsetsOf(log, { tenant: "acme", topics: ["all", "t3"] })).toEqual([91]);
    await log.close();
    const counts = rows(directory);
    expect(counts).toMatchObject({ events: 1, event_ids: 1, retired_ids: 0 });
    expect(counts["topic_runs"]).toBeLessThanOrEqual(2);
    expect(counts["topics"]).toBe(2);
  });

  it("is found by topic again after a restart in the middle of indexing", async () => {
    const sizes = { ...SIZES, segmentEvents: 10, runsAtOnce: 1, runOffsets: 4 };
    const appendTo = async (log: Awaited<ReturnType<typeof open>>) => {
      for (let index = 0; index < 8; index++) await log.append(newEvents(7, { topics: ["a", `t${index % 3}`] }));
    };
    for (let life = 0; life < 4; life++) {
      const log = await openSqliteLog(directory, bench.options(), sizes);
      await appendTo(log);
      const head = log.bounds().head;
      expect(await offsetsOf(log, { tenant: "acme", topics: ["a"] })).toEqual(Array.from({ length: head }, (_, index) => index + 1));
      await log.close();
    }
  });
});
