/** Socket.IO namespaces for surfaces (contract 00-common, 10-market-data): stock clients, websocket and polling. */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import { Server, type Namespace, type Socket } from "socket.io";
import * as parser from "socket.io-parser";
import { WebSocketServer } from "ws";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { Abreast } from "../../engine/abreast.ts";
import type { Engine } from "../../engine/engine.ts";
import { TokenBucket } from "../../engine/limits.ts";
import type { Words } from "../../engine/message.ts";
import type { Seat } from "../../engine/sessions.ts";
import type { Peer, Session } from "../../engine/session.ts";
import { type SocketSurface, errorBody } from "../../engine/surface.ts";
import { watchIdle } from "../idle.ts";
import type { ConnectionLog, Gate } from "../gate.ts";
import { newIdAtNode } from "../node-id.ts";
import { type AddressOf, claimOf, correlationIdOf, peerOf, queryOf } from "../peer.ts";
import { httpError } from "../reason-phrase.ts";
import { joinFrames, textFrame } from "../websocket/frames.ts";
import { type FormsOf, SocketIoConnection, type SocketIoForms } from "./connection.ts";
import { MALFORMED, TolerantDecoder } from "./decoder.ts";
import { parseStanding, recoveringAdapter, spellStanding } from "./recovery.ts";

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

/** Socket.IO event packets of a namespace, as text; with where the client stands, where it is to bring that back. */
function packet(path: string, { name, body, id }: Words, mark: string): string {
  const args = mark === "" || id === undefined ? body : `${body},${JSON.stringify(spellStanding(id, mark))}`;
  return path === "/" ? `2[${JSON.stringify(name)},${args}]` : `2${path},[${JSON.stringify(name)},${args}]`;
}

function formsOf(surface: SocketSurface): FormsOf {
  /** Few: a surface has a handful of marks. */
  const byMark = new Map<string, SocketIoForms>();
  return (mark) => {
    let forms = byMark.get(mark);
    if (forms === undefined) byMark.set(mark, (forms = newForms(surface, mark)));
    return forms;
  };
}

function newForms(surface: SocketSurface, mark: string): SocketIoForms {
  const { path } = surface;
  return {
    // Engine.IO's type "message" is 4; polling adds it itself.
    webSocket: { surface, frame: (words) => textFrame(`4${packet(path, words, mark)}`), join: joinFrames },
    polling: { surface, frame: (words) => Buffer.from(packet(path, words, mark)), join: joinFrames },
  };
}

function serveNamespace(options: SocketIoOptions, namespace: Namespace, surface: SocketSurface): void {
  const forms = formsOf(surface);
  authenticateAll(options, namespace, surface);
  namespace.on("connection", (socket) => {
    const verdict = verdicts.get(socket);
    try {
      if (verdict === undefined) throw new Refusal("UNAUTHORIZED", "No token provided");
      if (verdict instanceof Refusal) throw verdict;
      open(options, surface, forms, socket, verdict);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(socket, error);
    }
  });
}

function authenticateAll(options: SocketIoOptions, namespace: Namespace, surface: SocketSurface): void {
  const { log } = options;
  namespace.use((socket, next) => {
    admit(options, surface, socket).then(
      (result) => {
        verdicts.set(socket, result);
        next();
        // Whoever went meanwhile, or is refused, needs none; by then the library has called back for all others.
        if ("seat" in result) setImmediate(() => result.seat.leave());
      },
      (error: unknown) => {
        log.error({ err: error }, "authentication failed");
        next(new Error("internal error"));
      },
    );
  });
}

/** What authentication found, until the socket is connected. */
const verdicts = new WeakMap<Socket, Admission | Refusal>();

/** Somebody who may come in. */
interface Admission {
  readonly identity: Identity;
  readonly peer: Peer;
  readonly parameters: URLSearchParams;
  readonly seat: Seat;
}

