/** Plain WebSockets: surfaces that speak JSON text frames (contract 60-native, 30-transactions). */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../engine/engine.ts";
import { type Form } from "../../engine/message.ts";
import type { Seat } from "../../engine/sessions.ts";
import type { Peer, Session } from "../../engine/session.ts";
import type { TextConversation, TextSurface } from "../../engine/surface.ts";
import { watchIdle } from "../idle.ts";
import type { ConnectionLog, Gate } from "../gate.ts";
import { type AddressOf, claimOf, correlationIdOf, pathOf, peerOf, queryOf } from "../peer.ts";
import { answerRaw } from "../raw-answer.ts";
import { statusOf } from "../reason-phrase.ts";
import { WebSocketConnection } from "./connection.ts";
import { joinFrames, textFrame } from "./frames.ts";

export interface TextWebSocketOptions {
  readonly engine: Engine;
  readonly surface: TextSurface;
  readonly gate: Gate;
  readonly addressOf: AddressOf;
  readonly log: ConnectionLog;
  readonly authenticateMs: number;
  readonly frameBytes: number;
}

/** Takes upgrades of the surface's path; returns a function that tells whether an upgrade was its. */
export function serveTextWebSocket(options: TextWebSocketOptions): (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean {
  const { surface } = options;
  const { subprotocol } = surface;
  const form: Form = { surface, frame: ({ body }) => textFrame(body), join: joinFrames };
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: options.frameBytes,
    handleProtocols: (protocols) => (subprotocol !== undefined && protocols.has(subprotocol) ? subprotocol : false),
  });
  webSockets.on("headers", (headers, request) => {
    headers.push(`X-Correlation-ID: ${correlationIdOf(request)}`);
  });
  webSockets.on("wsClientError", (error, socket, request) => {
    if (request.method === "GET") answerRaw(socket, 400, error.message, correlationIdOf(request), { "Sec-WebSocket-Version": "13" });
    else answerRaw(socket, 405, "a WebSocket is opened with GET", correlationIdOf(request), { Allow: "GET" });
  });
  return (request, socket, head) => {
    if (pathOf(request) !== surface.path) return false;
    upgrade(options, webSockets, form, request, socket, head).catch((error: unknown) => {
      options.log.error({ err: error }, "upgrade failed");
      socket.destroy();
    });
    return true;
  };
}

async function upgrade(
  options: TextWebSocketOptions,
  webSockets: WebSocketServer,
  form: Form,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const onError = () => {
    socket.destroy();
  };
  socket.on("error", onError);
  let seat: Seat | undefined;
  try {
    const identity = await identify(options, request);
    if (identity !== undefined) options.engine.checkRoom(identity);
    const peer = peerOf(request, options.addressOf);
    // One that was made here is told in the handshake's answer.
    request.headers["x-correlation-id"] = peer.correlationId;
    const parameters = queryOf(request);
    options.surface.checkParameters?.(parameters);
    if (identity !== undefined) seat = await enter(options, identity, peer);
    if (socket.destroyed) return;
    // It may have begun to stop meanwhile: after the handshake's answer there is no refusing.
    if (identity !== undefined) options.engine.checkRoom(identity);
    socket.off("error", onError);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const client = new TextClient(options, form, peer, parameters, webSocket, socket);
      if (identity === undefined || seat === undefined) client.awaitAuthentication();
      else client.open(identity, seat);
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === "SHUTTING_DOWN") {
      // Proxies ask another node where a connection is lost, and pass on what is an answer.
      socket.destroy();
      return;
    }
    // Contract 70-details "refusal at connect".
    const { retryAfterMs } = error.details;
    const more: Record<string, string> = retryAfterMs === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) };
    answerRaw(socket, statusOf(error.code), error.message, correlationIdOf(request), more);
  } finally {
    // Whoever was let in has it from here on.
    seat?.leave();
  }
}

function enter({ engine, surface }: TextWebSocketOptions, identity: Identity, peer: Peer): Promise<Seat> {
  return engine.enter(identity, engine.newId(), claimOf(surface, peer));
}

