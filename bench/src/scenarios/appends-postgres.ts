/** The log in PostgreSQL alone: 300-byte events, durable before they are acknowledged, from one node and from two. */
import { openPostgresLog, type PostgresLog } from "../../../packages/server/src/log/postgres/postgres-log.ts";
import { type Backbone, forget, startBackbone } from "../nodes-rig.ts";
import { median, possible } from "../statistics.ts";
import { type Table, figure } from "../table.ts";

/** Of each writer. */
const IN_FLIGHT = 5000;
const SECONDS = 5;
const DATA = JSON.stringify("x".repeat(298));

const KINDS = [
  { name: "made by the server", writers: 1, deduplicate: false },
  { name: "given by the publisher, deduplicated", writers: 1, deduplicate: true },
  { name: "made by the server, two writers", writers: 2, deduplicate: false },
] as const;

export async function appendsToPostgres(rounds: number, say: (line: string) => void): Promise<Table> {
  const readings = [false, true].flatMap((hasStandby) => KINDS.map((kind) => ({ hasStandby, kind, rates: [] as number[] })));
  for (let round = 1; round <= rounds; round++) {
    for (const hasStandby of [false, true]) {
      const backbone = await startBackbone({ hasStandby, hasNats: false });
      try {
        for (const { kind, rates } of readings.filter((reading) => reading.hasStandby === hasStandby)) {
          rates.push(possible("events/s", await append(backbone, kind), 1));
          say(`appends-postgres, round ${round}: ${kind.name}${hasStandby ? ", standby" : ""}: ${figure(rates.at(-1) ?? NaN)} events/s`);
        }
      } finally {
        await backbone.remove();
      }
    }
  }
  return {
    title: "Durable appends, PostgreSQL",
    note: `300-byte events one by one on 1,000 topics, ${figure(IN_FLIGHT)} in flight a writer, all writers in one process beside PostgreSQL; the standby on the same disk. Median of ${rounds} interleaved rounds.`,
    head: ["event ids", "synchronous standby", "events/s"],
    rows: readings.map(({ hasStandby, kind, rates }) => [kind.name, hasStandby ? "yes" : "no", figure(median(rates))]),
  };
}

async function append(backbone: Backbone, { writers, deduplicate }: (typeof KINDS)[number]): Promise<number> {
  await forget(backbone);
  const options = {
    retention: { maxAgeMs: Infinity, maxBytes: Infinity },
    dedupeWindowMs: Infinity,
    now: () => Date.now(),
    maxWaitingEvents: 2 * IN_FLIGHT,
  };
  const logs: PostgresLog[] = [];
  for (let writer = 0; writer < writers; writer++) logs.push(await openPostgresLog({ url: backbone.databaseUrl }, options));
  try {
    const started = performance.now();
    const end = started + SECONDS * 1000;
    let stored = 0;
    let next = 0;
    const worker = async (log: PostgresLog | undefined) => {
      while (performance.now() < end) {
        const id = `event-${next++}`;
        const topics = [`symbol:SYM${next % 1000}`];
        const fixed = { tenant: "bench", type: "bench", source: "bench", time: "2026-11-20T12:00:00.000Z", subject: undefined };
        await log?.append([{ ...fixed, id, correlationId: id, data: DATA, topics, deduplicate }]);
        stored += 1;
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT * writers }, (_, index) => worker(logs[index % writers])));
    const { head } = logs[0]?.bounds() ?? { head: 0 };
    // With two writers the first may not know yet of the last that the other stored.
    possible("events in the log", head, writers === 1 ? stored : 1, stored);
    return stored / ((performance.now() - started) / 1000);
  } finally {
    for (const log of logs) await log.close();
  }
}
