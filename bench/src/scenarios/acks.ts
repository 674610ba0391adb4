/** The money feed with acks: 1,000 named clients, each event stored, told to its user alone, and acknowledged. */
import { startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { FEED } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const RATE = 10_000;
const CLIENTS = 1000;
const IDLE = 10_000;
/** So that what the first ones set up is not counted. */
const WARM_UP = 500;
const SECONDS = 8;
const BEAT_SECONDS = 32;

export async function acks(rounds: number, say: (line: string) => void): Promise<Table> {
  const busy = { p50: [] as number[], p95: [] as number[], p99: [] as number[], cpu: [] as number[], rows: [] as number[] };
  for (let round = 1; round <= rounds; round++) {
    const rig = await startRig(FEED);
    try {
      await rig.connect({ clients: CLIENTS, topics: CLIENTS, topicsEach: 1 });
      await rig.measure(RATE, 2, CLIENTS);
      const before = await rig.metric("broadtape_kept_rows_total");
      const { published, reading } = await rig.measure(RATE, SECONDS, CLIENTS);
      // Everybody is told every event of their own, and nothing twice that was acknowledged.
      possible("share of events that were told", reading.messages / published.events, 0.99, 1.05);
      busy.p50.push(possible("p50, ms", reading.p50Ms, 0));
      busy.p95.push(possible("p95, ms", reading.p95Ms, 0));
      busy.p99.push(possible("p99, ms", reading.p99Ms, 0));
      busy.cpu.push(possible("share of a core", published.cpuSeconds / published.seconds, 0, 1.2));
      busy.rows.push(possible("rows a second", ((await rig.metric("broadtape_kept_rows_total")) - before) / published.seconds, 0));
      say(`acks, round ${round}: ${figure(published.events / published.seconds)} events/s, p99 ${figure(reading.p99Ms)} ms`);
    } finally {
      await rig.stop();
    }
  }
  const idle = await idleFeed(say);
  return {
    title: `Money feed: ${figure(CLIENTS)} acking clients at ${figure(RATE)} events/s`,
    note: `Each event is durable, told to its user, acknowledged up to the newest of each read; positions written behind. From publish to receive; all threads on one core; median of ${rounds} rounds. ${figure(IDLE)} idle clients that subscribed: ${figure(idle.bytes / 1024)} KB each and ${figure(idle.share * 100)} % of a core with heartbeats.`,
    head: ["p50 ms", "p95 ms", "p99 ms", "share of a core", "registry rows/s"],
    rows: [
      [
        ...[busy.p50, busy.p95, busy.p99].map((all) => figure(median(all))),
        `${figure(median(busy.cpu) * 100)} %`,
        figure(median(busy.rows)),
      ],
    ],
  };
}

async function idleFeed(say: (line: string) => void): Promise<{ bytes: number; share: number }> {
  const rig = await startRig(FEED);
  try {
    await rig.connect({ clients: WARM_UP, topics: 1000, topicsEach: 1 });
    const before = await rig.residentBytes();
    await rig.connect({ clients: IDLE, topics: 1000, topicsEach: 1 });
    const bytes = possible("bytes of a connection", ((await rig.residentBytes()) - before) / IDLE, 1);
    await rig.cpuSeconds();
    await new Promise((resolve) => setTimeout(resolve, BEAT_SECONDS * 1000));
    const share = possible("share of a core", (await rig.cpuSeconds()) / BEAT_SECONDS, 0, 1.2);
    say(`acks, idle: ${figure(bytes / 1024)} KB, ${figure(share * 100)} % of a core`);
    return { bytes, share };
  } finally {
    await rig.stop();
  }
}
