/** 1,000 event streams of 100 events a second each, plain and compressed: latency, processor, bytes, memory (contract 50-sse "Figures asked for"). */
import { DECODING_CLIENTS } from "../control.ts";
import { type Subject, startRig } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { BETTER_SSE, BROADTAPE_SSE, BROADTAPE_SSE_GZIP, RES_WRITE, RES_WRITE_GZIP } from "../subjects.ts";
import { type Table, figure } from "../table.ts";

const CLIENTS = 1000;
/** What the load costs whoever reads it is there with these. */
const FIRST_CLIENTS = 100;
const RATE = 100;
const WARM_UP_SECONDS = 2;
const SECONDS = 5;
const SUBJECTS: readonly Subject[] = [BETTER_SSE, RES_WRITE, BROADTAPE_SSE, RES_WRITE_GZIP, BROADTAPE_SSE_GZIP];

interface Outcome {
  readonly cpu: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bytesPerClientSecond: number;
  /** Of 100 clients, under load. */
  readonly liveBytes: number;
  readonly residentBytes: number;
  readonly isWhole: boolean;
}

export async function streams(rounds: number, say: (line: string) => void): Promise<Table> {
  const readings = new Map<Subject, Outcome[]>(SUBJECTS.map((subject) => [subject, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [subject, all] of readings) {
      const outcome = await read(subject);
      all.push(outcome);
      say(`streams, round ${round}: ${subject.name} ${figure(outcome.cpu * 100)} %, p99 ${figure(outcome.p99Ms)} ms`);
    }
  }
  const at = (all: readonly Outcome[], of: (outcome: Outcome) => number) => figure(median(all.map(of)));
  return {
    title: `Event streams: ${figure(CLIENTS)} clients, ${RATE} events/s each`,
    note: `One topic; share of one core with all threads; bytes after compression; memory is the growth by ${CLIENTS - FIRST_CLIENTS} clients while they are served, for 100 of them: what is referred to after a collection, and the resident set, which the collector's young space enters with ten times the load; median of ${rounds} interleaved rounds. Of compressed streams ${2 * DECODING_CLIENTS} are decoded for latency and completeness.`,
    head: ["server", "core", "p50 ms", "p99 ms", "KB/s a client", "MB of 100 clients: live", "resident", "all arrived"],
    rows: [...readings].map(([subject, all]) => [
      subject.name,
      `${at(all, ({ cpu }) => cpu * 100)} %`,
      at(all, ({ p50Ms }) => p50Ms),
      at(all, ({ p99Ms }) => p99Ms),
      at(all, ({ bytesPerClientSecond }) => bytesPerClientSecond / 1024),
      at(all, ({ liveBytes }) => liveBytes / 1024 / 1024),
      at(all, ({ residentBytes }) => residentBytes / 1024 / 1024),
      all.every(({ isWhole }) => isWhole) ? "yes" : "no",
    ]),
  };
}

function of100(grown: number): number {
  return possible("bytes of 100 clients", (grown / (CLIENTS - FIRST_CLIENTS)) * 100, 1);
}

async function read(subject: Subject): Promise<Outcome> {
  const isGzip = subject.wire === "sse-gzip";
  const rig = await startRig(subject);
  try {
    await rig.connect({ clients: FIRST_CLIENTS, topics: 1, topicsEach: 1 });
    await rig.measure(RATE, SECONDS, 1);
    const before = await rig.memory();
    await rig.connect({ clients: CLIENTS - FIRST_CLIENTS, topics: 1, topicsEach: 1 });
    await rig.measure(RATE, WARM_UP_SECONDS, 1);
    const { published, reading } = await rig.measure(RATE, SECONDS, 1);
    const after = await rig.memory();
    // Of each time that clients were connected.
    const decoding = 2 * DECODING_CLIENTS;
    const expected = published.events * (isGzip ? decoding : CLIENTS);
    const counting = isGzip ? CLIENTS - decoding : CLIENTS;
    return {
      cpu: possible("share of a core", published.cpuSeconds / published.seconds, 0, 1.2),
      p50Ms: possible("p50, ms", reading.p50Ms, 0),
      p99Ms: possible("p99, ms", reading.p99Ms, 0),
      bytesPerClientSecond: possible("bytes", reading.bytes, 1) / counting / published.seconds,
      liveBytes: of100(after.liveBytes - before.liveBytes),
      residentBytes: of100(after.residentBytes - before.residentBytes),
      isWhole: possible("messages", reading.messages, 1, expected) === expected,
    };
  } finally {
    await rig.stop();
  }
}
