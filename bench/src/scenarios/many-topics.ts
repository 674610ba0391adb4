/** 1,000 clients, each on 10 of 1,000 symbols: what a rate costs, and how late prices come. */
import { type Measured, type Subject, startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { ALL, BROADTAPE_SOCKET_IO, BROADTAPE_SSE, BROADTAPE_WS, withWindow } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const CLIENTS = 1000;
const TOPICS = 1000;
const TOPICS_EACH = 10;
const WINDOW_MS = 20;
const WARM_UP_SECONDS = 2;
const SECONDS = 4;

export async function manyTopics(rounds: number, eventsPerSecond: number, say: (line: string) => void): Promise<Table> {
  const windows = [BROADTAPE_WS, BROADTAPE_SOCKET_IO, BROADTAPE_SSE].map((subject) => withWindow(subject, WINDOW_MS));
  const readings = new Map<Subject, Reading[]>([...ALL, ...windows].map((subject) => [subject, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [subject, all] of readings) {
      const reading = await read(subject, eventsPerSecond);
      all.push(reading);
      say(`many topics, round ${round}: ${subject.name} ${figure(reading.cpu * 100)} %, p99 ${figure(reading.p99Ms)} ms`);
    }
  }
  return {
    title: `B. ${figure(eventsPerSecond)} events/s, 1,000 clients on 10 of 1,000 symbols each`,
    note: `Share of one core (all threads), latency from publish to receive, messages that arrived of those that were sent at the rate; median of ${rounds} interleaved rounds.`,
    head: ["server", "core", "p50 ms", "p99 ms", "deliveries/s"],
    rows: [...readings].map(([subject, all]) => [
      subject.name,
      `${figure(median(all.map(({ cpu }) => cpu * 100)))} %`,
      figure(median(all.map(({ p50Ms }) => p50Ms))),
      figure(median(all.map(({ p99Ms }) => p99Ms))),
      figure(median(all.map(({ perSecond }) => perSecond))),
    ]),
  };
}

interface Reading {
  readonly cpu: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

async function read(subject: Subject, rate: number): Promise<Reading> {
  const rig = await startRig(subject);
  try {
    await rig.connect({ clients: CLIENTS, topics: TOPICS, topicsEach: TOPICS_EACH });
    await rig.measure(rate, WARM_UP_SECONDS, TOPICS);
    return readingOf(await rig.measure(rate, SECONDS, TOPICS));
  } finally {
    await rig.stop();
  }
}

function readingOf({ published, reading }: Measured): Reading {
  return {
    cpu: possible("share of a core", published.cpuSeconds / published.seconds, 0, 1.2),
    p50Ms: possible("p50, ms", reading.p50Ms, 0),
    p99Ms: possible("p99, ms", reading.p99Ms, 0),
    perSecond: possible("deliveries", reading.messages, 1, published.events * TOPICS_EACH) / published.seconds,
  };
}
