/** The embedded log alone: 300-byte events, synced before they are acknowledged. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLog } from "../../../packages/server/src/log/sqlite/sqlite-log.ts";
import { median, possible } from "../statistics.ts";
import { type Table, figure } from "../table.ts";

const IN_FLIGHT = 5000;
const SECONDS = 5;
const DATA = JSON.stringify("x".repeat(298));

export async function appends(rounds: number, say: (line: string) => void): Promise<Table> {
  const rates: Record<"made" | "given", number[]> = { made: [], given: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const ids of ["made", "given"] as const) {
      const rate = await append(ids === "given");
      rates[ids].push(possible("events/s", rate, 1));
      say(`appends, round ${round}: ids ${ids}, ${figure(rate)} events/s`);
    }
  }
  return {
    title: "Durable appends, embedded log",
    note: `300-byte events one by one on 1,000 topics, ${figure(IN_FLIGHT)} in flight, one fsync a group, main and log thread on two cores; median of ${rounds} rounds.`,
    head: ["event ids", "events/s"],
    rows: [
      ["made by the server", figure(median(rates.made))],
      ["given by the publisher, deduplicated", figure(median(rates.given))],
    ],
  };
}

async function append(deduplicate: boolean): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "broadtape-appends-"));
  const log = await openSqliteLog(join(directory, "log"), {
    retention: { maxAgeMs: Infinity, maxBytes: Infinity },
    dedupeWindowMs: Infinity,
    now: () => Date.now(),
    maxWaitingEvents: 2 * IN_FLIGHT,
  });
  try {
    const started = performance.now();
    const end = started + SECONDS * 1000;
    let stored = 0;
    let next = 0;
    const worker = async () => {
      while (performance.now() < end) {
        const id = `event-${next++}`;
        const topics = [`symbol:SYM${next % 1000}`];
        const fixed = { tenant: "bench", type: "bench", source: "bench", time: "2026-11-20T12:00:00.000Z", subject: undefined };
        await log.append([{ ...fixed, id, correlationId: id, data: DATA, topics, deduplicate }]);
        stored += 1;
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    return stored / ((performance.now() - started) / 1000);
  } finally {
    await log.close();
    rmSync(directory, { recursive: true });
  }
}
