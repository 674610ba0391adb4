/** How one node stands, at a glance. */
import type { OperationsSummary } from "@broadtape/protocol/operations";
import { isoTime } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { countersOf } from "./history.ts";
import { standingOf } from "./standing.ts";
import type { WireStatus } from "../wire/wire.ts";
import type { Watch } from "./watch.ts";

export interface SummaryOptions {
  readonly version: string;
  readonly retention: { readonly maxAgeMs: number; readonly maxBytes: number };
  /** Of what carries events between nodes; `none` without it. */
  readonly wire?: (() => WireStatus) | undefined;
  /** How far the machine's clock is ahead of the one that all nodes go by; null where there is none. */
  readonly clockOffsetMs?: (() => number | null) | undefined;
  readonly memory: () => { readonly rssBytes: number; readonly heapUsedBytes: number; readonly heapLimitBytes: number };
}

/** Tells of no other node. */
export function summaryOf(engine: Engine, watch: Watch, tenant: string, options: SummaryOptions): OperationsSummary {
  const now = engine.clock.now();
  return {
    node: {
      id: engine.cluster.self.id,
      name: engine.cluster.self.name,
      version: options.version,
      startedAt: isoTime(watch.startedAt),
      uptimeMs: Math.max(0, Math.round(now - watch.startedAt)),
      at: isoTime(now),
      isReady: engine.isReady,
      wire: options.wire?.() ?? "none",
      clockOffsetMs: options.clockOffsetMs?.() ?? null,
    },
    nodes: [],
    log: logOf(engine, options.retention),
    process: { eventLoop: watch.history.newest?.eventLoop ?? 0, ...options.memory() },
    connections: connectionsOf(engine, tenant),
    topics: { all: engine.topics.size, ofTenant: countOf(engine.topics.values(), (topic) => topic.tenant === tenant) },
    ringBytes: engine.ring.bytes,
    counters: countersOf(engine.meter),
    droppedByCode: Object.fromEntries(engine.meter.dropped),
  };
}

function logOf(engine: Engine, { maxAgeMs, maxBytes }: SummaryOptions["retention"]): OperationsSummary["log"] {
  const { head, headStoredAt, oldest } = engine.bounds();
  return {
    epoch: engine.epoch,
    headOffset: head,
    headAt: headStoredAt === 0 ? null : isoTime(headStoredAt),
    oldestOffset: oldest,
    routedTo: engine.routedTo,
    lagEvents: Math.max(0, head - engine.routedTo),
    checkpointOffset: engine.checkpoints.savedTo,
    retention: { maxAgeMs, maxBytes: Number.isFinite(maxBytes) ? maxBytes : null },
  };
}

function connectionsOf(engine: Engine, tenant: string): OperationsSummary["connections"] {
  const bySurface = new Map<string, { surface: string; all: number; ofTenant: number }>();
  let ofTenant = 0;
  for (const { surface, identity } of engine.sessions.values()) {
    const own = bySurface.get(surface.name) ?? { surface: surface.name, all: 0, ofTenant: 0 };
    bySurface.set(surface.name, own);
    own.all += 1;
    if (identity.tenant !== tenant) continue;
    own.ofTenant += 1;
    ofTenant += 1;
  }
  const { pausedConnections: paused, queuedBytes, heldValues } = standingOf(engine.sessions.values());
  const { size: all, users } = engine.sessions;
  return { all, users, ofTenant, bySurface: [...bySurface.values()], paused, queuedBytes, heldValues };
}

function countOf<T>(all: Iterable<T>, is: (each: T) => boolean): number {
  let count = 0;
  for (const each of all) if (is(each)) count += 1;
  return count;
}
