/**
 * The plan on paper for 1 and 10 million connections: arithmetic over what was measured (`bench/results`) and what is assumed. Its tables
 * stand in `docs/scaling.md`, where a test holds them to this file.
 */
import { type Table, figure } from "./table.ts";

/** Read from `bench/results`; the right column of the first table says where. Seconds of a core, and bytes. */
export const MEASURED = {
  /** Event streams: 100,000 writes a second take 95.6 % of a core. */
  writeSeconds: 0.956 / 100_000,
  /** Fan-out, the median of three rounds: further messages in the same write. */
  messageSeconds: 1 / 2_391_123,
  /** Idle connections: heartbeats of 8,000 take 3.1 % of a core. */
  heartbeatSeconds: 0.031 / 8000,
  /** Start: a million events folded in 10.4 s less the 1.39 s of an empty start. Each node of a database folds all its events. */
  foldSeconds: (10.4 - 1.39) / 1_000_000,
  /** Money feed: 10,000 events a second, stored, told and acknowledged, take 79.3 % of a core. */
  ackedSeconds: 0.793 / 10_000,
  /** Idle connections, native WebSocket. */
  connectionBytes: 17.5 * 1024,
  /** Event streams, 100 events/s to a client: with gzip over without. */
  gzipShare: 3.64 / 33.5,
} as const;

/** What nobody can measure here; each one is a knob. */
export const ASSUMED = {
  /** Of a core, on average: the rest is for bursts, for nodes that restart, and for the garbage collector. */
  utilization: 0.5,
  /** Under traffic, buffers of the kernel and of the outbox, beside what an idle connection takes. */
  trafficBytes: 32 * 1024,
  /** Of a process without connections, views of a database included. */
  baseBytes: 1024 ** 3,
  /** Of a message, and of what frames, TLS, TCP and IP add to a write. */
  messageBytes: 300,
  writeBytes: 100,
  /** Events a second of a database, and how many nodes hang on one. */
  eventsPerDatabase: 10_000,
  nodesPerDatabase: 16,
  /** Of an event in the log with its index rows, for a week. */
  logBytes: 700,
  /** Hours of a month with full traffic: markets are closed at night and at weekends. */
  activeHours: 250,
} as const;

/** In dollars a month: from rented machines with flat traffic to a large cloud's list. */
export const PRICES = {
  core: [8, 36],
  gigabyteEgress: [0.002, 0.06],
  gigabyteStored: [0.05, 0.12],
} as const;

export interface Profile {
  readonly name: string;
  /** Of a connection, a second. */
  readonly writes: number;
  readonly messages: number;
  /** Of these, acknowledged ones of the user's own. */
  readonly acked: number;
  readonly isCompressed: boolean;
}

export const PROFILES: readonly Profile[] = [
  { name: "an app: a few prices, its own money", writes: 0.2, messages: 1, acked: 0.001, isCompressed: false },
  { name: "a screen: a watchlist once a second", writes: 1, messages: 5, acked: 0.01, isCompressed: false },
  { name: "the same as an event stream with gzip", writes: 1, messages: 5, acked: 0.01, isCompressed: true },
];

export interface Plan {
  readonly connectionsPerNode: number;
  readonly nodes: number;
  readonly databases: number;
  readonly bytesPerNode: number;
  readonly egressBytesPerSecond: number;
  readonly wireBytesPerSecond: number;
  readonly cores: number;
  readonly dollars: readonly [least: number, most: number];
}

const HOUR_SECONDS = 3600;
const WEEK_SECONDS = 7 * 24 * HOUR_SECONDS;
const GB = 1e9;
/** Primary, standby and three NATS servers of a database. */
const CORES_OF_DATABASE = 2 * 16 + 3 * 4;
/** So that one may be away. */
const SPARE = 1;

export function planFor(connections: number, { writes, messages, acked, isCompressed }: Profile): Plan {
  const { utilization, eventsPerDatabase, nodesPerDatabase, activeHours } = ASSUMED;
  const perConnection =
    writes * MEASURED.writeSeconds + messages * MEASURED.messageSeconds + acked * MEASURED.ackedSeconds + MEASURED.heartbeatSeconds;
  const forConnections = utilization - eventsPerDatabase * MEASURED.foldSeconds;
  const connectionsPerNode = Math.floor(forConnections / perConnection / 1000) * 1000;
  const bare = Math.ceil(connections / connectionsPerNode);
  const databases = Math.ceil(bare / nodesPerDatabase);
  const nodes = bare + databases * SPARE;
  const share = isCompressed ? MEASURED.gzipShare : 1;
  const egressBytesPerSecond = connections * (messages * ASSUMED.messageBytes * share + writes * ASSUMED.writeBytes);
  // Each event goes to each node of its database.
  const wireBytesPerSecond = (eventsPerDatabase * (ASSUMED.messageBytes + 200) * nodes) / databases;
  const cores = nodes + databases * CORES_OF_DATABASE;
  const egress = (egressBytesPerSecond * activeHours * HOUR_SECONDS) / GB;
  // On both sides of the replication.
  const stored = (2 * databases * eventsPerDatabase * ASSUMED.logBytes * WEEK_SECONDS * (activeHours / 730)) / GB;
  const [least, most] = [0, 1].map(
    (side) => cores * (PRICES.core[side] ?? 0) + egress * (PRICES.gigabyteEgress[side] ?? 0) + stored * (PRICES.gigabyteStored[side] ?? 0),
  );
  const bytesPerNode = ASSUMED.baseBytes + connectionsPerNode * (MEASURED.connectionBytes + ASSUMED.trafficBytes);
  return {
    connectionsPerNode,
    nodes,
    databases,
    bytesPerNode,
    egressBytesPerSecond,
    wireBytesPerSecond,
    cores,
    dollars: [least ?? NaN, most ?? NaN],
  };
}

export function plans(connections: number): Table {
  return {
    title: `${figure(connections / 1e6)} million connections`,
    note: `Nodes are processes of one core each; ${figure(ASSUMED.eventsPerDatabase)} events/s in each database.`,
    head: [
      "what a connection is",
      "of them a node",
      "nodes",
      "databases",
      "GB a node",
      "egress, GB/s",
      "wire, MB/s a database",
      "cores in all",
      "$ a month",
    ],
    rows: PROFILES.map((profile) => {
      const plan = planFor(connections, profile);
      return [
        profile.name,
        figure(plan.connectionsPerNode),
        figure(plan.nodes),
        figure(plan.databases),
        figure(plan.bytesPerNode / GB),
        figure(plan.egressBytesPerSecond / GB),
        figure(plan.wireBytesPerSecond / 1e6),
        figure(plan.cores),
        plan.dollars.map(thousands).join(" to "),
      ];
    }),
  };
}

function thousands(dollars: number): string {
  return `${figure(Math.round(dollars / 1000))},000`;
}
