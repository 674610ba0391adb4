/** Socket.IO namespaces for surfaces (contract 00-common, 10-market-data): stock clients, websocket and polling. */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import { Server, type Namespace, type Socket } from "socket.io";
import * as parser from "socket.io-parser";
import { WebSocketServer } from "ws";
import { Refusal } from "@broadtape/protocol/errors";
import type { Engine } from "../../engine/engine.ts";
import type { Session } from "../../engine/session.ts";
import type { SocketSurface } from "../../engine/surface.ts";
import { watchIdle } from "../idle.ts";
import type { ConnectionLog, Gate } from "../gate.ts";
import { newIdAtNode } from "../node-id.ts";
import { type AddressOf, correlationIdOf } from "../peer.ts";
import { httpError } from "../reason-phrase.ts";
import { Commands } from "./commands.ts";
import { SocketIoConnection } from "./connection.ts";
import { MALFORMED, TolerantDecoder } from "./decoder.ts";
import { type Admission, admissionOf, authenticateAll, refuse } from "./entrance.ts";
import { type FormsOf, formsOf } from "./forms.ts";
import { parseStanding, recoveringAdapter } from "./recovery.ts";

export interface SocketIoOptions {
  readonly server: HttpServer;
  readonly engine: Engine;
  readonly gate: Gate;
  readonly surfaces: readonly SocketSurface[];
  readonly addressOf: AddressOf;
  readonly corsOrigins: readonly string[];
  readonly frameBytes: number;
  readonly log: ConnectionLog;
}

/** Serves the surfaces; the returned server is closed with the HTTP server. */
export function serveSocketIo(options: SocketIoOptions): Server {
  const { corsOrigins } = options;
  const io = new Server(options.server, {
    serveClient: false,
    maxHttpBufferSize: options.frameBytes,
    perMessageDeflate: false,
    destroyUpgrade: false,
    // The one that the native protocol uses too.
    wsEngine: WebSocketServer,
    parser: { ...parser, Decoder: TolerantDecoder },
    // Who is recovered is authenticated like everybody, and told out of the log, however long it was gone.
    connectionStateRecovery: { maxDisconnectionDuration: Infinity, skipMiddlewares: false },
    adapter: recoveringAdapter(
      (namespace, { cursor }) =>
        options.surfaces.some((surface) => surface.path === namespace && surface.recover !== undefined) &&
        "offset" in options.engine.resumeAt(cursor),
    ),
    ...(corsOrigins.length > 0 && {
      cors: { origin: corsOrigins.includes("*") ? "*" : [...corsOrigins], credentials: !corsOrigins.includes("*") },
    }),
  });
  io.engine.generateId = () => newIdAtNode(options.engine);
  io.engine.use(answerOddMethods);
  for (const surface of options.surfaces) serveNamespace(options, io.of(surface.path), surface);
  return io;
}

/** Every answer has a correlation id; methods that are none of Engine.IO's, which would be answered 500, are refused. */
function answerOddMethods(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  response.setHeader("X-Correlation-ID", correlationIdOf(request));
  const { method, headers } = request;
  if (method === "GET" || method === "POST" || headers.upgrade !== undefined) {
    next();
    return;
  }
  const body = JSON.stringify(httpError(405, "polling is done with GET and POST"));
  response.writeHead(405, { "Content-Type": "application/json; charset=utf-8", Allow: "GET, POST" }).end(body);
}

function serveNamespace(options: SocketIoOptions, namespace: Namespace, surface: SocketSurface): void {
  const forms = formsOf(surface);
  authenticateAll(options, namespace, surface);
  namespace.on("connection", (socket) => {
    try {
      open(options, surface, forms, socket, admissionOf(socket));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(socket, error);
    }
  });
}

function open(options: SocketIoOptions, surface: SocketSurface, forms: FormsOf, socket: Socket, admission: Admission): void {
  const { identity, peer, parameters } = admission;
  const { engine, log } = options;
  const connection = new SocketIoConnection(socket, forms);
  const session = engine.open(identity, surface, connection, peer, socket.id);
  log.info(
    {
      sessionId: session.id,
      userId: identity.userId,
      tenant: identity.tenant,
      surface: surface.name,
      correlationId: session.peer.correlationId,
    },
    "connected",
  );
  listen(socket, session);
  watchIdle(session, engine.clock, surface.idleMs, () => undefined);
  const commands = new Commands(options, surface, session);
  // A packet of the protocol may name its event by a number, or not at all.
  socket.onAny((name: unknown, ...args: unknown[]) => {
    commands.receive(typeof name === "string" ? name : MALFORMED, args);
  });
  const opening = surface.open(session, engine, parameters);
  recover(engine, surface, session, socket);
  opening?.catch((error: unknown) => {
    if (!(error instanceof Refusal)) log.error({ err: error, sessionId: session.id }, "a connection could not be opened");
    session.close(error instanceof Refusal ? error : new Refusal("SLOW_CONSUMER", "the connection could not be opened; come back later"));
  });
}

/** Contract 70-details "malformed cursor": what cannot be gone on from is told, and the client begins anew. */
function recover(engine: Engine, surface: SocketSurface, session: Session, socket: Socket): void {
  const { offset } = socket.handshake.auth as { readonly offset?: unknown };
  if (surface.recover === undefined || offset === undefined) return;
  const standing = parseStanding(offset);
  if (engine.sendBack(session, standing?.cursor)) return;
  const place = standing === undefined ? ({ reason: "unknown" } as const) : engine.resumeAt(standing.cursor);
  if (socket.recovered && standing !== undefined) surface.recover(session, engine, standing.cursor, standing.mark);
  else if ("reason" in place)
    session.say({ name: "resync", body: JSON.stringify({ reason: place.reason, eventId: engine.cursorAt(engine.routedTo) }) });
}

/** Drains and signs of life of the client's Engine.IO connection, whose transport changes when polling becomes WebSocket. */
function listen(socket: Socket, session: Session): void {
  const { conn } = socket;
  const onReady = () => {
    session.outbox.ready();
  };
  const onPacket = () => {
    session.heard();
  };
  let { transport } = conn;
  const onUpgrade = () => {
    transport.off("ready", onReady);
    transport = conn.transport;
    transport.on("ready", onReady);
    onReady();
  };
  transport.on("ready", onReady);
  conn.on("upgrade", onUpgrade);
  conn.on("packet", onPacket);
  socket.on("disconnect", () => {
    transport.off("ready", onReady);
    conn.off("upgrade", onUpgrade);
    conn.off("packet", onPacket);
    session.lost();
  });
}
