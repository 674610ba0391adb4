/** What `/metrics` tells (Prometheus text). Labels are bounded: surface, code, view; never a user, topic or symbol. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { Engine } from "../engine/engine.ts";
import type { Meter } from "../engine/meter.ts";
import { newMeter } from "../engine/meter.ts";
import type { Witness } from "../engine/witness.ts";
import type { IntakeMeter } from "../intake/intake.ts";
import { clusterMetrics, type ObservedCluster } from "./cluster-metrics.ts";
import { intakeMetrics } from "./intake-metrics.ts";
import { counterOf, gaugeOf } from "./metric-reads.ts";
import { natsPublishingMetrics, type ObservedNatsPublishing } from "./nats-publishing-metrics.ts";
import { nodeMetrics, type ObservedNode } from "./node-metrics.ts";

const LATENCY_BUCKETS = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.03, 0.05, 0.1, 0.25, 1, 5];

export interface Metrics {
  readonly meter: Meter;
  readonly onCommit: (commit: { readonly events: number; readonly seconds: number }) => void;
  /** Reads the engine at every scrape from now on. */
  observe(engine: Engine): void;
  /** As {@link observe}, what is written down of connections. */
  observeBook(book: { readonly lost: number; readonly waiting: number }): void;
  /** As {@link observe}, this node among the others. */
  observeNode(node: ObservedNode): void;
  /** As {@link observe}, publishing over NATS. */
  observeNatsPublishing(publishing: ObservedNatsPublishing): void;
  /** As {@link observe}, what services stage in their own transactions. */
  observeIntake(meter: Readonly<IntakeMeter>): void;
  /** As {@link observe}, what notifiers do. */
  observeNotices(counts: () => Iterable<readonly [outcome: string, count: number]>, waiting: () => number): void;
  /** As {@link observe}, how this node knows of the others. */
  observeCluster(cluster: ObservedCluster): void;
  text(): Promise<string>;
  readonly contentType: string;
  close(): void;
}

/** Hears besides what a scrape tells. */
export interface MetricsWatch extends Witness {
  /** As of {@link Meter}. */
  publishToWrite(seconds: number): void;
  storedToWrite(seconds: number): void;
}

export function createMetrics(watch?: MetricsWatch): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const latency = new Histogram({
    name: "broadtape_publish_to_write_seconds",
    help: "From a publisher's request at this node to the write to its receivers here, once per message",
    buckets: LATENCY_BUCKETS,
    registers: [registry],
  });
  const stored = new Histogram({
    name: "broadtape_stored_to_write_seconds",
    help: "From the log's stamp to the write to receivers at this node, whichever node stored it, once per message; as true as the nodes' clocks agree",
    buckets: LATENCY_BUCKETS,
    registers: [registry],
  });
  const commits = new Histogram({
    name: "broadtape_log_commit_seconds",
    help: "Duration of a log commit, fsync included",
    buckets: LATENCY_BUCKETS,
    registers: [registry],
  });
  const commitEvents = new Histogram({
    name: "broadtape_log_commit_events",
    help: "Events of a log commit",
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000],
    registers: [registry],
  });
  const meter = newMeter(
    (seconds) => {
      latency.observe(seconds);
      watch?.publishToWrite(seconds);
    },
    watch,
    (seconds) => {
      stored.observe(seconds);
      watch?.storedToWrite(seconds);
    },
  );
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  countersOf(registry, meter);
  loopDelay(registry, delay);
  return {
    meter,
    onCommit: ({ events, seconds }) => {
      commits.observe(seconds);
      commitEvents.observe(events);
    },
    observe(engine) {
      gaugesOf(registry, engine);
    },
    observeBook(book) {
      bookOf(registry, book);
    },
    observeNode(node) {
      nodeMetrics(registry, node);
    },
    observeNatsPublishing(publishing) {
      natsPublishingMetrics(registry, publishing);
    },
    observeIntake(meter) {
      intakeMetrics(registry, meter);
    },
    observeNotices(counts, waiting) {
      noticesOf(registry, counts, waiting);
    },
    observeCluster(cluster) {
      clusterMetrics(registry, cluster);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
    close() {
      delay.disable();
    },
  };
}

