/** The composition root: with `compose-stores.ts`, the one place that names adapters; joins products, engine and transports. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { serveClients } from "./compose-clients.ts";
import { joinCluster } from "./compose-cluster.ts";
import { startFallback } from "./compose-fallback.ts";
import { startIntake } from "./compose-intake.ts";
import { openNatsPublishing } from "./compose-nats.ts";
import { createDesk, createWatch } from "./compose-operations.ts";
import { openStores } from "./compose-stores.ts";
import { openWire } from "./compose-wire.ts";
import type { Config } from "./config.ts";
import { ConnectionBook } from "./engine/connection-book.ts";
import { Engine } from "./engine/engine.ts";
import type { Product } from "./engine/product.ts";
import type { Intake } from "./intake/intake.ts";
import { Faults } from "./operations/faults.ts";
import { logBroadcasts, logJournal } from "./operations/journal.ts";
import { createLogger } from "./operations/logger.ts";
import { createMetrics } from "./operations/metrics.ts";
import { productsOf } from "./compose-products.ts";
import { LogEnded } from "./log/log.ts";
import { createApp } from "./transports/http/app.ts";
import type { DemoDeskAddress } from "./transports/http/demo-desk.ts";
import { serveHealth } from "./transports/http/health.ts";
import { serveDocument } from "./transports/http/openapi/document.ts";

export interface ServerOptions {
  readonly logger?: Logger | undefined;
  /** Products beside Broadtape's own: how a team adds one of theirs. */
  readonly products?: readonly Product[] | undefined;
  /** Where the demo's dealing desk listens now. Only in demo mode. */
  readonly demoDesk?: (() => DemoDeskAddress | undefined) | undefined;
  /** Called when this process cannot go on and another one can: it should be closed, and started again. */
  readonly onEnd?: ((reason: Error) => void) | undefined;
}

export interface RunningServer {
  /** `http://host:port` */
  readonly url: string;
  readonly engine: Engine;
  /** Publishes in process, as `POST /api/v1/events` does. */
  readonly publish: Engine["publish"];
  /** Stops accepting, tells clients to reconnect elsewhere, flushes, closes. */
  close(): Promise<void>;
}

/** Starts everything; rejects with an Error that says what could not be started, and leaves nothing running then. */
export async function startServer(config: Config, options: ServerOptions = {}): Promise<RunningServer> {
  const resources = new AsyncDisposableStack();
  try {
    return await start(config, options, resources);
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function start(config: Config, options: ServerOptions, resources: AsyncDisposableStack): Promise<RunningServer> {
  const logger = options.logger ?? createLogger(config.logLevel);
  for (const warning of config.warnings) logger.warn(warning);
  const faults = new Faults(logger, () => performance.now());
  const onFault = (error: unknown) => {
    faults.tell(error);
    if (error instanceof LogEnded) options.onEnd?.(error);
  };
  const node = { id: randomUUID(), name: config.nodeName };
  const { cluster, clock, observed } = await joinCluster({ config, node, logger, onFault }, resources);
  const watch = createWatch(clock);
  const metrics = createMetrics(watch);
  resources.defer(() => metrics.close());
  const { log, registry, database } = await openStores({ config, clock, metrics, logger, onFault }, resources);
  const wire = openWire({ config, node, database, logger });
  resources.defer(() => wire.close());
  const { products, surfaces, streams: streamsFor } = productsOf(config);
  const engine = new Engine({
    log,
    wire,
    cluster,
    clock,
    newId: randomUUID,
    random: Math.random,
    products: [...products, ...(options.products ?? [])],
    limits: config.limits,
    publicTenant: config.publicTenant,
    // What is known of an RFQ that is over goes with its events.
    overKeptMs: config.retention.maxAgeMs,
    meter: metrics.meter,
    subscriptions: registry,
    onFault,
    journal: logJournal(logger),
  });
  const { connectionsKeptMs: keptMs, connectionsWaiting: waiting } = config.limits;
  const book = new ConnectionBook(engine, registry, { keptMs, waiting });
  resources.defer(() => endWithin(book.flush(), ANSWER_MS).catch(onFault));
  logBroadcasts(logger, (hear) => engine.onStored(hear));
  metrics.observe(engine);
  metrics.observeBook(book);
  if (observed !== undefined) metrics.observeCluster(observed);
  metrics.observeNode({ cluster: engine.cluster, wire, database: database?.log });
  const desk = createDesk(engine, watch, config, { wire, cluster: observed });
  const app = await createApp({ logger, onOutage: onFault, corsOrigins: config.corsOrigins, trustProxy: config.trustProxy });
  resources.defer(() => closeWithin(app, config.limits.shutdownMs));
  // Before the routes that it tells of.
  const streams = streamsFor(engine);
  serveDocument(app, { products: engine.products, streams });
  serveHealth(app, { isReady: () => engine.isReady, metrics });
  // Known when the engine has started, and before anybody can ask.
  const late: { intake: Intake | undefined } = { intake: undefined };
  const parts = { config, engine, desk, intake: () => late.intake, logger, registry, onFault, demoDesk: options.demoDesk };
  const clients = await serveClients(app, parts, surfaces, streams);
  resources.defer(clients.close);
  const fallback = await startFallback({ config, engine, registry, metrics, onFault });
  await engine.start();
  // First of all to be closed: clients are told to reconnect elsewhere while there is still a connection to tell them on.
  resources.defer(() => engine.stop());
  resources.defer(() => desk.close());
  late.intake = await startIntake({ config, engine, metrics, logger, onFault });
  resources.defer(() => late.intake?.close());
  if (fallback !== undefined) {
    resources.defer(() => fallback.close());
    fallback.resume().catch(onFault);
  }
  const url = displayUrl(await listen(app, config));
  // Before anything else is closed: what came is still published.
  const endNatsPublishing = openNatsPublishing({ config, engine, gate: clients.gate, metrics, logger });
  resources.defer(() => endWithin(endNatsPublishing(), ANSWER_MS));
  // Who comes from now on finds nobody, and a proxy another node: a refusal would be an answer, which is passed on. Who is here is still served.
  resources.defer(() => {
    app.server.close();
  });
  logger.info({ url, node: node.name, epoch: engine.epoch, head: engine.routedTo }, "listening");
  return { url, engine, publish: engine.publish.bind(engine), close: () => resources.disposeAsync() };
}

/** Rejects with an Error that names the setting. */
async function listen(app: FastifyInstance, { host, port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const setting = code === "EADDRINUSE" || code === "EACCES" ? "PORT" : "HOST";
    throw new Error(`${setting}: cannot listen on ${host}:${port}: ${message}`, { cause: error });
  }
}

/** Requests that are not answered by then are cut: the log is closed, so that all they could hear is a refusal. */
const ANSWER_MS = 2000;

/** Lets answers and farewells finish, and cuts what is left; connections without a request too. */
async function closeWithin(app: FastifyInstance, ms: number): Promise<void> {
  const timers = new Set<NodeJS.Timeout>();
  const cut = new Promise<void>((resolve) => {
    timers.add(setTimeout(() => app.server.closeAllConnections(), Math.min(ANSWER_MS, ms)));
    timers.add(setTimeout(resolve, ms));
  });
  await Promise.race([app.close(), cut]);
  for (const timer of timers) clearTimeout(timer);
  app.server.closeAllConnections();
}

/** What is slower is not waited for. */
async function endWithin(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]).finally(() => {
    clearTimeout(timer);
  });
}

/** As a person would open it. */
function displayUrl(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}