/** Undefined without a credential, where the first message may bring it. Rejects with UNAUTHORIZED, or AUTH_FAILED for a bad one. */
async function identify({ gate, surface }: TextWebSocketOptions, request: IncomingMessage): Promise<Identity | undefined> {
  try {
    return await gate.authenticate({ headers: request.headers, queryToken: queryOf(request).get("token") ?? undefined });
  } catch (error) {
    if (surface.tokenOf !== undefined && error instanceof Refusal && error.code === "UNAUTHORIZED") return undefined;
    throw error;
  }
}

/** One connection from its handshake on. Invariant: before authentication nothing is sent to it but an error. */
class TextClient {
  readonly #options: TextWebSocketOptions;
  readonly #form: Form;
  /** Not the request, which would keep its headers for as long as the connection lives. */
  readonly #peer: Peer;
  readonly #parameters: URLSearchParams;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  #session: Session | undefined;
  #conversation: TextConversation | undefined;
  #isAuthenticating = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TextWebSocketOptions, form: Form, peer: Peer, parameters: URLSearchParams, webSocket: WebSocket, socket: Duplex) {
    this.#options = options;
    this.#form = form;
    this.#peer = peer;
    this.#parameters = parameters;
    this.#webSocket = webSocket;
    this.#socket = socket;
    webSocket.on("message", (data: Buffer, isBinary: boolean) => {
      this.#receive(isBinary ? undefined : data.toString("utf8")).catch((error: unknown) => {
        options.log.error({ err: error, sessionId: this.#session?.id }, "command failed");
        webSocket.terminate();
      });
    });
    webSocket.on("pong", () => this.#session?.heard());
    webSocket.on("ping", () => this.#session?.heard());
    // `ws` closes by itself after a protocol error (oversize, bad UTF-8, bad frame) with the code that the RFC names.
    webSocket.on("error", () => undefined);
    webSocket.on("close", () => {
      clearTimeout(this.#timer);
      if (this.#session === undefined) return;
      this.#session.lost();
      this.#conversation?.closed?.();
    });
    socket.on("drain", () => this.#session?.outbox.ready());
  }

  awaitAuthentication(): void {
    this.#timer = setTimeout(() => {
      this.#refuse(new Refusal("UNAUTHORIZED", "no token in time"));
    }, this.#options.authenticateMs);
  }

  open(identity: Identity, { connectionId }: Seat): void {
    clearTimeout(this.#timer);
    const { engine, surface, log } = this.#options;
    const connection = new WebSocketConnection(this.#webSocket, this.#socket, this.#form);
    const peer = this.#peer;
    const session = engine.open(identity, surface, connection, peer, connectionId);
    this.#session = session;
    log.info(
      { sessionId: session.id, userId: identity.userId, tenant: identity.tenant, surface: surface.name, correlationId: peer.correlationId },
      "connected",
    );
    watchIdle(session, engine.clock, surface.idleMs, () => {
      this.#webSocket.ping();
    });
    this.#conversation = surface.open(session, this.#parameters);
  }

  async #receive(text: string | undefined): Promise<void> {
    if (this.#conversation !== undefined) {
      this.#session?.heard();
      await this.#conversation.receive(text ?? "");
      return;
    }
    if (this.#isAuthenticating || !this.#isOpen()) return;
    this.#isAuthenticating = true;
    let seat: Seat | undefined;
    try {
      const token = this.#options.surface.tokenOf?.(text ?? "");
      if (token === undefined) throw new Refusal("UNAUTHORIZED", "the connection brought no token");
      const identity = await this.#options.gate.verify(token);
      seat = await enter(this.#options, identity, this.#peer);
      // Whoever went meanwhile would be heard of no more.
      if (this.#isOpen()) this.open(identity, seat);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error);
    } finally {
      seat?.leave();
    }
  }

  #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  #refuse(refusal: Refusal): void {
    clearTimeout(this.#timer);
    this.#webSocket.send(this.#options.surface.refuse(refusal).body);
    this.#webSocket.close(1008, refusal.code);
  }
}
