/** The same clients on one, two and three nodes over one PostgreSQL and one NATS: what all of them deliver, and what each costs. */
import { type Backbone, forget, type NodesRig, startBackbone, startNodes } from "../nodes-rig.ts";
import type { Measured } from "../rig.ts";
import { median, possible } from "../statistics.ts";
import { type Table, figure } from "../table.ts";

const COUNTS = [1, 2, 3] as const;
/** Divisible by all counts. */
const CLIENTS = 1200;
const SECONDS = 1.5;
const STEP = 1.4;
const FIRST_RATE = 30;
const MAX_P99_MS = 100;
/** A step that another process disturbed does not end the climb; two in a row do. */
const FAILURES = 2;
/** At which the nodes' cost is read: well below what one carries. */
const COST_RATE = 200;
const COST_SECONDS = 5;
const ORDER = { topics: 1, receivers: CLIENTS };
const EVENT = { BENCH_EVENT: "bench.feed" };

interface Outcome {
  readonly deliveries: number;
  /** Of all nodes, at {@link COST_RATE}. */
  readonly cores: number;
  /** Of a node that publishes nothing. */
  readonly otherCores: number | undefined;
}

export async function severalNodes(rounds: number, say: (line: string) => void): Promise<Table> {
  const outcomes = new Map<number, Outcome[]>(COUNTS.map((count) => [count, []]));
  const backbone = await startBackbone({ hasStandby: false, hasNats: true });
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const [count, all] of outcomes) {
        const outcome = await read(count, backbone);
        all.push(outcome);
        say(
          `nodes, round ${round}: ${count}, ${figure(outcome.deliveries)} deliveries/s, ${figure(outcome.cores)} cores at ${COST_RATE}/s`,
        );
      }
    }
  } finally {
    await backbone.remove();
  }
  const at = (all: readonly Outcome[], of: (outcome: Outcome) => number) => median(all.map(of));
  return {
    title: `One, two and three nodes: ${figure(CLIENTS)} clients in all, one topic`,
    note: `Lossless class, each event durable in PostgreSQL before it is told; published at one node, carried by NATS to the others. Most deliveries a second without loss and with a p99 under ${MAX_P99_MS} ms. Nodes, load, PostgreSQL and NATS share the machine's cores, so that a second node adds no hardware: what counts for planning is the processor time at ${figure(COST_RATE * CLIENTS)} deliveries/s. Median of ${rounds} interleaved rounds.`,
    head: ["nodes", "deliveries/s", "rounds", "cores of all nodes at the fixed rate", "of one that only hears"],
    rows: [...outcomes].map(([count, all]) => [
      String(count),
      figure(at(all, ({ deliveries }) => deliveries)),
      all.map(({ deliveries }) => figure(deliveries)).join(" · "),
      figure(at(all, ({ cores }) => cores)),
      count === 1 ? "" : figure(at(all, ({ otherCores }) => otherCores ?? NaN)),
    ]),
  };
}

async function read(count: number, backbone: Backbone): Promise<Outcome> {
  await forget(backbone);
  const rig = await startNodes(count, backbone, EVENT);
  try {
    for (let node = 0; node < count; node++) {
      await rig.connect(node, { clients: CLIENTS / count, topics: 1, topicsEach: 1, topicKind: "feed" });
    }
    await rig.measure({ ...ORDER, eventsPerSecond: COST_RATE, seconds: 2 });
    const cost = await costOf(rig);
    return { ...cost, deliveries: await climb(rig) };
  } finally {
    await rig.stop();
  }
}

async function costOf(rig: NodesRig): Promise<Omit<Outcome, "deliveries">> {
  await rig.cpuSeconds();
  const started = performance.now();
  const { published, reading } = await rig.measure({ ...ORDER, eventsPerSecond: COST_RATE, seconds: COST_SECONDS });
  const seconds = (performance.now() - started) / 1000;
  possible("deliveries at the fixed rate", reading.messages, published.events * CLIENTS, published.events * CLIENTS);
  // Over the time in which they were published: waiting for the last ones costs nothing.
  const cores = (await rig.cpuSeconds()).map((cpu) => possible("cores of a node", cpu, 0, seconds * 4) / published.seconds);
  const [, ...others] = cores;
  return { cores: cores.reduce((sum, one) => sum + one, 0), otherCores: others.length === 0 ? undefined : median(others) };
}

async function climb(rig: NodesRig): Promise<number> {
  let best = 0;
  let failures = 0;
  for (let rate = FIRST_RATE; failures < FAILURES; rate = Math.round(rate * STEP)) {
    const reached = deliveriesOf(await rig.measure({ ...ORDER, eventsPerSecond: rate, seconds: SECONDS }), rate);
    if (reached === undefined) failures += 1;
    else {
      failures = 0;
      best = Math.max(best, reached);
    }
  }
  return possible("deliveries a second", best, 1);
}

/** Deliveries a second, or undefined where this rate was not carried. */
function deliveriesOf({ published, reading }: Measured, rate: number): number | undefined {
  const expected = published.events * CLIENTS;
  possible("deliveries", reading.messages, 0, expected);
  if (reading.messages > 0) possible("latency, ms", reading.p50Ms, 0);
  const isCarried = published.events > rate * SECONDS * 0.9 && reading.messages === expected && reading.p99Ms < MAX_P99_MS;
  return isCarried ? reading.messages / published.seconds : undefined;
}
