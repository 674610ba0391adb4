/** What `/metrics` tells of publishing over NATS. */
import { Counter, type Registry } from "prom-client";
import { counterOf, gaugeOf } from "./metric-reads.ts";

export interface ObservedNatsPublishing {
  readonly meter: {
    readonly answered: ReadonlyMap<number, number>;
    readonly unanswerable: number;
    readonly waitingBytes: number;
  };
  readonly isConnected: () => boolean;
}

export function natsPublishingMetrics(registry: Registry, { meter, isConnected }: ObservedNatsPublishing): void {
  const answered: Counter = new Counter({
    name: "broadtape_nats_publish_answers_total",
    help: "Publishing requests over NATS that were answered",
    labelNames: ["status"],
    registers: [registry],
    collect() {
      answered.reset();
      for (const [status, count] of meter.answered) answered.inc({ status: String(status) }, count);
    },
  });
  const noReply = "Messages that named nowhere to answer to, and were not published";
  counterOf(registry, "nats_publish_unanswerable_total", noReply, () => meter.unanswerable);
  gaugeOf(registry, "nats_publish_waiting_bytes", "Publishing requests over NATS that are not answered yet", () => meter.waitingBytes);
  gaugeOf(registry, "nats_publish_connected", "1 while publishers can ask over NATS, else 0", () => (isConnected() ? 1 : 0));
}
