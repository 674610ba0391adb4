/** 1,000 events a second of the lossless class, each stored before it is told: from publish to receive. */
import { startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { BROADTAPE_WS, lossless } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const RATE = 1000;
const CLIENTS = 100;
const SECONDS = 5;

export async function losslessLatency(rounds: number, say: (line: string) => void): Promise<Table> {
  const p50: number[] = [];
  const p99: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const rig = await startRig(lossless(BROADTAPE_WS));
    try {
      await rig.connect({ clients: CLIENTS, topics: CLIENTS, topicsEach: 1, topicKind: "feed" });
      await rig.measure(RATE, 2, CLIENTS);
      const { published, reading } = await rig.measure(RATE, SECONDS, CLIENTS);
      // Every client follows one of the topics, and every topic is followed by one or more: nothing may be missing.
      possible("deliveries", reading.messages, 1, published.events * CLIENTS);
      p50.push(possible("p50, ms", reading.p50Ms, 0));
      p99.push(possible("p99, ms", reading.p99Ms, 0));
      say(`lossless, round ${round}: p50 ${figure(reading.p50Ms)} ms, p99 ${figure(reading.p99Ms)} ms`);
    } finally {
      await rig.stop();
    }
  }
  return {
    title: "Lossless, 1,000 events/s, fsync before delivery",
    note: `From publish to receive over a WebSocket, ${CLIENTS} clients; median of ${rounds} rounds.`,
    head: ["p50 ms", "p99 ms"],
    rows: [[figure(median(p50)), figure(median(p99))]],
  };
}
