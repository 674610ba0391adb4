/** From publish at one node to receive at another: NATS, and LISTEN and NOTIFY, each with and without a standby that every commit waits for. */
import { type BackboneOptions, forget, startBackbone, startNodes, type Backbone } from "../nodes-rig.ts";
import { median, possible } from "../statistics.ts";
import { type Table, figure } from "../table.ts";

const RATE = 1000;
const CLIENTS = 100;
const SECONDS = 5;
/** Each topic is followed by one client. */
const ORDER = { eventsPerSecond: RATE, topics: CLIENTS, receivers: 1 };

const PLACES = ["the same node", "another node"] as const;

interface Way extends BackboneOptions {
  readonly name: string;
}

const WAYS: readonly Way[] = [
  { name: "NATS", hasNats: true, hasStandby: false },
  { name: "LISTEN/NOTIFY", hasNats: false, hasStandby: false },
  { name: "NATS, synchronous standby", hasNats: true, hasStandby: true },
  { name: "LISTEN/NOTIFY, synchronous standby", hasNats: false, hasStandby: true },
];

interface Latency {
  /** What was published: less than asked for where the database is the limit. */
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function crossing(rounds: number, say: (line: string) => void): Promise<Table> {
  const readings = WAYS.flatMap((way) => PLACES.map((place, node) => ({ way, place, node, all: [] as Latency[] })));
  for (let round = 1; round <= rounds; round++) {
    for (const way of WAYS) {
      const backbone = await startBackbone(way);
      try {
        for (const { place, node, all } of readings.filter((reading) => reading.way === way)) {
          const latency = await read(backbone, node);
          all.push(latency);
          say(`crossing, round ${round}: ${way.name}, ${place}: p50 ${figure(latency.p50Ms)} ms, p99 ${figure(latency.p99Ms)} ms`);
        }
      } finally {
        await backbone.remove();
      }
    }
  }
  return {
    title: `From publish to receive through another node, ${figure(RATE)} events/s`,
    note: `Lossless class over a WebSocket, ${CLIENTS} clients, two nodes; each event is durable in PostgreSQL before it is told, with the standby on both of them (same disk). Median of ${rounds} interleaved rounds.`,
    head: ["wire", "clients at", "events/s", "p50 ms", "p99 ms"],
    rows: readings.map(({ way, place, all }) => [
      way.name,
      place,
      figure(median(all.map(({ eventsPerSecond }) => eventsPerSecond))),
      figure(median(all.map(({ p50Ms }) => p50Ms))),
      figure(median(all.map(({ p99Ms }) => p99Ms))),
    ]),
  };
}

async function read(backbone: Backbone, node: number): Promise<Latency> {
  await forget(backbone);
  const rig = await startNodes(2, backbone, { BENCH_EVENT: "bench.feed" });
  try {
    await rig.connect(node, { clients: CLIENTS, topics: CLIENTS, topicsEach: 1, topicKind: "feed" });
    await rig.measure({ ...ORDER, seconds: 2 });
    const { published, reading } = await rig.measure({ ...ORDER, seconds: SECONDS });
    const eventsPerSecond = possible("events/s", published.events / published.seconds, 1, RATE * 1.05);
    possible("deliveries", reading.messages, published.events, published.events);
    return { eventsPerSecond, p50Ms: possible("p50, ms", reading.p50Ms, 0), p99Ms: possible("p99, ms", reading.p99Ms, reading.p50Ms) };
  } finally {
    await rig.stop();
  }
}
