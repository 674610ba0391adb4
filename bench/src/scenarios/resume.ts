/** 1,000 clients come back at once, each 1,000 events behind. */
import { startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { BROADTAPE_WS, lossless } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const CLIENTS = 1000;
const EVENTS = 1000;

export async function resumeStorm(rounds: number, say: (line: string) => void): Promise<Table> {
  const seconds: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const rig = await startRig(lossless(BROADTAPE_WS));
    try {
      const after = await rig.fill(EVENTS, 1);
      const started = performance.now();
      await rig.connect({ clients: CLIENTS, topics: 1, topicsEach: 1, topicKind: "feed", after });
      let messages = 0;
      while (messages < CLIENTS * EVENTS) {
        messages = possible("messages", (await rig.reading()).messages, messages, CLIENTS * EVENTS);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      seconds.push((performance.now() - started) / 1000);
      say(`resume storm, round ${round}: ${figure(seconds.at(-1) ?? NaN)} s`);
    } finally {
      await rig.stop();
    }
  }
  return {
    title: "Resume storm: 1,000 clients at once, each 1,000 events behind",
    note: `From the first connection to the last event; connecting and authenticating included; median of ${rounds} rounds.`,
    head: ["seconds", "events/s"],
    rows: [[figure(median(seconds)), figure((CLIENTS * EVENTS) / median(seconds))]],
  };
}
