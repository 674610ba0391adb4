/**
 * Every limit of the server, once: from this table come the variables `BROADTAPE_LIMIT_<NAME>`, the flags, the type
 * {@link Limits}, the checks at start, the text of `serve --help` and the page of the documentation.
 */

export type LimitUnit =
  | "bytes"
  | "ms"
  | "events"
  | "entities"
  | "connections"
  | "subscriptions"
  | "symbols"
  | "topics"
  | "commands"
  | "commands/s"
  | "attempts"
  | "attempts/min";

export interface Limit {
  /** The variable without `BROADTAPE_LIMIT_`. */
  readonly name: string;
  readonly default: number;
  readonly unit: LimitUnit;
  readonly minimum: number;
  /** Default: what a timer can wait for in `ms`, else the largest exact integer. */
  readonly maximum?: number;
  /** What it bounds, in a few words. */
  readonly bounds: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;

export const LIMITS = [
  { name: "EVENT_BODY_BYTES", default: MIB, unit: "bytes", minimum: KIB, bounds: "body of a publish request" },
  { name: "BATCH_EVENTS", default: 10_000, unit: "events", minimum: 1, bounds: "events of one publish request" },
  {
    name: "WAITING_EVENTS",
    default: 100_000,
    unit: "events",
    minimum: 1,
    bounds: "events that wait for the log; more are answered with 503",
  },
  {
    name: "NATS_WAITING_BYTES",
    default: 64 * MIB,
    unit: "bytes",
    minimum: MIB,
    bounds: "publish requests over NATS that are not answered yet, each at least 2 KiB; more are answered with 503",
  },
  { name: "ENTITIES", default: 1_000_000, unit: "entities", minimum: 1, bounds: "entities that a view may hold" },
  { name: "CONNECTIONS", default: 100_000, unit: "connections", minimum: 1, bounds: "connections of all clients" },
  { name: "CONNECTIONS_PER_USER", default: 1000, unit: "connections", minimum: 1, bounds: "connections of one user" },
  {
    name: "UNSENT_BYTES",
    default: MIB,
    unit: "bytes",
    minimum: 1,
    bounds: "unsent bytes of a client; beyond it its lossless delivery is paused",
  },
  {
    name: "BEHIND_BYTES",
    default: 64 * KIB,
    unit: "bytes",
    minimum: 1,
    bounds: "unsent bytes from which a client counts as behind: conflation starts",
  },
  {
    name: "SLOW_CONSUMER_MS",
    default: 30_000,
    unit: "ms",
    minimum: 1,
    bounds: "how long a client may stay paused before it is disconnected",
  },
  {
    name: "STALLED_MS",
    default: 300_000,
    unit: "ms",
    minimum: 1,
    bounds: "how long a connection may take nothing at all before it is closed and forgotten",
  },
  {
    name: "SOCKET_FRAME_BYTES",
    default: 64 * KIB,
    unit: "bytes",
    minimum: KIB,
    bounds: "frame from a client; a bigger one closes the connection",
  },
  {
    name: "AUTHENTICATE_MS",
    default: 10_000,
    unit: "ms",
    minimum: 1,
    bounds: "time for the first message `authenticate` of the native protocol",
  },
  { name: "HEARTBEAT_MS", default: 30_000, unit: "ms", minimum: 1, bounds: "interval of heartbeats and pings" },
  { name: "NATIVE_HEARTBEAT_MS", default: 15_000, unit: "ms", minimum: 1, bounds: "interval of pings of the native protocol" },
  { name: "NATIVE_TOPICS", default: 1000, unit: "topics", minimum: 1, bounds: "topics of one native connection" },
  { name: "NATIVE_COMMANDS_BURST", default: 100, unit: "commands", minimum: 1, bounds: "commands at once on a native connection" },
  { name: "NATIVE_COMMANDS_PER_SECOND", default: 20, unit: "commands/s", minimum: 1, bounds: "commands a second on a native connection" },
  { name: "SYMBOLS_PER_CLIENT", default: 100, unit: "symbols", minimum: 1, bounds: "symbols that a market data client may follow" },
  { name: "RFQS_PER_CLIENT", default: 200, unit: "topics", minimum: 1, bounds: "RFQs that a client of `/rfq` follows" },
  // Enough to follow and to leave as many RFQs as a client may follow at once.
  { name: "RFQ_COMMANDS_BURST", default: 500, unit: "commands", minimum: 1, bounds: "commands at once of a client of `/rfq`" },
  { name: "RFQ_COMMANDS_PER_SECOND", default: 50, unit: "commands/s", minimum: 1, bounds: "commands a second of a client of `/rfq`" },
  { name: "MARKET_DATA_COMMANDS_BURST", default: 100, unit: "commands", minimum: 1, bounds: "commands at once of a market data client" },
  {
    name: "MARKET_DATA_COMMANDS_PER_SECOND",
    default: 10,
    unit: "commands/s",
    minimum: 1,
    bounds: "commands a second of a market data client",
  },
  {
    name: "MARKET_DATA_IDLE_MS",
    default: 120_000,
    unit: "ms",
    minimum: 1,
    bounds: "silence after which a market data client is disconnected",
  },
  {
    name: "TRANSACTIONS_MESSAGES_BURST",
    default: 100,
    unit: "commands",
    minimum: 1,
    bounds: "messages at once of a money feed client, refilled within a minute",
  },
  {
    name: "TRANSACTIONS_ACKS_BURST",
    default: 20_000,
    unit: "commands",
    minimum: 1,
    bounds: "acks and pongs at once of a money feed client",
  },
  {
    name: "TRANSACTIONS_ACKS_PER_SECOND",
    default: 2000,
    unit: "commands/s",
    minimum: 1,
    bounds: "acks and pongs a second of a money feed client",
  },
  {
    name: "TRANSACTIONS_IDLE_MS",
    default: 300_000,
    unit: "ms",
    minimum: 1,
    bounds: "silence after which a money feed client counts as stale and is disconnected",
  },
  {
    name: "ACK_WINDOW",
    default: 256,
    unit: "events",
    minimum: 1,
    bounds: "events in flight unacknowledged, where a connection names no other number",
  },
  { name: "ACK_WINDOW_MOST", default: 10_000, unit: "events", minimum: 1, bounds: "the largest number that a connection may name" },
  {
    name: "REDELIVER_MS",
    default: 10_000,
    unit: "ms",
    minimum: 1,
    bounds: "time without an ack after which an event is sent again, then twice as long, and so on",
  },
  { name: "REDELIVER_SENDS", default: 5, unit: "attempts", minimum: 1, bounds: "how often an event is sent on one connection" },
  {
    name: "SUBSCRIPTIONS_PER_USER",
    default: 100,
    unit: "subscriptions",
    minimum: 1,
    maximum: 1000,
    bounds: "subscriptions that a user may have made over REST",
  },
  {
    name: "CONNECTIONS_KEPT_MS",
    default: 7 * 24 * HOUR_MS,
    unit: "ms",
    minimum: 1,
    bounds: "how long the registry keeps that there was a connection",
  },
  {
    name: "CONNECTIONS_WAITING",
    default: 100_000,
    unit: "connections",
    minimum: 1,
    bounds: "connections whose record waits for a registry that is away; beyond it the oldest records are given up",
  },
  {
    name: "FRAUD_ACK_MS",
    default: 30_000,
    unit: "ms",
    minimum: 1,
    bounds: "time for a device's ack of a fraud alert before a notifier is told",
  },
  { name: "STALE_SOURCE_MS", default: 30_000, unit: "ms", minimum: 1, bounds: "silence after which a price source leaves the best price" },
  {
    name: "SSE_ATTEMPTS_FAILED_PER_MINUTE",
    default: 5,
    unit: "attempts/min",
    minimum: 1,
    bounds: "SSE attempts of an address that are anonymous or refused",
  },
  { name: "SSE_ATTEMPTS_PER_MINUTE", default: 60, unit: "attempts/min", minimum: 1, bounds: "other SSE attempts of an address" },
  {
    name: "STREAMS_PER_USER",
    default: 10,
    unit: "connections",
    minimum: 1,
    bounds: "connections of a user to event streams; one more closes the oldest",
  },
  {
    name: "STREAM_MISSED_EVENTS",
    default: 100,
    unit: "events",
    minimum: 1,
    bounds: "events told to who had no connection to an event stream",
  },
  { name: "STREAM_MISSED_MS", default: 300_000, unit: "ms", minimum: 1, bounds: "age of the oldest of them" },
  { name: "RING_EVENTS", default: 65_536, unit: "events", minimum: 1, bounds: "newest messages kept in memory for resuming clients" },
  { name: "RING_BYTES", default: 64 * MIB, unit: "bytes", minimum: KIB, bounds: "bytes of these messages" },
  { name: "HISTORY_PAGE", default: 1000, unit: "events", minimum: 1, maximum: 100_000, bounds: "events of one page of history" },
  {
    name: "FLUSH_WINDOW_MS",
    default: 0,
    unit: "ms",
    minimum: 0,
    maximum: 1000,
    bounds: "how long messages are gathered into one write; 0: a turn of the event loop",
  },
  {
    name: "COMMIT_WINDOW_MS",
    default: 2,
    unit: "ms",
    minimum: 0,
    maximum: 1000,
    bounds: "how far apart commits of the log begin while the server is busy; 0: as soon as the last one has ended",
  },
  { name: "CHECKPOINT_MS", default: 10_000, unit: "ms", minimum: 1, bounds: "interval in which the views are written down" },
  {
    name: "SESSION_TTL_MS",
    default: 12 * HOUR_MS,
    unit: "ms",
    minimum: 1,
    maximum: 366 * 24 * HOUR_MS,
    bounds: "life of a cookie session, which also ends with the token that opened it",
  },
  { name: "SHUTDOWN_MS", default: 8000, unit: "ms", minimum: 1, bounds: "time for clients and log to finish at shutdown" },
  {
    name: "RECONNECT_AFTER_MS",
    default: 1000,
    unit: "ms",
    minimum: 1,
    bounds: "when clients are asked to come back after a shutdown, before jitter",
  },
] as const satisfies readonly Limit[];

type CamelTail<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Capitalize<Lowercase<Head>>}${CamelTail<Tail>}`
  : Capitalize<Lowercase<S>>;

/** `EVENT_BODY_BYTES` → `eventBodyBytes`. */
export type LimitKey<Name extends string = (typeof LIMITS)[number]["name"]> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${CamelTail<Tail>}`
  : Lowercase<Name>;

/** All limits by key, in the unit of the table. */
export type Limits = { readonly [Key in LimitKey]: number };

/** `EVENT_BODY_BYTES` → `eventBodyBytes`. */
export function limitKey(name: (typeof LIMITS)[number]["name"]): LimitKey {
  // The type says in types what this says in text.
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) as LimitKey;
}

/** The limits that hold where nothing else is configured. */
export const defaultLimits: Limits = limitsFrom((limit) => limit.default);

/** One value a limit. */
export function limitsFrom(valueOf: (limit: (typeof LIMITS)[number]) => number): Limits {
  // Every key of the type is the key of a name in the table.
  return Object.fromEntries(LIMITS.map((limit) => [limitKey(limit.name), valueOf(limit)])) as Limits;
}

/** The largest value that is taken. */
export function maximumOf(limit: Limit): number {
  return limit.maximum ?? (limit.unit === "ms" ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER);
}
