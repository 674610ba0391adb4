/** Part of the composition root: batches that services stage inside their own database transactions. */
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Engine } from "./engine/engine.ts";
import { typesOf } from "./intake/checks.ts";
import type { Intake } from "./intake/intake.ts";
import { openPostgresIntake } from "./intake/postgres/postgres-intake.ts";
import type { Metrics } from "./operations/metrics.ts";

export interface IntakeParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly onFault: (error: unknown) => void;
}

/** Begins to move when the engine has started. Undefined where nobody can stage anything. */
export async function startIntake({ config, engine, metrics, logger, onFault }: IntakeParts): Promise<Intake | undefined> {
  if (config.databaseUrl === undefined) return undefined;
  const { batchEvents, eventBodyBytes: batchBytes } = config.limits;
  const intake = await openPostgresIntake(
    { url: config.databaseUrl },
    {
      publish: (events, publisher) => engine.publish(events, publisher),
      taken: { types: typesOf(engine.products), batchEvents, batchBytes },
      random: Math.random,
      onRefused({ seq, key, tenant, source, role }, events, error) {
        logger.warn({ seq, tenant, source, role, correlationId: key, faults: error.faults }, "a batch of the outbox is refused");
        engine.meter.refused += 1;
        engine.meter.witness.refused({ tenant, userId: role, correlationId: key, events, error });
      },
      onFault,
      onStatus(error) {
        if (error === undefined) logger.info("the outbox is there");
        else logger.warn({ err: error }, "the outbox is away");
      },
    },
  );
  metrics.observeIntake(intake.meter);
  return intake;
}
