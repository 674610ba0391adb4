/**
 * A process that appends to a log as fast as it can until it is killed, reads it meanwhile, and prints what it was told:
 * - `open EPOCH HEAD`
 * - `ack OFFSET BATCH ID …` for the events of each acknowledged batch
 * - `read OFFSET ID` for the newest event that was readable
 * - `fault …`, which must not be
 */
import { writeSync } from "node:fs";
import type { Log, NewEvent } from "../../packages/server/src/log/log.ts";
import { openSqliteLog } from "../../packages/server/src/log/sqlite/sqlite-log.ts";

/** `retried`: the number in the newest id of the life before that was acknowledged; events about it are published again. */
const [directory = "", life = "", retried = "", seed = ""] = process.argv.slice(2);
const WRITERS = 12;
/** Small segments, so that many a kill falls into the middle of indexing. */
const SIZES = { segmentEvents: 500, runOffsets: 50, runsAtOnce: 4, mergedTopics: 64, scannedEvents: 20_000, retainedEvents: 1000 };

/** mulberry32 */
let state = Number(seed);
function random(below: number): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
}

/** When this returns the line is in the pipe, whatever happens to this process. */
function print(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // The reader is slower than this process.
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
  }
}

function eventOf(id: string, number: number): NewEvent {
  return {
    tenant: "acme",
    type: "rfq.created",
    source: "writer",
    id,
    time: "2026-11-20T12:00:00.000Z",
    subject: undefined,
    correlationId: id,
    data: JSON.stringify({ id, pad: "x".repeat(random(1000)) }),
    topics: ["all", `t${number % 40}`],
    // Every fourth id is the server's own.
    deduplicate: number % 4 > 0,
  };
}

async function append(log: Log, events: readonly NewEvent[]): Promise<void> {
  const appended = await log.append(events);
  print(`ack ${appended.map(({ offset, batch }, index) => `${offset} ${batch} ${events[index]?.id ?? ""}`).join(" ")}`);
}

let count = 0;

async function write(log: Log): Promise<never> {
  for (;;) {
    const events = Array.from({ length: 1 + random(6) }, () => eventOf(`${life}-${++count}`, count));
    await append(log, events);
    if (random(100) > 0) continue;
    // A checkpoint shares the file and its transactions.
    const { head } = log.bounds();
    await log.saveCheckpoint({ offset: head, version: "1" }, [{ view: "v", tenant: "acme", entity: "e", state: JSON.stringify(head) }]);
  }
}

async function read(log: Log): Promise<never> {
  for (let after = log.bounds().head; ;) {
    const { events, upTo } = await log.read({ after, limit: 1000, tenant: "acme", topics: ["all"] });
    const newest = events.at(-1);
    if (newest !== undefined) print(`read ${newest.offset} ${newest.id}`);
    after = upTo;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const log = await openSqliteLog(
  directory,
  {
    retention: { maxAgeMs: Infinity, maxBytes: Infinity },
    dedupeWindowMs: Infinity,
    now: () => Date.now(),
    maxWaitingEvents: 100_000,
    onFault: (error) => print(`fault ${error.message}`),
  },
  SIZES,
);
print(`open ${log.epoch} ${log.bounds().head}`);
const before = Number(life) - 1;
for (let number = Math.max(1, Number(retried) - 30); number < Number(retried) + 100; number++) {
  if (number % 4 > 0) await append(log, [eventOf(`${before}-${number}`, number)]);
}
await Promise.all([read(log), ...Array.from({ length: WRITERS }, () => write(log))]);
