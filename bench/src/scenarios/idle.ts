/** What a connection costs that does nothing. */
import { type Subject, startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { ALL, BROADTAPE_WS } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const CONNECTIONS = 8000;
/** So that what the first ones set up is not counted. */
const WARM_UP = 500;
/** One beat of every heart. */
const BEAT_SECONDS = 32;

export async function idleConnections(rounds: number, say: (line: string) => void): Promise<Table> {
  const readings = new Map<Subject, number[]>(ALL.map((subject) => [subject, []]));
  let share = NaN;
  for (let round = 1; round <= rounds; round++) {
    for (const [subject, all] of readings) {
      const rig = await startRig(subject);
      try {
        await rig.connect({ clients: WARM_UP, topics: 1, topicsEach: 1 });
        const before = await rig.residentBytes();
        await rig.connect({ clients: CONNECTIONS, topics: 1, topicsEach: 1 });
        const bytes = (await rig.residentBytes()) - before;
        all.push(possible("bytes of a connection", bytes / CONNECTIONS, 1));
        say(`idle, round ${round}: ${subject.name} ${figure((all.at(-1) ?? NaN) / 1024)} KB`);
        if (subject !== BROADTAPE_WS || round > 1) continue;
        await rig.cpuSeconds();
        await new Promise((resolve) => setTimeout(resolve, BEAT_SECONDS * 1000));
        share = possible("share of a core", (await rig.cpuSeconds()) / BEAT_SECONDS, 0, 1.2);
        say(`idle: ${figure(share * 100)} % of a core with heartbeats`);
      } finally {
        await rig.stop();
      }
    }
  }
  return {
    title: `Idle connections: ${figure(CONNECTIONS)} of them`,
    note: `Growth of the resident set after a collection, on one topic that is silent; kernel buffers not counted; median of ${rounds} rounds. Heartbeats of all of them cost Broadtape ${figure(share * 100)} % of a core over WebSocket.`,
    head: ["server", "KB a connection"],
    rows: [...readings].map(([subject, all]) => [subject.name, figure(median(all) / 1024)]),
  };
}
