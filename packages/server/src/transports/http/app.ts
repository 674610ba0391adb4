/** The HTTP server: correlation ids, error bodies, body parsing, CORS; routes are added by whoever owns them. */
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import fastify, { type FastifyError, type FastifyInstance, LogController } from "fastify";
import type { FastifyBaseLogger } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import { correlationIdOf } from "../peer.ts";
import { EVENT_TYPES } from "../publishing.ts";
import { httpError } from "../reason-phrase.ts";
import { refusedOf } from "../refused.ts";
import { refuseBytes, refuseExpectations, refusePath } from "./broken-requests.ts";
import { answerPreflights } from "./preflights.ts";

export interface HttpOptions {
  readonly logger: FastifyBaseLogger;
  /** What a request needs is away; each request that hears of it tells it. */
  readonly onOutage: (error: unknown) => void;
  readonly corsOrigins: readonly string[];
  readonly trustProxy: readonly string[];
}

/** How long a request may take to come in, body and all; answers and streams last as long as they like. */
const REQUEST_MS = 60_000;

export async function createApp(options: HttpOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.logger,
    // One line a connection, not one a request; publishers would drown everything else.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "correlationId" }),
    trustProxy: options.trustProxy.length === 0 ? false : [...options.trustProxy],
    genReqId: correlationIdOf,
    forceCloseConnections: "idle",
    // Routes refuse by themselves, in the contract's words.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1024 },
    requestTimeout: REQUEST_MS,
    http: {
      // Any other protocol is an offer that may be declined by answering (RFC 9110 7.8): `h2c` comes with every request of some clients.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
      // Node's own answer would have no body; see the hook below.
      requireHostHeader: false,
    },
    clientErrorHandler: refuseBytes,
    frameworkErrors: refusePath,
  });
  refuseExpectations(app.server);
  app.addHook("onRequest", async (request, reply) => {
    reply.header("X-Correlation-ID", request.id);
    // RFC 9112 3.2
    if (request.headers.host === undefined && request.raw.httpVersion === "1.1")
      throw new Refusal("BAD_REQUEST", "the header Host is missing");
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...EVENT_TYPES], { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
  await app.register(helmet, { contentSecurityPolicy: { directives: CONTENT_POLICY }, hsts: false });
  await app.register(cors, {
    origin: options.corsOrigins.length === 0 ? false : options.corsOrigins.includes("*") ? "*" : [...options.corsOrigins],
    credentials: options.corsOrigins.length > 0 && !options.corsOrigins.includes("*"),
    exposedHeaders: ["X-Correlation-ID", "ETag", "Retry-After"],
    // Which methods are allowed differs by route.
    preflight: false,
  });
  answerPreflights(app);
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(httpError(404, "no such resource")));
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const { body, retryAfterSeconds, isFault, isOutage } = refusedOf(error);
    if (isOutage) options.onOutage(error);
    if (isFault) request.log.error({ err: error }, "request failed");
    if (retryAfterSeconds !== undefined) reply.header("Retry-After", String(retryAfterSeconds));
    // Else the connection would be reset under whoever is still sending a body that is too large, a proxy for one, and the refusal lost.
    // What still comes is thrown away, for as long as a request may take.
    reply.removeHeader("Connection");
    return reply.code(body.statusCode).send(body);
  });
  return app;
}

/** The console's pages: everything from here, nothing inline. */
const CONTENT_POLICY = {
  defaultSrc: ["'self'"],
  connectSrc: ["'self'", "ws:", "wss:"],
  imgSrc: ["'self'", "data:"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  scriptSrc: ["'self'"],
  workerSrc: ["'self'", "blob:"],
  upgradeInsecureRequests: null,
};
