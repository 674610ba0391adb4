/** The composition root: with `compose-stores.ts`, the one place that names adapters; joins products, engine and transports. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import proxyAddr from "@fastify/proxy-addr";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { Authenticator } from "./access/authenticator.ts";
import { issueToken } from "./access/issue.ts";
import { sessionIdOf } from "./access/credentials.ts";
import { CookieSessions } from "./access/sessions.ts";
import { createTokenVerifier } from "./access/tokens.ts";
import { joinCluster } from "./compose-cluster.ts";
import { startFallback } from "./compose-fallback.ts";
import { startIntake } from "./compose-intake.ts";
import { openNatsPublishing } from "./compose-nats.ts";
import { createDesk, createWatch } from "./compose-operations.ts";
import { openStores } from "./compose-stores.ts";
import { openWire } from "./compose-wire.ts";
import type { Config } from "./config.ts";
import { isoTime } from "./engine/clock.ts";
import { ConnectionBook } from "./engine/connection-book.ts";
import { Engine } from "./engine/engine.ts";
import type { Product } from "./engine/product.ts";
import type { Session } from "./engine/session.ts";
import type { SocketSurface, StreamSurface } from "./engine/surface.ts";
import type { Intake } from "./intake/intake.ts";
import type { NativeHost } from "./native/commands.ts";
import { DurableClients } from "./native/durable.ts";
import { nativeTextSurface } from "./native/text-surface.ts";
import { nativeSurface } from "./native/surface.ts";
import { logBroadcasts, logJournal } from "./operations/journal.ts";
import { createLogger } from "./operations/logger.ts";
import { createMetrics } from "./operations/metrics.ts";
import type { OperationsDesk } from "./operations/desk.ts";
import { refusedOutbox } from "./operations/refused-outbox.ts";
import { productsOf, feedOptions } from "./compose-products.ts";
import { CROWD } from "./products/streams/stream.ts";
import { transactionsWebSocket } from "./products/transactions/surfaces.ts";
import { LogEnded } from "./log/log.ts";
import type { Registry } from "./registry/registry.ts";
import { createApp } from "./transports/http/app.ts";
import { serveCatalogue } from "./transports/http/catalogue.ts";
import { serveConnections } from "./transports/http/connections.ts";
import { DEMO_USERS, type DemoUser, serveDemo, servePages } from "./transports/http/console.ts";
import { type DemoDeskAddress, serveDemoDesk } from "./transports/http/demo-desk.ts";
import { serveDocs } from "./transports/http/docs.ts";
import { serveHealth } from "./transports/http/health.ts";
import { serveHistory } from "./transports/http/history.ts";
import { serveDocument } from "./transports/http/openapi/document.ts";
import { serveNotices } from "./transports/http/notices.ts";
import { serveOperations } from "./transports/http/operations.ts";
import { servePublishing } from "./transports/http/publishing.ts";
import { serveSessions } from "./transports/http/session.ts";
import { serveSubscriptions } from "./transports/http/subscriptions.ts";
import { serveSocketIo } from "./transports/socket-io/server.ts";
import { serveStreamMetrics } from "./transports/sse/metrics.ts";
import { serveStreams } from "./transports/sse/streams.ts";
import { serveUpgrades } from "./transports/websocket/upgrades.ts";
import { serveTextWebSocket } from "./transports/websocket/text.ts";

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

const DEMO_TOKEN_MS = 12 * 3_600_000;
const CONSOLE_FOLDER = fileURLToPath(new URL("../../../apps/console/dist/", import.meta.url));

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
  const onFault = (error: unknown) => {
    logger.error({ err: error }, "fault");
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
  const app = await createApp({ logger, corsOrigins: config.corsOrigins, trustProxy: config.trustProxy });
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

interface Parts {
  readonly config: Config;
  readonly engine: Engine;
  readonly desk: OperationsDesk;
  readonly intake: () => Intake | undefined;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly onFault: (error: unknown) => void;
  readonly demoDesk: ServerOptions["demoDesk"];
}

async function serveClients(
  app: FastifyInstance,
  { config, engine, desk, intake, logger, registry, onFault, demoDesk }: Parts,
  surfaces: readonly SocketSurface[],
  streams: readonly StreamSurface[],
) {
  const { limits, corsOrigins } = config;
  const now = () => engine.clock.now();
  const rules = { issuer: config.issuer, audience: config.audience, now, onFault };
  const sessions = new CookieSessions(registry, { now, ttlMs: limits.sessionTtlMs, ...(engine.isShared && { cluster: engine.cluster }) });
  sessions.onEnd((sessionId) => {
    engine.sessions.endCookie(sessionId);
  });
  const origins = { corsOrigins, trustProxy: config.trustProxy };
  const gate = new Authenticator(createTokenVerifier(config.keys, rules), sessions, origins);
  const host: NativeHost = {
    engine,
    surface: nativeSurface({
      heartbeatMs: limits.nativeHeartbeatMs,
      idleMs: limits.marketDataIdleMs,
      maxTopics: limits.nativeTopics,
      commandRate: { burst: limits.nativeCommandsBurst, perSecond: limits.nativeCommandsPerSecond },
    }),
    verify: (token) => gate.verify(token),
    durable: new DurableClients(engine, registry, feedOptions(limits).delivery, (error) => {
      logger.error({ err: error }, "acknowledgements could not be kept");
    }),
  };
  const trust = proxyAddr.compile([...config.trustProxy]);
  const addressOf = (request: IncomingMessage) => proxyAddr(request, trust);
  servePublishing(app, { engine, gate, bodyBytes: limits.eventBodyBytes });
  serveHistory(app, { engine, gate, pageEvents: limits.historyPage });
  serveSubscriptions(app, {
    subscribers: engine.subscribers,
    gate,
    most: limits.subscriptionsPerUser,
    bodyBytes: limits.socketFrameBytes,
  });
  serveConnections(app, { desk, gate });
  serveOperations(app, { gate, desk, outbox: (tenant, page) => refusedOutbox(intake(), tenant, page) });
  serveCatalogue(app, { gate, products: engine.products });
  serveNotices(app, { gate, list: (query) => registry.listNotices(query) });
  serveSessions(
    app,
    gate,
    {
      open: (identity) => sessions.open(identity),
      end: (id) => sessions.end(id),
      cookieOf: ({ headers }) => sessionIdOf(headers, origins),
    },
    now,
  );
  if (config.demo) {
    const issue = async ({ userId, tenantId, name, permissions }: DemoUser) => ({
      token: await issueToken(config.keys, { sub: userId, tenantId, name, permissions }, DEMO_TOKEN_MS, rules),
      expiresAt: isoTime(now() + DEMO_TOKEN_MS),
    });
    serveDemo(app, { users: DEMO_USERS, issue, gate, cut: (user) => desk.cut(user) });
    serveDemoDesk(app, { gate, desk: demoDesk ?? (() => undefined), fetch });
  }
  await serveDocs(app);
  await servePages(app, CONSOLE_FOLDER);
  const attempts = { failed: limits.sseAttemptsFailedPerMinute, others: limits.sseAttemptsPerMinute };
  serveStreams(app, {
    engine,
    gate,
    host,
    surfaces: streams,
    addressOf,
    corsOrigins,
    attempts,
    commandBytes: limits.socketFrameBytes,
    log: logger,
  });
  serveStreamMetrics(app, { engine, gate, crowd: CROWD, bodyBytes: limits.socketFrameBytes });
  await app.ready();
  const { server } = app;
  const frameBytes = limits.socketFrameBytes;
  const io = serveSocketIo({ server, engine, gate, surfaces, addressOf, corsOrigins, frameBytes, log: logger });
  const reauthenticate = async (session: Session, token: string) => {
    const identity = await gate.verify(token);
    engine.reauthenticate(session, identity);
    return identity;
  };
  const texts = [nativeTextSurface(host), transactionsWebSocket(feedOptions(limits), engine, reauthenticate)];
  const handlers = texts.map((surface) =>
    serveTextWebSocket({ engine, surface, gate, addressOf, log: logger, authenticateMs: limits.authenticateMs, frameBytes }),
  );
  serveUpgrades(server, io.path(), handlers);
  const close = async () => {
    await host.durable.flush();
    // Not `io.close`, which waits for every HTTP connection; those end with the HTTP server.
    io.engine.close();
  };
  return { gate, close };
}

/** As a person would open it. */
function displayUrl(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}
