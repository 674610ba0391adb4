/** Part of the composition root: what clients, publishers and operators reach over HTTP, Socket.IO, WebSocket and SSE. */
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
import type { Config } from "./config.ts";
import { isoTime } from "./engine/clock.ts";
import { Engine } from "./engine/engine.ts";
import type { Session } from "./engine/session.ts";
import type { SocketSurface, StreamSurface } from "./engine/surface.ts";
import type { Intake } from "./intake/intake.ts";
import type { NativeHost } from "./native/commands.ts";
import { DurableClients } from "./native/durable.ts";
import { nativeTextSurface } from "./native/text-surface.ts";
import { nativeSurface } from "./native/surface.ts";
import type { OperationsDesk } from "./operations/desk.ts";
import { refusedOutbox } from "./operations/refused-outbox.ts";
import { feedOptions } from "./compose-products.ts";
import { CROWD } from "./products/streams/stream.ts";
import { transactionsWebSocket } from "./products/transactions/surfaces.ts";
import type { Registry } from "./registry/registry.ts";
import { serveCatalogue } from "./transports/http/catalogue.ts";
import { serveConnections } from "./transports/http/connections.ts";
import { DEMO_USERS, type DemoUser, serveDemo, servePages } from "./transports/http/console.ts";
import { type DemoDeskAddress, serveDemoDesk } from "./transports/http/demo-desk.ts";
import { serveDocs } from "./transports/http/docs.ts";
import { serveHistory } from "./transports/http/history.ts";
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

const DEMO_TOKEN_MS = 12 * 3_600_000;
const CONSOLE_FOLDER = fileURLToPath(new URL("../../../apps/console/dist/", import.meta.url));

export interface ClientParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly desk: OperationsDesk;
  readonly intake: () => Intake | undefined;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly onFault: (error: unknown) => void;
  /** Where the demo's dealing desk listens now. */
  readonly demoDesk: (() => DemoDeskAddress | undefined) | undefined;
}

/** All doors by which clients, publishers and operators come in. `close` is called before the HTTP server's end. */
export async function serveClients(
  app: FastifyInstance,
  { config, engine, desk, intake, logger, registry, onFault, demoDesk }: ClientParts,
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
    // Told of, as what else cannot be written at the end: clients are told again what they had acknowledged.
    await host.durable.flush().catch(engine.onFault);
    // Not `io.close`, which waits for every HTTP connection; those end with the HTTP server.
    io.engine.close();
  };
  return { gate, close };
}
