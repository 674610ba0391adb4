/** What `/metrics` tells of how this node knows of the others. */
import type { Registry } from "prom-client";
import type { ClusterMeter } from "../cluster/meter.ts";
import { counterOf, gaugeOf } from "./metric-reads.ts";

export interface ObservedCluster {
  readonly meter: ClusterMeter;
  /** Whether what is known of the others is as old as an outage of the store. */
  readonly isAway: boolean;
  readonly seatsWaiting: number;
  clockOffsetMs(): number;
}

const COUNTERS: readonly (readonly [field: keyof ClusterMeter, name: string, help: string])[] = [
  ["told", "told_notes_total", "Notes of this node that the others hear"],
  ["heard", "heard_notes_total", "Notes of other nodes that this one heard"],
  ["missed", "missed_notes_total", "Notes of other nodes that were gone before this one could hear them"],
  ["asked", "asked_questions_total", "Questions to other nodes, one for each node"],
  ["unanswered", "unanswered_questions_total", "Questions that a node did not answer, or not in time"],
  ["outages", "outages_total", "Times the database did not answer the cluster"],
  ["retaken", "retaken_total", "Times the other nodes had given this one up, so that it took all its seats again"],
];

export function clusterMetrics(registry: Registry, cluster: ObservedCluster): void {
  gaugeOf(registry, "cluster_available", "1 where this node reaches the others, else 0: limits hold for it alone then", () =>
    cluster.isAway ? 0 : 1,
  );
  gaugeOf(
    registry,
    "cluster_seats_waiting",
    "Connections opened or closed that the other nodes do not know of",
    () => cluster.seatsWaiting,
  );
  gaugeOf(registry, "clock_offset_seconds", "What this node adds to its clock, for the database's", () => cluster.clockOffsetMs() / 1000);
  for (const [field, name, help] of COUNTERS) counterOf(registry, `cluster_${name}`, help, () => cluster.meter[field]);
}
