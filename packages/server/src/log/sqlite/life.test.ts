import { copyFileSync, cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAX_EPOCH } from "@broadtape/protocol/event-id";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { PATIENCE_MS } from "../../../../../test/until.ts";
import { Bench, newEvents } from "../contract-place.ts";
import { type SqliteLog, openSqliteLog } from "./sqlite-log.ts";

const root = mkdtempSync(join(tmpdir(), "broadtape-life-"));
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

const database = () => join(directory, "log.db");
const sidecar = () => join(directory, "life.json");
const backup = () => `${directory}-backup`;
const open = (at = directory) => openSqliteLog(at, bench.options());

/** Opens the log, does something with it, closes it, and returns its epoch. */
async function live(use: (log: SqliteLog) => Promise<unknown> = async () => undefined): Promise<number> {
  const log = await open();
  await use(log);
  await log.close();
  return log.epoch;
}

const append = (count: number) => (log: SqliteLog) => log.append(newEvents(count));

describe("the epoch", () => {
  it("is a number that fits into ids, and stays over restarts", async () => {
    const epoch = await live(append(1));
    expect(epoch).toSatisfy(Number.isInteger);
    expect(epoch).toBeGreaterThanOrEqual(1);
    expect(epoch).toBeLessThanOrEqual(MAX_EPOCH);
    for (let restart = 0; restart < 3; restart++) expect(await live(append(restart))).toBe(epoch);
  });

  it("is another one where the data was wiped", async () => {
    const epochs = new Set<number>();
    // Nothing is left to tell which one was had before: one in 65,535 is the same.
    for (let life = 0; life < 3; life++) {
      epochs.add(await live(append(1)));
      rmSync(directory, { recursive: true });
    }
    expect(epochs.size).toBeGreaterThan(1);
  });

  it("is another one where only the database was wiped", async () => {
    const epoch = await live(append(1));
    rmSync(database());
    expect(await live()).not.toBe(epoch);
  });

  it("is another one in a copy, and stays in the original", async () => {
    const epoch = await live(append(1));
    cpSync(directory, backup(), { recursive: true, preserveTimestamps: true });
    const copy = await openSqliteLog(backup(), bench.options());
    await copy.close();
    expect(copy.epoch).not.toBe(epoch);
    expect(copy.bounds().head).toBe(1);
    expect(await live()).toBe(epoch);
  });

  it("is another one where a backup of the database took its place", async () => {
    const epoch = await live(append(1));
    copyFileSync(database(), backup());
    await live(append(1));
    // The new file often gets the inode of the removed one.
    rmSync(database());
    copyFileSync(backup(), database());
    expect(await live()).not.toBe(epoch);
  });

  it("is another one where a backup was written into the database, even when it is as long", async () => {
    const epoch = await live(append(2));
    copyFileSync(database(), backup());
    await live();
    writeFileSync(database(), readFileSync(backup()));
    expect(await live()).not.toBe(epoch);
  });

  it("is another one where the log is shorter than it was", async () => {
    const log = await open();
    await log.append(newEvents(1));
    // A backup while the server runs, of the same opening.
    const { default: Database } = await import("better-sqlite3");
    const hot = new Database(database(), { readonly: true });
    await hot.backup(backup());
    hot.close();
    await log.append(newEvents(1));
    await log.close();
    writeFileSync(database(), readFileSync(backup()));
    expect(await live()).not.toBe(log.epoch);
  });

  it.each([1, 2, 3])(
    "is another one where database and sidecar were overwritten in place by those of %i openings before",
    async (openings) => {
      const epoch = await live(append(1));
      cpSync(directory, backup(), { recursive: true });
      for (let opening = 0; opening < openings; opening++) await live(append(1));
      for (const file of ["log.db", "life.json"]) writeFileSync(join(directory, file), readFileSync(join(backup(), file)));
      expect(await live()).not.toBe(epoch);
    },
  );

  it("is another one where the whole directory was removed and restored", async () => {
    const epoch = await live(append(1));
    cpSync(directory, backup(), { recursive: true, preserveTimestamps: true });
    rmSync(directory, { recursive: true });
    cpSync(backup(), directory, { recursive: true, preserveTimestamps: true });
    expect(await live()).not.toBe(epoch);
  });

  it("is another one without its sidecar, or with one that cannot be read", async () => {
    const epoch = await live(append(1));
    rmSync(sidecar());
    const second = await live();
    expect(second).not.toBe(epoch);
    for (const text of ["", "{", "null", "[]", "{}", '{"epoch":1}']) {
      const before = await live();
      writeFileSync(sidecar(), text);
      expect(await live()).not.toBe(before);
    }
  });

  it("stays where a server was killed between the sidecar and the database", async () => {
    const epoch = await live(append(1));
    const written = JSON.parse(readFileSync(sidecar(), "utf8"));
    const { opening } = written;
    writeFileSync(sidecar(), JSON.stringify({ ...written, nextOpening: "not noted any more" }));
    expect(await live()).toBe(epoch);
    const rewritten = JSON.parse(readFileSync(sidecar(), "utf8"));
    expect(rewritten.opening).not.toBe(opening);
    writeFileSync(sidecar(), JSON.stringify({ ...rewritten, opening, nextOpening: rewritten.opening }));
    expect(await live()).toBe(epoch);
  });

  it("stays where a server was killed at its first opening, before the sidecar", async () => {
    const epoch = await live();
    rmSync(sidecar());
    expect(await live()).toBe(epoch);
  });
});

describe("once a second", () => {
  const untilTrue = async (isTrue: () => boolean) => {
    // Timers are fake; the clock is not.
    for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline && !isTrue();) await new Promise(setImmediate);
    expect(isTrue()).toBe(true);
  };
  const notedHead = () => (JSON.parse(readFileSync(sidecar(), "utf8")) as { head: number }).head;

  it("the sidecar follows the head", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const log = await open();
      for (const head of [2, 4]) {
        await log.append(newEvents(2));
        vi.advanceTimersByTime(1000);
        await untilTrue(() => notedHead() === head);
        // The next look is arranged after this one.
        await untilTrue(() => vi.getTimerCount() === 2);
      }
      await log.append(newEvents(1));
      await log.close();
      expect(notedHead()).toBe(5);
    } finally {
      vi.useRealTimers();
    }
  });

  it("the files are looked after: while one is not there, nothing is taken that would be lost", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const log = await open();
      await log.append(newEvents(1));
      renameSync(database(), backup());
      vi.advanceTimersByTime(1000);
      await untilTrue(() => bench.faults.length === 1);
      expect(bench.faults[0]?.message).toContain(database());
      await expect(log.append(newEvents(1))).rejects.toMatchObject({ name: "LogUnavailable" });
      await untilTrue(() => vi.getTimerCount() === 2);
      renameSync(backup(), database());
      vi.advanceTimersByTime(1000);
      await untilTrue(() => vi.getTimerCount() === 2);
      expect(await log.append(newEvents(1))).toMatchObject([{ offset: 2 }]);
      await log.close();
      expect(bench.faults).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });
});
