/** A node in a process of its own: appends so many batches of so many events, one after the other; or stops with the lock in its hands. */
import { openPostgresLog } from "./postgres-log.ts";
import { SIZES } from "./sizes.ts";

const [url = "", schema, batches, size, mode] = process.argv.slice(2);
const log = await openPostgresLog(
  { url, schema },
  {
    retention: { maxAgeMs: Infinity, maxBytes: Infinity },
    dedupeWindowMs: Infinity,
    // A commit asks for the time when it has the lock.
    now: () => (mode === "stuck" ? stop() : Date.now()),
    maxWaitingEvents: 1000,
  },
  { ...SIZES, lockHeldMs: 300 },
);
for (let batch = 0; batch < Number(batches); batch++) {
  const events = Array.from({ length: Number(size) }, (_, index) => ({
    tenant: "acme",
    type: "rfq.created",
    source: `writer-${process.pid}`,
    id: `${batch}-${index}`,
    time: "2026-11-20T12:00:00.000Z",
    subject: undefined,
    correlationId: "c",
    data: "{}",
    topics: [],
    deduplicate: true,
  }));
  await log.append(events);
}
await log.close();

function stop(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
