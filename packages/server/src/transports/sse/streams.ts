/** Event streams over HTTP: a product's stream surfaces, and the native protocol with its commands posted beside it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { NATIVE_STREAM_PATH } from "@broadtape/protocol/native";
import type { Engine } from "../../engine/engine.ts";
import type { Surface } from "../../engine/message.ts";
import type { Session } from "../../engine/session.ts";
import type { StreamSurface } from "../../engine/surface.ts";
import { NativeCommands, type NativeHost } from "../../native/commands.ts";
import type { ConnectionLog, Gate } from "../gate.ts";
import { newIdAtNode } from "../node-id.ts";
import { type AddressOf, claimOf, lastEventIdOf, peerOf, queryOf } from "../peer.ts";
import { httpError, statusOf } from "../reason-phrase.ts";
import { Attempts, type AttemptLimits } from "./attempts.ts";
import { StreamConnection } from "./connection.ts";
import { ANY_ORIGIN, PREFLIGHT_HEADERS, corsHeaders, letAnyOriginRead } from "./cors.ts";
import { answerForCrowds, makeRoom, makeRoomEverywhere } from "./crowd.ts";
import { type StreamForms, streamForms } from "./frames.ts";
import { PostedCommands } from "./native-commands.ts";

export interface StreamOptions {
  readonly engine: Engine;
  readonly gate: Gate;
  readonly host: NativeHost;
  readonly surfaces: readonly StreamSurface[];
  readonly addressOf: AddressOf;
  readonly corsOrigins: readonly string[];
  readonly attempts: AttemptLimits;
  readonly commandBytes: number;
  readonly log: ConnectionLog;
}

export function serveStreams(app: FastifyInstance, options: StreamOptions): void {
  const attempts = new Attempts(options.engine.cluster, options.attempts);
  answerForCrowds(options.engine, options.log);
  for (const surface of options.surfaces) {
    const forms = streamForms(surface, surface.retryMs);
    serve(app, surface.path, options, attempts, surface.isPublic === true, async (known, request, reply) => {
      await options.engine.current();
      const identity = surface.identityOf?.(known) ?? known;
      const plan = surface.plan(queryOf(request.raw), identity, options.engine, placesOf(request));
      if (plan === undefined) return false;
      const session = await open(options, surface, forms, identity, request, reply);
      if (session === undefined) return true;
      reply.raw.on("close", () => surface.closed?.(session, options.engine));
      const opening = surface.open(session, options.engine, plan, lastEventIdOf(request.raw));
      opening?.catch((error: unknown) => {
        refuseOpened(options, session, error);
      });
      return true;
    });
  }
  serveNative(app, options, attempts);
}

function placesOf({ params }: FastifyRequest): Readonly<Record<string, string>> {
  return typeof params === "object" && params !== null ? { ...params } : {};
}

/** What its surface cannot open is told on the stream, which ends. */
function refuseOpened({ log }: StreamOptions, session: Session, error: unknown): void {
  if (!(error instanceof Refusal))
    log.error({ err: error, sessionId: session.id, correlationId: session.peer.correlationId }, "a stream could not be opened");
  session.close(error instanceof Refusal ? error : new Refusal("SLOW_CONSUMER", "the stream could not be opened; come back later"));
}

/** False where there is no such stream for this client. */
type Open = (identity: Identity, request: FastifyRequest, reply: FastifyReply) => Promise<boolean>;

function serve(app: FastifyInstance, path: string, options: StreamOptions, attempts: Attempts, isPublic: boolean, open: Open): void {
  const letRead = (request: FastifyRequest, reply: FastifyReply) =>
    isPublic ? letAnyOriginRead(reply) : reply.headers(corsHeaders(options.corsOrigins, request));
  app.options(path, (request, reply) => letRead(request, reply).headers(PREFLIGHT_HEADERS).code(200).send());
  // A stream without its body would be one that nobody reads: no HEAD.
  app.get(path, { exposeHeadRoute: false }, async (request, reply) => {
    const address = options.addressOf(request.raw);
    letRead(request, reply);
    try {
      const known = await identify(options, request, isPublic);
      limit(options, request, await attempts.count(address, known.isAnonymous === true ? "failed" : "others"));
      // It may have ended while that was counted.
      const identity = known.sessionId === undefined ? known : await identify(options, request, isPublic);
      if (!(await open(identity, request, reply))) await reply.code(404).send(httpError(404, "no such stream"));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      await refuse(reply, await counted(options, request, attempts, address, error));
    }
  });
}

/** Who says nothing of itself here, or hangs on a session that has ended, may still read what anybody may. */
async function identify({ gate, engine }: StreamOptions, request: FastifyRequest, isPublic: boolean): Promise<Identity> {
  const queryToken = queryOf(request.raw).get("token") ?? undefined;
  try {
    return await gate.authenticate({ headers: request.headers, queryToken });
  } catch (error) {
    if (!(error instanceof Refusal) || !isPublic) throw error;
    // A token that is not taken is told so, lest its owner read less than it expects.
    const hasToken = request.headers.authorization !== undefined || queryToken !== undefined;
    if (hasToken && error.code !== "UNAUTHORIZED") throw error;
    return { ...ANONYMOUS, tenant: engine.publicTenant };
  }
}

const ANONYMOUS = {
  userId: "anonymous",
  permissions: new Set<string>(),
  team: new Set<string>(),
  name: undefined,
  expiresAt: Infinity,
  sessionId: undefined,
  isAnonymous: true,
} as const satisfies Partial<Identity>;

