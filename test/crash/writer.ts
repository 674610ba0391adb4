/**
 * A process that appends to a log as fast as it can until it is killed. It prints a line for every batch that was acknowledged:
 * `offset batch id`, for each of its events; and first of all its epoch and head.
 */
import { writeSync } from "node:fs";
import type { NewEvent } from "../../packages/server/src/log/log.ts";
import { openSqliteLog } from "../../packages/server/src/log/sqlite/sqlite-log.ts";

const [directory = "", life = "0", seed = "1"] = process.argv.slice(2);
const WRITERS = 12;

/** mulberry32 */
let state = Number(seed) >>> 0;
function random(below: number): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
}

/** A pipe's write is done when this returns: what is printed was acknowledged, and what is acknowledged is soon printed. */
function print(line: string): void {
  writeSync(1, `${line}\n`);
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
  // Small segments, so that many a kill falls into the middle of indexing.
  { segmentEvents: 500, runOffsets: 50, runsAtOnce: 4, mergedTopics: 64, scannedEvents: 20_000, retainedEvents: 1000 },
);
print(`open ${log.epoch} ${log.bounds().head}`);

let count = 0;
function newEvent(batch: number, size: number): NewEvent {
  const id = `${life}-${count++}`;
  return {
    tenant: "acme",
    type: "rfq.created",
    source: "writer",
    id,
    time: "2026-11-20T12:00:00.000Z",
    subject: undefined,
    correlationId: `${batch}/${size}`,
    data: JSON.stringify({ id, pad: "x".repeat(random(1000)) }),
    topics: ["all", `t${random(40)}`],
    deduplicate: random(4) > 0,
  };
}

async function write(writer: number): Promise<never> {
  for (let batch = writer; ; batch += WRITERS) {
    const size = 1 + random(6);
    const events = Array.from({ length: size }, () => newEvent(batch, size));
    const appended = await log.append(events);
    print(`ack ${appended.map(({ offset, batch: first }, index) => `${offset} ${first} ${events[index]?.id ?? ""}`).join(" ")}`);
    // Checkpoints share the file and its transactions.
    if (random(50) === 0) {
      const { head } = log.bounds();
      await log.saveCheckpoint({ offset: head, version: "1" }, [
        { view: "v", tenant: "acme", entity: `e${random(5)}`, state: JSON.stringify({ head }) },
      ]);
      print(`checkpoint ${head}`);
    }
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
