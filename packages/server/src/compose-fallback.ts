/** Part of the composition root: the fallback for fraud alerts, with the notifier that is configured. */
import type { Config } from "./config.ts";
import type { Clock } from "./engine/clock.ts";
import type { Engine } from "./engine/engine.ts";
import { startDispatcher } from "./notify/dispatcher.ts";
import { Fallback } from "./notify/fallback.ts";
import type { Notifier } from "./notify/notifier.ts";
import { addressesBy, createSmtpNotifier } from "./notify/smtp/smtp.ts";
import { createWebhookNotifier } from "./notify/webhook/webhook.ts";
import type { Metrics } from "./operations/metrics.ts";
import type { Registry } from "./registry/registry.ts";

export interface FallbackParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly registry: Registry;
  readonly metrics: Metrics;
  readonly onFault: (error: unknown) => void;
}

/** Outcomes are kept longer than any event may be handed in again. */
const KEPT_LONGER_MS = 86_400_000;

/** Begins to watch; the log is looked through for what is still owed once the engine has started. Undefined without a notifier. */
export async function startFallback({ config, engine, registry, metrics, onFault }: FallbackParts) {
  const { notify, limits, retention } = config;
  if (notify === undefined) return undefined;
  const keepMs = retention.maxAgeMs + KEPT_LONGER_MS;
  const dispatcher = await startDispatcher({
    notifier: notifierOf(notify, engine.clock),
    registry,
    cluster: engine.isShared ? engine.cluster : undefined,
    clock: engine.clock,
    random: Math.random,
    keepMs,
    onFault,
  });
  const fallback = new Fallback(engine, {
    waitMs: limits.fraudAckMs,
    take: (notice) => dispatcher.take(notice),
    store: registry,
    onFault,
  });
  metrics.observeNotices(
    () => Object.entries(dispatcher.counts),
    () => fallback.size,
  );
  return {
    resume: () => fallback.resume(),
    close: async () => {
      fallback.stop();
      await dispatcher.close();
    },
  };
}

function notifierOf(notify: NonNullable<Config["notify"]>, clock: Clock): Notifier {
  return notify.kind === "webhook"
    ? createWebhookNotifier({ ...notify, clock })
    : createSmtpNotifier({ ...notify, addressOf: addressesBy(notify.to), clock });
}
