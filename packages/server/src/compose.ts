/** The composition root: the one place that names adapters and joins products, engine and transports. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { Authenticator } from "./access/authenticator.ts";
import { issueToken } from "./access/issue.ts";
import { sessionIdOf } from "./access/credentials.ts";
import { CookieSessions } from "./access/sessions.ts";
import { createTokenVerifier } from "./access/tokens.ts";
import type { Config } from "./config.ts";
import { isoTime, systemClock } from "./engine/clock.ts";
import { Engine } from "./engine/engine.ts";
import type { Product } from "./engine/product.ts";
import type { SocketSurface, StreamSurface } from "./engine/surface.ts";
import type { Log } from "./log/log.ts";
import { openSqliteLog } from "./log/sqlite/sqlite-log.ts";
import type { NativeHost } from "./native/commands.ts";
import { DurableClients } from "./native/durable.ts";
import { nativeSurface } from "./native/surface.ts";
import { createLogger } from "./operations/logger.ts";
import { createMetrics } from "./operations/metrics.ts";
import { marketData } from "./products/market-data/declaration.ts";
import { marketDataSocket } from "./products/market-data/socket-surface.ts";
import { marketDataStream } from "./products/market-data/stream-surface.ts";
import type { Registry } from "./registry/registry.ts";
import { openSqliteRegistry } from "./registry/sqlite/sqlite-registry.ts";
import { createApp } from "./transports/http/app.ts";
import { type DemoUser, serveDemo, servePages } from "./transports/http/console.ts";
import { serveHealth } from "./transports/http/health.ts";
import { serveHistory } from "./transports/http/history.ts";
import { servePublishing } from "./transports/http/publishing.ts";
import { serveSessions } from "./transports/http/session.ts";
import { serveSocketIo } from "./transports/socket-io/server.ts";
import { serveStreams } from "./transports/sse/streams.ts";
import { serveUpgrades } from "./transports/websocket/upgrades.ts";
import { serveNativeWebSocket } from "./transports/websocket/native.ts";

export interface ServerOptions {
  readonly logger?: Logger | undefined;
  /** Products beside Broadtape's own: how a team adds one of theirs. */
  readonly products?: readonly Product[] | undefined;
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

const DEMO_USERS: readonly DemoUser[] = [
  { userId: "ada", tenantId: "demo-bank", name: "Ada" },
  { userId: "ben", tenantId: "demo-bank", name: "Ben" },
];
const DEMO_TOKEN_MS = 12 * 3_600_000;
const CONSOLE_FOLDER = fileURLToPath(new URL("../../../apps/console/dist/", import.meta.url));

/** Starts everything; rejects with an Error that says what could not be started. */
export async function startServer(config: Config, options: ServerOptions = {}): Promise<RunningServer> {
  const logger = options.logger ?? createLogger(config.logLevel);
  for (const warning of config.warnings) logger.warn(warning);
  const metrics = createMetrics();
  const onFault = (error: unknown) => {
    logger.error({ err: error }, "fault");
  };
  const log = await openSqliteLog(config.dataDirectory, {
    retention: config.retention,
    dedupeWindowMs: config.dedupeWindowMs,
    now: () => Date.now(),
    maxWaitingEvents: config.limits.waitingEvents,
    onCommit: metrics.onCommit,
    onFault,
  });
  const registry = await openSqliteRegistry(config.dataDirectory);
  const { products, surfaces, streams } = productsOf(config);
  const engine = new Engine({
    log,
    clock: systemClock,
    newId: randomUUID,
    random: Math.random,
    products: [...products, ...(options.products ?? [])],
    limits: config.limits,
    publicTenant: config.publicTenant,
    meter: metrics.meter,
    onFault,
  });
  metrics.observe(engine);
  const app = await createApp({ logger, corsOrigins: config.corsOrigins, trustProxy: config.trustProxy });
  serveHealth(app, { isReady: () => engine.isReady, metrics });
  const parts = { config, engine, logger, registry };
  const closeSockets = await serveClients(app, parts, surfaces, streams);
  await engine.start();
  const url = await app.listen({ host: config.host, port: config.port });
  logger.info({ url, epoch: engine.epoch, head: engine.routedTo }, "listening");
  return { url: displayUrl(url), engine, publish: engine.publish.bind(engine), close: () => close(app, parts, closeSockets, log, metrics) };
}

interface Parts {
  readonly config: Config;
  readonly engine: Engine;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** Broadtape's products, and where each meets its clients. */
function productsOf({ limits, symbols }: Config): { products: Product[]; surfaces: SocketSurface[]; streams: StreamSurface[] } {
  const prices = marketData({ symbols, staleSourceMs: limits.staleSourceMs });
  const commandRate = { burst: limits.marketDataCommandsBurst, perSecond: limits.marketDataCommandsPerSecond };
  const { heartbeatMs, symbolsPerClient, marketDataIdleMs } = limits;
  return {
    products: [prices],
    surfaces: [marketDataSocket(prices, { heartbeatMs, idleMs: marketDataIdleMs, symbolsPerClient, commandRate })],
    streams: [marketDataStream(prices, { heartbeatMs, symbolsPerClient })],
  };
}

async function serveClients(
  app: FastifyInstance,
  { config, engine, logger, registry }: Parts,
  surfaces: SocketSurface[],
  streams: StreamSurface[],
) {
  const { limits, corsOrigins } = config;
  const now = () => Date.now();
  const rules = { issuer: config.issuer, audience: config.audience };
  const sessions = new CookieSessions(registry, { now, ttlMs: limits.sessionTtlMs });
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
    durable: new DurableClients(engine, registry, (error) => {
      logger.error({ err: error }, "acknowledgements could not be kept");
    }),
  };
  const addressOf = (request: IncomingMessage) => request.socket.remoteAddress ?? "";
  servePublishing(app, { engine, gate, bodyBytes: limits.eventBodyBytes });
  serveHistory(app, { engine, gate, pageEvents: limits.historyPage });
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
    const issue = async ({ userId, tenantId, name }: DemoUser) => ({
      token: await issueToken(config.keys, { sub: userId, tenantId, name }, DEMO_TOKEN_MS, rules),
      expiresAt: isoTime(now() + DEMO_TOKEN_MS),
    });
    serveDemo(app, { users: DEMO_USERS, issue });
  }
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
  await app.ready();
  const { server } = app;
  const frameBytes = limits.socketFrameBytes;
  const io = serveSocketIo({ server, engine, gate, surfaces, addressOf, corsOrigins, frameBytes, log: logger });
  const native = serveNativeWebSocket({ engine, host, gate, addressOf, log: logger, authenticateMs: limits.authenticateMs, frameBytes });
  serveUpgrades(server, io.path(), [native]);
  return async () => {
    await host.durable.flush();
    await io.close();
  };
}

async function close(
  app: FastifyInstance,
  { config, engine, registry }: Parts,
  closeSockets: () => Promise<void>,
  log: Log,
  metrics: { close(): void },
): Promise<void> {
  await engine.stop();
  const drained = Promise.all([closeSockets(), app.close()]);
  await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, config.limits.shutdownMs).unref())]);
  app.server.closeAllConnections();
  await registry.close();
  await log.close();
  metrics.close();
}

/** As a person would open it. */
function displayUrl(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}
