/** Appends a little all the time, whatever comes of it, and prints a line for each outcome: `ok OFFSET ID`, `unavailable`, `fault`. */
import { writeSync } from "node:fs";
import { LogUnavailable } from "../../packages/server/src/log/log.ts";
import { openSqliteLog } from "../../packages/server/src/log/sqlite/sqlite-log.ts";

const print = (line: string) => writeSync(1, `${line}\n`);

const log = await openSqliteLog(process.argv[2] ?? "", {
  retention: { maxAgeMs: Infinity, maxBytes: Infinity },
  dedupeWindowMs: Infinity,
  now: () => Date.now(),
  maxWaitingEvents: 1000,
  onFault: (error) => print(`fault ${error.message}`),
});

for (let number = 1; ; number++) {
  const id = `event-${number}`;
  const event = {
    tenant: "acme",
    type: "rfq.created",
    source: "writer",
    id,
    time: "2026-11-20T12:00:00.000Z",
    subject: undefined,
    correlationId: id,
    data: JSON.stringify("x".repeat(2000)),
    topics: ["all", `t${number}`],
    deduplicate: true,
  };
  try {
    const [appended] = await log.append([event]);
    print(`ok ${appended?.offset ?? 0} ${id}`);
  } catch (error) {
    print(error instanceof LogUnavailable ? "unavailable" : `wrong ${String(error)}`);
  }
  await new Promise((resolve) => setTimeout(resolve, 2));
}
