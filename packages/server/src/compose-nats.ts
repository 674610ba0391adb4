/** Part of the composition root: publishing by NATS request and reply (decision 0009). */
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Engine } from "./engine/engine.ts";
import type { Metrics } from "./operations/metrics.ts";
import type { Gate } from "./transports/gate.ts";
import { dialPublishing, type PublishingConnection } from "./transports/nats/connection.ts";
import { NatsPublishing } from "./transports/nats/publishing.ts";
import { Line } from "./wire/line.ts";
import { serversOf } from "./nats/place.ts";

interface Parts {
  readonly config: Config;
  readonly engine: Engine;
  readonly gate: Gate;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const BACKOFF = { firstMs: 100, longestMs: 5000 };

/**
 * Takes requests from now on, as soon as NATS is there. Returns how to end: other nodes get what comes from then on, and what came is
 * answered. Without a configured NATS there is nothing of it.
 */
export function openNatsPublishing({ config, engine, gate, metrics, logger }: Parts): () => Promise<void> {
  if (config.natsPublishing === undefined) return async () => undefined;
  const { url, subject } = config.natsPublishing;
  const publishing = new NatsPublishing({
    engine,
    gate,
    limits: config.limits,
    answer: (reply, answer) => line.connection?.answer(reply, answer),
    log: logger,
    onOutage: engine.onFault,
  });
  const dial = {
    servers: serversOf({ url }),
    subject,
    take: publishing.take.bind(publishing),
    onFault: (error: unknown) => {
      logger.error({ err: error }, "an answer could not be sent over NATS");
    },
  };
  const line: Line<PublishingConnection> = new Line({
    dial: () => dialPublishing(dial),
    backoff: BACKOFF,
    random: Math.random,
    onUp: () => undefined,
    onStatus: (status, error) => {
      if (status === "connected") logger.info({ subject }, "publishers are answered over NATS");
      if (status === "connecting") logger.warn({ subject, err: error }, "NATS is away: nobody can publish over it");
    },
  });
  metrics.observeNatsPublishing({ meter: publishing.meter, isConnected: () => line.status === "connected" });
  return async () => {
    const { connection } = line;
    // Where the connection is lost, so is what came by it and is not taken yet: its publishers ask again.
    await connection?.drain().catch(() => undefined);
    await publishing.settle();
    await connection?.flush().catch(() => undefined);
    await line.close();
  };
}