/** The refusal, or the one that there were too many of it (contract 70-details "SSE attempt limits"). */
async function counted(
  options: StreamOptions,
  request: FastifyRequest,
  attempts: Attempts,
  address: string,
  refusal: Refusal,
): Promise<Refusal> {
  if (![401, 403].includes(statusOf(refusal.code))) return refusal;
  try {
    limit(options, request, await attempts.count(address, "failed"));
    return refusal;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function limit({ log, addressOf }: StreamOptions, request: FastifyRequest, retryAfterMs: number | undefined): void {
  if (retryAfterMs === undefined) return;
  log.warn({ correlationId: request.id, address: addressOf(request.raw), retryAfterMs }, "too many attempts to open a stream");
  throw new Refusal("RATE_LIMITED", "too many connection attempts from this address", { retryAfterMs });
}

async function refuse(reply: FastifyReply, { code, message, details }: Refusal): Promise<void> {
  if (code === "SHUTTING_DOWN") {
    // EventSource gives up for good at an error status, and comes back after a lost connection; proxies ask another node then.
    reply.hijack().raw.destroy();
    return;
  }
  if (details.retryAfterMs !== undefined) reply.header("Retry-After", String(Math.ceil(details.retryAfterMs / 1000)));
  const statusCode = statusOf(code);
  await reply.code(statusCode).send(httpError(statusCode, statusCode === 401 ? "No valid session found" : message));
}

/** Opens the stream and its session; undefined where nobody is there any more. */
async function open(
  options: StreamOptions,
  surface: Surface & Pick<Partial<StreamSurface>, "isPublic" | "retryMs">,
  forms: StreamForms,
  identity: Identity,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Session | undefined> {
  const { engine, log } = options;
  engine.checkRoom(identity);
  const peer = peerOf(request.raw, options.addressOf);
  const { socket } = reply.raw;
  if (socket === null) throw new Refusal("BAD_REQUEST", "an event stream cannot be pipelined behind another request");
  const seat = await engine.enter(identity, newIdAtNode(engine), claimOf(surface, peer));
  reply.hijack();
  // Gone while it was found out who it is: its end was told already, and a session would never hear of it.
  if (!socket.writable) {
    seat.leave();
    return undefined;
  }
  makeRoom(engine, log, surface, identity);
  const cors = surface.isPublic === true ? ANY_ORIGIN : corsHeaders(options.corsOrigins, request);
  const headers = { ...cors, "X-Correlation-ID": peer.correlationId };
  const connection = new StreamConnection(request.raw, reply.raw, socket, forms, headers, surface.retryMs === undefined);
  const session = engine.open(identity, surface, connection, peer, seat.connectionId);
  log.info(
    { sessionId: session.id, userId: identity.userId, tenant: identity.tenant, surface: surface.name, correlationId: peer.correlationId },
    "connected",
  );
  const onDrain = () => {
    session.outbox.ready();
  };
  const onError = (err: NodeJS.ErrnoException) => {
    // Who goes without a word and is owed nothing has only gone.
    if (err.syscall === "write" || session.outbox.stuckSince !== undefined)
      log.error({ err, sessionId: session.id, correlationId: peer.correlationId }, "delivery failed");
  };
  socket.setNoDelay(true);
  socket.on("drain", onDrain);
  socket.on("error", onError);
  reply.raw.on("close", () => {
    socket.off("drain", onDrain);
    socket.off("error", onError);
    session.lost();
  });
  makeRoomEverywhere(engine, log, session, seat.ofUser).catch((error: unknown) => {
    log.error({ err: error, sessionId: session.id }, "the oldest connections of a user could not be closed");
  });
  return session;
}

function serveNative(app: FastifyInstance, options: StreamOptions, attempts: Attempts): void {
  const { engine, host } = options;
  const forms = streamForms(host.surface);
  const commands = new PostedCommands(engine);
  serve(app, NATIVE_STREAM_PATH, options, attempts, false, async (identity, request, reply) => {
    const session = await open(options, host.surface, forms, identity, request, reply);
    if (session === undefined) return true;
    const own = new NativeCommands(host, session);
    commands.opened(session, own);
    host.durable.opened(session);
    reply.raw.on("close", () => {
      commands.closed(session);
      host.durable.closed(session);
    });
    host.surface.welcome(session, engine);
    const query = queryOf(request.raw);
    const topics = (query.get("topics") ?? "").split(",").filter(Boolean);
    const after = lastEventIdOf(request.raw) ?? query.get("after") ?? undefined;
    if (topics.length === 0) return true;
    own
      .receive(JSON.stringify({ type: "subscribe", topics, ...(after !== undefined && after !== "" && { after }) }))
      .catch((error: unknown) => {
        options.log.error({ err: error, sessionId: session.id, correlationId: session.peer.correlationId }, "subscription failed");
        session.close(new Refusal("BAD_REQUEST", "the subscription failed"));
      });
    return true;
  });
  app.options(`${NATIVE_STREAM_PATH}/:connectionId/commands`, (request, reply) => {
    const methods = { ...PREFLIGHT_HEADERS, "Access-Control-Allow-Methods": "POST, OPTIONS" };
    return reply
      .headers({ ...corsHeaders(options.corsOrigins, request), ...methods })
      .code(200)
      .send();
  });
  app.post<{ Params: { connectionId: string } }>(
    `${NATIVE_STREAM_PATH}/:connectionId/commands`,
    { bodyLimit: options.commandBytes },
    async (request, reply) => {
      reply.headers(corsHeaders(options.corsOrigins, request));
      const identity = await options.gate.authenticate({ headers: request.headers });
      const text = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
      const outcome = await commands.receive(identity, request.params.connectionId, text);
      if (outcome === "unknown") return reply.code(404).send(httpError(404, "no such connection"));
      if (outcome === "silent")
        return reply.code(503).header("Retry-After", "1").send(httpError(503, "the node that has this stream does not answer"));
      return reply.code(202).send({ accepted: true });
    },
  );
}
