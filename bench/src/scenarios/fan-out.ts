/** One topic, 1,000 clients: the most deliveries a second without loss and with a p99 under 100 ms. */
import { type Measured, type Subject, startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { ALL, BETTER_SSE, BROADTAPE_SOCKET_IO, BROADTAPE_SSE, BROADTAPE_WS, RES_WRITE, SOCKET_IO, WS_NAIVE } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const CLIENTS = 1000;
const SECONDS = 1.5;
const STEP = 1.4;
const MAX_P99_MS = 100;
/** A step that another process disturbed does not end the climb; two in a row do. */
const FAILURES = 2;

export async function fanOut(rounds: number, say: (line: string) => void): Promise<Table> {
  const readings = new Map<Subject, number[]>(ALL.map((subject) => [subject, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [subject, all] of readings) {
      const best = await climb(subject);
      all.push(best);
      say(`fan-out, round ${round}: ${subject.name} ${figure(best)} deliveries/s`);
    }
  }
  const at = (subject: Subject) => median(readings.get(subject) ?? []);
  const ratio = (own: Subject, peer: Subject) => `${figure(at(own) / at(peer))} × ${peer.name}`;
  const versus = new Map<Subject, string>([
    [BROADTAPE_WS, [ratio(BROADTAPE_WS, WS_NAIVE), ratio(BROADTAPE_WS, SOCKET_IO)].join(", ")],
    [BROADTAPE_SOCKET_IO, ratio(BROADTAPE_SOCKET_IO, SOCKET_IO)],
    [BROADTAPE_SSE, [ratio(BROADTAPE_SSE, BETTER_SSE), ratio(BROADTAPE_SSE, RES_WRITE)].join(", ")],
  ]);
  return {
    title: "A. Fan-out: one topic, 1,000 clients",
    note: `Most deliveries a second without loss and with a p99 under ${MAX_P99_MS} ms; median of ${rounds} interleaved rounds.`,
    head: ["server", "deliveries/s", "rounds", "ratio"],
    rows: ALL.map((subject) => [
      subject.name,
      figure(at(subject)),
      (readings.get(subject) ?? []).map(figure).join(" · "),
      versus.get(subject) ?? "",
    ]),
  };
}

async function climb(subject: Subject): Promise<number> {
  const rig = await startRig(subject);
  try {
    await rig.connect({ clients: CLIENTS, topics: 1, topicsEach: 1 });
    let best = 0;
    let failures = 0;
    for (let rate = 30; failures < FAILURES; rate = Math.round(rate * STEP)) {
      const reached = deliveriesOf(await rig.measure(rate, SECONDS, 1), rate);
      if (reached === undefined) failures += 1;
      else {
        failures = 0;
        best = Math.max(best, reached);
      }
    }
    return best;
  } finally {
    await rig.stop();
  }
}

/** Deliveries a second, or undefined where this rate was not carried. */
function deliveriesOf({ published, reading }: Measured, rate: number): number | undefined {
  const expected = published.events * CLIENTS;
  possible("deliveries", reading.messages, 0, expected);
  if (reading.messages > 0) possible("latency, ms", reading.p50Ms, 0);
  const isCarried = published.events > rate * SECONDS * 0.9 && reading.messages === expected && reading.p99Ms < MAX_P99_MS;
  return isCarried ? reading.messages / published.seconds : undefined;
}
