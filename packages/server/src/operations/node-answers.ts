/** What one node knows and does for operators by itself. Queries and answers are what JSON can carry: they go between nodes. */
import type { Offset } from "@broadtape/protocol/event-id";
import type { EventDelivery } from "@broadtape/protocol/operations";
import { isoTime } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { type ConnectionsQuery, type Whose, connectionsOf, endConnection } from "./connections.ts";
import { toldOf } from "./latency.ts";
import type { Delivered } from "./ledger.ts";
import { DELIVERIES_LISTED, SLOW_LISTED } from "./listed.ts";
import { slowOf } from "./standing.ts";
import { type SummaryOptions, summaryOf } from "./summary.ts";
import { TopicMeter } from "./topic-rates.ts";
import { ViewSums } from "./view-sums.ts";
import type { Watch } from "./watch.ts";

interface OfTenant {
  readonly tenant: string;
}

interface ListOfTenant extends OfTenant {
  readonly limit: number;
}

export type NodeAnswers = ReturnType<typeof nodeAnswers>;

/** Those that change nothing and cost little. */
export const READS = ["summary", "history", "latency", "topics", "refusals", "limits", "deliveries", "connections"] as const;

export function nodeAnswers(engine: Engine, watch: Watch, options: SummaryOptions) {
  const topics = new TopicMeter(engine.clock, engine.topics);
  const sums = new ViewSums(engine);
  return {
    summary: ({ tenant }: OfTenant) => summaryOf(engine, watch, tenant, options),

    history: ({ after }: { readonly after: number | null }) =>
      watch.history
        .kept(after ?? undefined)
        .map(({ at, sample, latency, stored }) => ({ at, sample, latency: toldOf(latency), stored: toldOf(stored) })),

    latency: ({ windowMs }: { readonly windowMs: number }) => {
      const { latency, stored } = watch.history.latencyAfter(engine.clock.now() - windowMs);
      return { ...toldOf(latency), stored: toldOf(stored) };
    },

    topics: ({ tenant, limit }: ListOfTenant) => topics.top(tenant, limit),

    refusals: ({ tenant, limit }: ListOfTenant) => watch.refusals.list(tenant, limit),

    limits: ({ tenant, limit }: ListOfTenant) => ({
      limits: watch.limits.list(tenant, limit),
      slow: slowOf(engine, tenant, SLOW_LISTED),
    }),

    deliveries: ({ tenant, offsets, isConflated }: OfTenant & { readonly offsets: readonly Offset[]; readonly isConflated: boolean }) => ({
      ofEvents: deliveriesOf(engine, watch, tenant, offsets),
      since: wallMs(engine, watch.ledger.since(isConflated ? "all" : "lossless")),
    }),

    connections: (query: ConnectionsQuery) => connectionsOf(engine, query),

    end: (query: Whose & { readonly id: string; readonly by: string }) => endConnection(engine, query),

    /** As if the network had failed. */
    cut: (user: OfTenant & { readonly userId: string }) => {
      const own = engine.sessions.ofUser(user);
      for (const { connection } of own) connection.cut();
      return own.length;
    },

    views: ({ from, waitMs }: { readonly from: Offset; readonly waitMs: number }) => sums.at(from, waitMs),
  };
}

/** In the order of `offsets`. */
function deliveriesOf(engine: Engine, watch: Watch, tenant: string, offsets: readonly Offset[]) {
  const byOffset = new Map(offsets.map((offset) => [offset, [] as Delivered[]]));
  for (const each of watch.ledger.deliveriesOf(new Set(offsets), tenant)) byOffset.get(each.offset)?.push(each);
  return [...byOffset.values()].map((all) => ({
    deliveries: all.slice(0, DELIVERIES_LISTED).map((each) => deliveryOf(engine, each)),
    total: all.length,
  }));
}

function deliveryOf(engine: Engine, { to, isLossless, attempt, replaced, writtenAt, ackedAt }: Delivered): EventDelivery {
  const { connectionId, userId, clientId, surface } = to;
  return {
    node: engine.cluster.self.name,
    connectionId,
    userId,
    clientId: clientId ?? null,
    surface,
    delivery: isLossless ? "lossless" : "conflated",
    attempt,
    replaced,
    writtenAt: isoTime(wallMs(engine, writtenAt)),
    ackedAt: ackedAt === undefined ? null : isoTime(wallMs(engine, ackedAt)),
  };
}

function wallMs({ clock }: Engine, monotonic: number): number {
  return Math.round(clock.now() - (clock.monotonic() - monotonic));
}
