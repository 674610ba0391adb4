/** 10,000 RFQs that count down, all of them followed: what the clock alone costs. */
import { startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { BROADTAPE_WS } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const RFQS = 10_000;
const CLIENTS = 10;
const SECONDS = 8;
/** Beyond the checkpoint of what was just published. */
const SETTLE_MS = 12_000;
/** A tick of each RFQ a second is about so many bytes on the wire, at least. */
const TICK_BYTES = 100;

export async function countdown(rounds: number, say: (line: string) => void): Promise<Table> {
  const shares: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const rig = await startRig({ ...BROADTAPE_WS, env: { BENCH_EVENT: "rfq" } });
    try {
      await rig.fill(RFQS, RFQS);
      await rig.connect({ clients: CLIENTS, topics: RFQS, topicsEach: RFQS / CLIENTS, topicKind: "rfq" });
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const before = (await rig.reading()).bytes;
      await rig.cpuSeconds();
      await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
      shares.push(possible("share of a core", (await rig.cpuSeconds()) / SECONDS, 0, 1.2));
      const bytes = (await rig.reading()).bytes - before;
      possible("bytes of the ticks", bytes, RFQS * SECONDS * TICK_BYTES * 0.9);
      say(`countdown, round ${round}: ${figure((shares.at(-1) ?? NaN) * 100)} % of a core`);
    } finally {
      await rig.stop();
    }
  }
  return {
    title: `RFQ countdown: ${figure(RFQS)} followed RFQs`,
    note: `Each told its seconds over the native protocol, ${CLIENTS} clients with ${figure(RFQS / CLIENTS)} each; all threads; median of ${rounds} rounds.`,
    head: ["share of a core"],
    rows: [[`${figure(median(shares) * 100)} %`]],
  };
}
