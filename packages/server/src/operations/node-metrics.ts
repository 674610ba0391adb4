/** What `/metrics` tells of this node as one of several: its wire, its database, and the others that it sees. */
import type { Registry } from "prom-client";
import { Gauge } from "prom-client";
import type { Cluster } from "../cluster/cluster.ts";
import type { Wire, WireMeter } from "../wire/wire.ts";
import { counterOf, gaugeOf } from "./metric-reads.ts";

export interface ObservedNode {
  readonly cluster: Cluster;
  readonly wire: Wire;
  /** Where log and registry are in one. */
  readonly database?: { readonly isAway: boolean } | undefined;
}

const COUNTERS: readonly (readonly [field: keyof WireMeter, name: string, help: string])[] = [
  ["announced", "announced_messages_total", "Messages that told other nodes of commits"],
  ["unsent", "unsent_messages_total", "Announcements that could not be sent; the other nodes were woken later"],
  ["heard", "heard_messages_total", "Messages with events that other nodes stored"],
  ["ignored", "ignored_messages_total", "Messages of this node itself, or of another life of the log"],
  ["malformed", "malformed_messages_total", "Messages that were no announcement: somebody else publishes on the nodes' subjects"],
  ["dropped", "dropped_messages_total", "Messages thrown away because this node did not keep up; the log was read instead"],
  ["wakes", "wakes_total", "Times this node was told to read the log"],
  ["reconnects", "reconnects_total", "Times the wire was up again after it had been lost"],
];

export function nodeMetrics(registry: Registry, { cluster, wire, database }: ObservedNode): void {
  new Gauge({ name: "broadtape_node_info", help: "1; the label says which node it is", labelNames: ["node"], registers: [registry] }).set(
    { node: cluster.self.name },
    1,
  );
  gaugeOf(registry, "nodes", "Nodes that are alive as this one sees it, itself among them", () => cluster.others().length + 1);
  if (database !== undefined)
    gaugeOf(registry, "database_available", "1 where the database answered when it was last asked, else 0", () =>
      database.isAway ? 0 : 1,
    );
  if (wire.status === "none") return;
  gaugeOf(registry, "wire_connected", "1 while events of other nodes come over the wire; 0: they are looked for in the log", () =>
    wire.status === "connected" ? 1 : 0,
  );
  for (const [field, name, help] of COUNTERS) counterOf(registry, `wire_${name}`, help, () => wire.meter[field]);
}
