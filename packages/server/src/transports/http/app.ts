/** The HTTP server: correlation ids, error bodies, body parsing, CORS; routes are added by whoever owns them. */
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import fastify, { type FastifyError, type FastifyInstance, LogController } from "fastify";
import type { FastifyBaseLogger } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import { BadEvents } from "../../engine/validate.ts";
import { correlationIdOf } from "../peer.ts";
import { httpError, statusOf } from "../reason-phrase.ts";
import { BadBody } from "./body.ts";
import { refuseBytes, refuseExpectations, refusePath } from "./broken-requests.ts";
import { answerPreflights } from "./preflights.ts";
import { EVENT_TYPES } from "./publishing.ts";

export interface HttpOptions {
  readonly logger: FastifyBaseLogger;
  readonly corsOrigins: readonly string[];
  readonly trustProxy: readonly string[];
}

/** How long a request may take to come in, body and all; answers and streams last as long as they like. */
const REQUEST_MS = 60_000;

/** What log and registry say when they are away or take no more; known by name, so that HTTP knows no adapter. */
const UNAVAILABLE: ReadonlySet<string> = new Set(["LogUnavailable", "RegistryUnavailable"]);

interface Unavailable extends Error {
  readonly retryAfterMs: number;
}

export async function createApp(options: HttpOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.logger,
    // One line a connection, not one a request; publishers would drown everything else.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "correlationId" }),
    trustProxy: options.trustProxy.length === 0 ? false : [...options.trustProxy],
    genReqId: correlationIdOf,
    forceCloseConnections: "idle",
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
    const statusCode = statusCodeOf(error);
    if (error instanceof BadEvents) return reply.code(statusCode).send(httpError(statusCode, error.message, { errors: error.faults }));
    if (error instanceof BadBody) return reply.code(statusCode).send(httpError(statusCode, error.message));
    if (error instanceof Refusal) {
      if (error.details.retryAfterMs !== undefined) reply.header("Retry-After", String(Math.ceil(error.details.retryAfterMs / 1000)));
      return reply.code(statusCode).send(httpError(statusCode, error.message));
    }
    if (isUnavailable(error)) {
      if (error.cause !== undefined) request.log.error({ err: error }, "request failed");
      return reply
        .code(statusCode)
        .header("Retry-After", String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))))
        .send(httpError(statusCode, error.message));
    }
    if (statusCode >= 500) request.log.error({ err: error }, "request failed");
    return reply.code(statusCode).send(httpError(statusCode, statusCode >= 500 ? "internal error" : error.message));
  });
  return app;
}

/** What an error is answered with. */
export function statusCodeOf(error: unknown): number {
  if (error instanceof BadEvents) return 422;
  if (error instanceof BadBody) return 400;
  if (error instanceof Refusal) return statusOf(error.code);
  if (!(error instanceof Error)) return 500;
  if (isUnavailable(error)) return 503;
  return "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : 500;
}

function isUnavailable(error: Error): error is Unavailable {
  return UNAVAILABLE.has(error.name) && "retryAfterMs" in error && typeof error.retryAfterMs === "number";
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
