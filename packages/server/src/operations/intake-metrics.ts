/** What the intake tells at a scrape. */
import type { Registry } from "prom-client";
import type { IntakeMeter } from "../intake/intake.ts";
import { counterOf, gaugeOf } from "./metric-reads.ts";

export function intakeMetrics(registry: Registry, meter: Readonly<IntakeMeter>): void {
  const waiting = "Batches of services' transactions that wait to be moved into the log, as far as they are counted";
  gaugeOf(registry, "outbox_waiting_batches", waiting, () => meter.waiting);
  gaugeOf(registry, "outbox_waiting_seconds", "For how long the oldest of these batches has waited", () => meter.waitingSeconds);
  gaugeOf(registry, "outbox_mover", "1 on the node that moves these batches", () => (meter.isMover ? 1 : 0));
  counterOf(registry, "outbox_moved_batches_total", "Batches of services' transactions that this node moved", () => meter.moved);
  counterOf(registry, "outbox_refused_batches_total", "Batches of services' transactions that this node refused", () => meter.refused);
  const dropped = "Refused batches that this node threw out of the outbox_refused table for newer ones of their tenant";
  counterOf(registry, "outbox_refused_dropped_batches_total", dropped, () => meter.refusedDropped);
}
