/** What was acknowledged is there after kill -9 at any moment, where it was said to be, once; and nothing that was readable goes again. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import type { LogOptions } from "../../packages/server/src/log/log.ts";
import { openSqliteLog, type SqliteLog } from "../../packages/server/src/log/sqlite/sqlite-log.ts";

/** More of them: `BROADTAPE_TEST_KILLS=500 npx vitest run --project crash`. */
const KILLS = Number(process.env["BROADTAPE_TEST_KILLS"] ?? 8);
const WRITER = fileURLToPath(new URL("./writer.ts", import.meta.url));

const root = mkdtempSync(join(process.env["TEST_DISK"] ?? tmpdir(), "broadtape-kill-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

interface Lived {
  readonly epoch: number | undefined;
  /** Every event that the process was told of, by an acknowledgement or a page. */
  readonly told: readonly { readonly offset: number; readonly batch: number | undefined; readonly id: string }[];
  /** Ids of each acknowledged batch. */
  readonly batches: readonly (readonly string[])[];
  readonly faults: readonly string[];
}

/** Lets a writer live until it is killed, `afterMs` from its start or from its opening. */
async function live(directory: string, args: readonly string[], kill: { from: "start" | "open"; afterMs: number }): Promise<Lived> {
  const child = spawn(process.execPath, ["--conditions=@broadtape/source", WRITER, directory, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let isArmed = false;
  const arm = () => {
    if (!isArmed) setTimeout(() => child.kill("SIGKILL"), kill.afterMs);
    isArmed = true;
  };
  if (kill.from === "start") arm();
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    output += text;
    arm();
  });
  const signal = await new Promise((resolve) => child.on("close", (_code, by) => resolve(by)));
  expect(signal).toBe("SIGKILL");
  return parse(output.slice(0, output.lastIndexOf("\n") + 1).split("\n"));
}

function parse(lines: readonly string[]): Lived {
  const told: { offset: number; batch: number | undefined; id: string }[] = [];
  const batches: string[][] = [];
  let epoch: number | undefined;
  for (const [kind, ...words] of lines.map((line) => line.split(" "))) {
    if (kind === "open") epoch = Number(words[0]);
    if (kind === "read") told.push({ offset: Number(words[0]), batch: undefined, id: words[1] ?? "" });
    if (kind !== "ack") continue;
    const events = Array.from({ length: words.length / 3 }, (_, index) => words.slice(3 * index, 3 * index + 3));
    for (const [offset, batch, id = ""] of events) told.push({ offset: Number(offset), batch: Number(batch), id });
    batches.push(events.map(([, , id = ""]) => id));
  }
  return { epoch, told, batches, faults: lines.filter((line) => line.startsWith("fault")) };
}

/** Everything that the log holds, as the test saw it after each kill: index 0 is offset 1. */
class Seen {
  readonly ids: string[] = [];
  readonly batchOf: number[] = [];

  /** Takes in what is new; nothing that was there may have gone or changed. */
  async follow(log: SqliteLog): Promise<void> {
    const { oldest, head } = log.bounds();
    expect(oldest).toBe(1);
    expect(head).toBeGreaterThanOrEqual(this.ids.length);
    await this.check(log, Math.max(0, this.ids.length - 500));
  }

  /** Reads from here on, by offset and by topic. */
  async check(log: SqliteLog, from: number): Promise<void> {
    const byTopic: number[] = [];
    for (const topics of [undefined, ["all"]]) {
      for (let after = from, complete = false; !complete;) {
        const page = await log.read({ after, limit: 2000, tenant: topics && "acme", topics });
        for (const { offset, id, batch } of page.events) {
          if (topics !== undefined) byTopic.push(offset);
          else if (offset <= this.ids.length) expect([offset, this.ids[offset - 1], this.batchOf[offset - 1]]).toEqual([offset, id, batch]);
          else {
            expect(offset).toBe(this.ids.length + 1);
            this.ids.push(id);
            this.batchOf.push(batch);
          }
        }
        after = page.upTo;
        complete = page.complete;
      }
    }
    expect(this.ids.length).toBe(log.bounds().head);
    expect(byTopic).toEqual(Array.from({ length: this.ids.length - from }, (_, index) => from + index + 1));
  }

  /** Each event that a process was told of is where it was said to be. */
  expectTold({ told }: Lived): void {
    const wrong = told.filter(({ offset, batch, id }) => {
      return this.ids[offset - 1] !== id || (batch !== undefined && this.batchOf[offset - 1] !== batch);
    });
    expect(wrong).toEqual([]);
  }

  /** No id is there twice, and events of a batch lie side by side under its first offset. */
  expectWhole(batches: Lived["batches"]): void {
    const offsetOf = new Map(this.ids.map((id, index) => [id, index + 1]));
    expect(offsetOf.size).toBe(this.ids.length);
    const broken = batches.filter((ids) => {
      const first = offsetOf.get(ids[0] ?? "") ?? 0;
      const isBatch = (id: string, index: number) => offsetOf.get(id) === first + index && this.batchOf[first + index - 1] === first;
      return ids.length > 1 && !ids.every(isBatch);
    });
    expect(broken).toEqual([]);
  }
}

it(`keeps every acknowledged event through ${KILLS} kills, in one life`, async () => {
  const directory = join(root, "log");
  const seen = new Seen();
  const lives: Lived[] = [];
  const epochs = new Set<number>();
  let retried = 0;
  for (let life = 1; life <= KILLS; life++) {
    // Most are killed while they write, some before they have opened, some just then.
    const kill =
      life % 5 === 0
        ? { from: "start" as const, afterMs: Math.random() * 400 }
        : { from: "open" as const, afterMs: Math.random() ** 2 * 500 };
    const lived = await live(directory, [String(life), String(retried), String(life)], kill);
    lives.push(lived);
    if (lived.epoch !== undefined) epochs.add(lived.epoch);
    const numbers = lived.told.flatMap(({ id }) => (id.startsWith(`${life}-`) ? Number(id.split("-")[1]) : []));
    retried = Math.max(0, ...numbers);
    const log = await openSqliteLog(directory, options);
    epochs.add(log.epoch);
    await seen.follow(log);
    seen.expectTold(lived);
    await log.close();
  }
  const log = await openSqliteLog(directory, options);
  await seen.check(log, 0);
  await log.close();
  for (const lived of lives) seen.expectTold(lived);
  seen.expectWhole(lives.flatMap(({ batches }) => batches));
  expect(lives.flatMap(({ faults }) => faults)).toEqual([]);
  expect(epochs.size).toBe(1);
  expect(lives.filter(({ told }) => told.length > 0).length).toBeGreaterThan(KILLS / 4);
});

const options: LogOptions = {
  retention: { maxAgeMs: Infinity, maxBytes: Infinity },
  dedupeWindowMs: Infinity,
  now: () => Date.now(),
  maxWaitingEvents: 1000,
};