/** Counters that the engine keeps as plain numbers: brought up to them at each scrape. */
function countersOf(registry: Registry, meter: Meter): void {
  const counters: readonly (readonly [keyof Omit<Meter, "dropped" | "publishToWrite" | "storedToWrite" | "witness">, string, string])[] = [
    ["published", "published_events_total", "Events stored"],
    ["duplicates", "duplicate_events_total", "Events that were stored before"],
    ["refused", "refused_publishes_total", "Publishing requests refused"],
    ["delivered", "delivered_messages_total", "Messages handed to connections"],
    ["writes", "writes_total", "Writes to connections"],
    ["bytes", "written_bytes_total", "About how many bytes were written to connections, before compression"],
    ["conflated", "conflated_values_total", "Values replaced by a newer one before they were sent"],
    ["paused", "paused_total", "Times a lossless lane fell back on the log"],
    ["replayed", "replayed_messages_total", "Messages sent out of the ring or the log"],
    ["resynced", "resyncs_total", "Cursors that could not be resumed"],
    ["redelivered", "redelivered_messages_total", "Messages sent again because their ack did not come"],
    ["keptRows", "kept_rows_total", "Rows of subscriptions and pending events written to the registry"],
    ["pendingLost", "pending_lost_total", "Events that waited for an ack until the log forgot them"],
  ];
  for (const [field, name, help] of counters) counterOf(registry, name, help, () => meter[field]);
  const dropped: Counter = new Counter({
    name: "broadtape_dropped_connections_total",
    help: "Connections ended by the server",
    labelNames: ["code"],
    registers: [registry],
    collect() {
      dropped.reset();
      for (const [code, count] of meter.dropped) dropped.inc({ code }, count);
    },
  });
}

function loopDelay(registry: Registry, delay: ReturnType<typeof monitorEventLoopDelay>): void {
  const gauge: Gauge = new Gauge({
    name: "broadtape_event_loop_delay_seconds",
    help: "Delay of the event loop since the last scrape",
    labelNames: ["quantile"],
    registers: [registry],
    collect() {
      for (const quantile of [50, 99, 100]) gauge.set({ quantile: String(quantile / 100) }, delay.percentile(quantile) / 1e9);
      delay.reset();
    },
  });
}

function gaugesOf(registry: Registry, engine: Engine): void {
  const gauge = (name: string, help: string, read: () => number) => gaugeOf(registry, name, help, read);
  gauge("sessions", "Open sessions", () => engine.sessions.size);
  gauge("users", "Users with an open session", () => engine.sessions.users);
  gauge("topics", "Topics that somebody follows", () => engine.topics.size);
  gauge("deadlines", "Armed deadlines", () => engine.wheel.size);
  gauge("ring_bytes", "Bytes of messages kept for resume", () => engine.ring.bytes);
  gauge("log_head_offset", "Newest durable offset", () => engine.bounds().head);
  gauge("log_oldest_offset", "Oldest offset that can be read", () => engine.bounds().oldest);
  gauge("log_lag_events", "Durable events that were not routed yet", () => engine.bounds().head - engine.routedTo);
  gauge("checkpoint_offset", "Offset that a start need not fold", () => engine.checkpoints.savedTo);
  gauge("held_values", "Conflated values that wait", () => sum(engine, ({ outbox }) => outbox.heldCount));
  gauge("queued_bytes", "Bytes that wait for connections", () => sum(engine, ({ outbox }) => outbox.queuedBytes));
  gauge("paused_sessions", "Sessions whose lossless lane reads the log", () => sum(engine, ({ outbox }) => (outbox.flowing ? 0 : 1)));
  bySurface(registry, engine);
  byView(registry, engine);
}

function sum(engine: Engine, read: (session: ReturnType<Engine["open"]>) => number): number {
  let total = 0;
  for (const session of engine.sessions.values()) total += read(session);
  return total;
}

function bySurface(registry: Registry, engine: Engine): void {
  const connections: Gauge = new Gauge({
    name: "broadtape_connections",
    help: "Open connections",
    labelNames: ["surface"],
    registers: [registry],
    collect() {
      connections.reset();
      for (const session of engine.sessions.values()) connections.inc({ surface: session.surface.name });
    },
  });
}

function byView(registry: Registry, engine: Engine): void {
  const entities: Gauge = new Gauge({
    name: "broadtape_view_entities",
    help: "Entities that a view holds",
    labelNames: ["view"],
    registers: [registry],
    collect() {
      for (const [view, size] of engine.views.sizes()) entities.set({ view }, size);
    },
  });
}

function bookOf(registry: Registry, book: { readonly lost: number; readonly waiting: number }): void {
  const lostHelp = "Rows of connections given up because the registry was away for too long";
  counterOf(registry, "connection_rows_lost_total", lostHelp, () => book.lost);
  gaugeOf(registry, "connection_rows_waiting", "Rows of connections that wait for the registry", () => book.waiting);
}

function noticesOf(registry: Registry, counts: () => Iterable<readonly [string, number]>, waiting: () => number): void {
  const notices: Gauge<"outcome"> = new Gauge({
    name: "broadtape_notices",
    help: "Notices of alerts that no device acknowledged, since the start, by what became of them",
    labelNames: ["outcome"],
    registers: [registry],
    collect() {
      for (const [outcome, count] of counts()) notices.set({ outcome }, count);
    },
  });
  gaugeOf(registry, "alerts_waiting", "Alerts that wait for a device's ack", waiting);
}