async function admit({ gate, engine, addressOf }: SocketIoOptions, surface: SocketSurface, socket: Socket): Promise<Admission | Refusal> {
  const { auth, headers, query } = socket.handshake;
  try {
    const identity = await gate.authenticate({
      authToken: (auth as Record<string, unknown>)["token"],
      headers,
      queryToken: typeof query["token"] === "string" ? query["token"] : undefined,
    });
    const parameters = parametersOf(socket);
    const peer = peerOf(socket.request, addressOf, parameters);
    return { identity, peer, parameters, seat: await engine.enter(identity, socket.id, claimOf(surface, peer)) };
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Tells why, then closes the connection (contract 70-details "refusal at connect"). */
function refuse(socket: Socket, refusal: Refusal): void {
  socket.emit("error", JSON.parse(errorBody(refusal)));
  const { conn } = socket;
  // After a goodbye of the namespace a stock client stays away; this one is to come back.
  if (refusal.code === "SHUTTING_DOWN") {
    conn.close();
    return;
  }
  socket.disconnect();
  setTimeout(() => {
    if ((socket.client as unknown as { sockets: ReadonlyMap<string, unknown> }).sockets.size === 0) conn.close();
  }, 1000).unref();
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
  const place = standing === undefined ? ({ reason: "unknown" } as const) : engine.resumeAt(standing.cursor);
  if (socket.recovered && standing !== undefined) surface.recover(session, engine, standing.cursor, standing.mark);
  else if ("reason" in place)
    session.say({ name: "resync", body: JSON.stringify({ reason: place.reason, eventId: engine.cursorAt(engine.routedTo) }) });
}

/** Of the query, and of `auth`, which goes before it. */
function parametersOf({ request, handshake }: Socket): URLSearchParams {
  const parameters = queryOf(request);
  for (const [name, value] of Object.entries(handshake.auth)) {
    if (typeof value === "string" || typeof value === "number") parameters.set(name, String(value));
  }
  return parameters;
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

type Acknowledge = (answer: object) => void;

/** What a client says in a namespace. */
class Commands {
  readonly #options: SocketIoOptions;
  readonly #surface: SocketSurface;
  readonly #session: Session;
  readonly #bucket: TokenBucket;
  /** Bounded by what the bucket lets through while one of them waits. */
  readonly #abreast: Abreast;

  constructor(options: SocketIoOptions, surface: SocketSurface, session: Session) {
    this.#options = options;
    this.#surface = surface;
    this.#session = session;
    this.#bucket = new TokenBucket(options.engine.clock, surface.commandRate.burst, surface.commandRate.perSecond);
    this.#abreast = new Abreast(options.engine);
  }

  receive(name: string, args: readonly unknown[]): void {
    const last = args.at(-1);
    const acknowledge = typeof last === "function" ? (last as Acknowledge) : undefined;
    const body = acknowledge !== undefined && args.length === 1 ? undefined : args[0];
    try {
      this.#take();
      if (name === MALFORMED) throw new Refusal("BAD_REQUEST", "the packet is malformed", { path: "" });
      if (name === "reauthenticate") {
        this.#reauthenticate(body, acknowledge);
        return;
      }
      const turn = this.#abreast.turn(this.#surface.looksAtViews.has(name));
      if (turn === undefined) this.#carryOut(name, body, acknowledge);
      else turn.then(() => this.#carryOutLater(name, body, acknowledge)).catch(this.#options.engine.onFault);
    } catch (error) {
      this.#failed(error, acknowledge);
    }
  }

  #carryOutLater(name: string, body: unknown, acknowledge: Acknowledge | undefined): void {
    if (this.#session.isClosed) return;
    try {
      this.#carryOut(name, body, acknowledge);
    } catch (error) {
      this.#failed(error, acknowledge);
    }
  }

  #carryOut(name: string, body: unknown, acknowledge: Acknowledge | undefined): void {
    const answer = this.#surface.receive(this.#session, this.#options.engine, name, body);
    if (answer instanceof Promise)
      answer.then((each) => this.#answer(acknowledge, each)).catch((error: unknown) => this.#failedLater(error, acknowledge));
    else this.#answer(acknowledge, answer);
  }

  /** After what the session is owed so far: an answer never overtakes the messages that it counts on. */
  #answer(acknowledge: Acknowledge | undefined, answer: object): void {
    if (acknowledge !== undefined && !this.#session.isClosed) this.#session.outbox.afterPending(() => acknowledge(answer));
  }

  #failed(error: unknown, acknowledge: Acknowledge | undefined): void {
    if (!(error instanceof Refusal)) throw error;
    this.#refuse(error, acknowledge);
  }

  /** What a command waits for may be away, the registry for one: that ends this connection, and nobody else's. */
  #failedLater(error: unknown, acknowledge: Acknowledge | undefined): void {
    if (error instanceof Refusal) {
      this.#refuse(error, acknowledge);
      return;
    }
    this.#options.log.error({ err: error, sessionId: this.#session.id }, "command failed");
    this.#session.close(new Refusal("SLOW_CONSUMER", "the command could not be carried out; come back later"));
  }

  #take(): void {
    const retryAfterMs = this.#bucket.take();
    if (retryAfterMs !== undefined) throw new Refusal("RATE_LIMITED", "Rate limit exceeded", { retryAfterMs });
  }

  #refuse(refusal: Refusal, acknowledge: Acknowledge | undefined): void {
    this.#session.noteLimit(refusal);
    if (acknowledge === undefined) this.#session.say(this.#surface.refuse(refusal));
    else acknowledge(this.#surface.answerRefused(refusal));
    if (this.#bucket.isFlooded) this.#session.close(new Refusal("RATE_LIMITED", "commands went on after RATE_LIMITED"));
  }

  #reauthenticate(body: unknown, acknowledge: Acknowledge | undefined): void {
    const token = typeof body === "object" && body !== null && "token" in body ? body.token : undefined;
    if (typeof token !== "string") throw new Refusal("BAD_REQUEST", "must be a token", { path: "token" });
    this.#options.gate.verify(token).then(
      (identity) => {
        if (this.#session.isClosed) return;
        try {
          this.#options.engine.reauthenticate(this.#session, identity);
          acknowledge?.({ success: true, expiresAt: identity.expiresAt });
        } catch (error) {
          this.#refuseReauthentication(error, acknowledge);
        }
      },
      (error: unknown) => {
        this.#refuseReauthentication(error, acknowledge);
      },
    );
  }

  /** The old token goes on until its own end. */
  #refuseReauthentication(error: unknown, acknowledge: Acknowledge | undefined): void {
    if (!(error instanceof Refusal)) {
      this.#options.log.error({ err: error, sessionId: this.#session.id }, "reauthentication failed");
      return;
    }
    this.#session.say(this.#surface.refuse(error));
    acknowledge?.({ success: false, error: error.code });
  }
}
