/** `GET /api/v1/ws`: the native protocol over WebSocket (contract 60-native). */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { NATIVE_WEBSOCKET_PATH, SUBPROTOCOL } from "@broadtape/protocol/native";
import type { Engine } from "../../engine/engine.ts";
import { type Form } from "../../engine/message.ts";
import type { Peer, Session } from "../../engine/session.ts";
import { NativeCommands, type NativeHost, authenticateToken } from "../../native/commands.ts";
import { errorWords } from "../../native/surface.ts";
import { watchIdle } from "../idle.ts";
import type { ConnectionLog, Gate } from "../gate.ts";
import { type AddressOf, correlationIdOf, pathOf, peerOf, queryOf } from "../peer.ts";
import { answerRaw } from "../raw-answer.ts";
import { statusOf } from "../reason-phrase.ts";
import { WebSocketConnection } from "./connection.ts";
import { joinFrames, textFrame } from "./frames.ts";

export interface NativeWebSocketOptions {
  readonly engine: Engine;
  readonly host: NativeHost;
  readonly gate: Gate;
  readonly addressOf: AddressOf;
  readonly log: ConnectionLog;
  readonly authenticateMs: number;
  readonly frameBytes: number;
}

/** Takes upgrades of the native path; returns a function that tells whether an upgrade was its. */
export function serveNativeWebSocket(options: NativeWebSocketOptions): (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean {
  const { surface } = options.host;
  const form: Form = { surface, frame: ({ body }) => textFrame(body), join: joinFrames };
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: options.frameBytes,
    handleProtocols: (protocols) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  webSockets.on("wsClientError", (error, socket, request) => {
    if (request.method === "GET") answerRaw(socket, 400, error.message, correlationIdOf(request), { "Sec-WebSocket-Version": "13" });
    else answerRaw(socket, 405, "a WebSocket is opened with GET", correlationIdOf(request), { Allow: "GET" });
  });
  return (request, socket, head) => {
    if (pathOf(request) !== NATIVE_WEBSOCKET_PATH) return false;
    upgrade(options, webSockets, form, request, socket, head).catch((error: unknown) => {
      options.log.error({ err: error }, "upgrade failed");
      socket.destroy();
    });
    return true;
  };
}

async function upgrade(
  options: NativeWebSocketOptions,
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
  try {
    const identity = await identify(options, request);
    if (identity !== undefined) options.engine.checkRoom(identity);
    const peer = peerOf(request, options.addressOf);
    if (socket.destroyed) return;
    socket.off("error", onError);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const client = new NativeClient(options, form, peer, webSocket, socket);
      if (identity === undefined) client.awaitAuthentication();
      else client.open(identity);
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Contract 70-details "refusal at connect".
    const { retryAfterMs } = error.details;
    const more: Record<string, string> = retryAfterMs === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) };
    answerRaw(socket, statusOf(error.code), error.message, correlationIdOf(request), more);
  }
}

/** Undefined without a credential: then the first message has to bring it. Rejects with AUTH_FAILED for a bad one. */
async function identify({ gate }: NativeWebSocketOptions, request: IncomingMessage): Promise<Identity | undefined> {
  try {
    return await gate.authenticate({ headers: request.headers, queryToken: queryOf(request).get("token") ?? undefined });
  } catch (error) {
    if (error instanceof Refusal && error.code === "UNAUTHORIZED") return undefined;
    throw error;
  }
}

/** One connection from its handshake on. Invariant: before authentication nothing is sent to it but an error. */
class NativeClient {
  readonly #options: NativeWebSocketOptions;
  readonly #form: Form;
  /** Not the request, which would keep its headers for as long as the connection lives. */
  readonly #peer: Peer;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  #session: Session | undefined;
  #commands: NativeCommands | undefined;
  #isAuthenticating = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: NativeWebSocketOptions, form: Form, peer: Peer, webSocket: WebSocket, socket: Duplex) {
    this.#options = options;
    this.#form = form;
    this.#peer = peer;
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
      options.host.durable.closed(this.#session);
    });
    socket.on("drain", () => this.#session?.outbox.ready());
  }

  awaitAuthentication(): void {
    this.#timer = setTimeout(() => {
      this.#refuse(new Refusal("UNAUTHORIZED", "no token in time"));
    }, this.#options.authenticateMs);
  }

  open(identity: Identity): void {
    clearTimeout(this.#timer);
    const { engine, host, log } = this.#options;
    const connection = new WebSocketConnection(this.#webSocket, this.#socket, this.#form);
    const peer = this.#peer;
    const session = engine.open(identity, host.surface, connection, peer);
    this.#session = session;
    this.#commands = new NativeCommands(host, session);
    log.info(
      { sessionId: session.id, userId: identity.userId, tenant: identity.tenant, surface: "native", correlationId: peer.correlationId },
      "connected",
    );
    watchIdle(session, engine.clock, host.surface.options.idleMs, () => {
      this.#webSocket.ping();
    });
    host.durable.opened(session);
    host.surface.welcome(session, engine);
  }

  async #receive(text: string | undefined): Promise<void> {
    if (this.#commands !== undefined) {
      await this.#commands.receive(text ?? "");
      return;
    }
    if (this.#isAuthenticating || this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    this.#isAuthenticating = true;
    try {
      this.open(await this.#options.gate.verify(authenticateToken(text ?? "")));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error);
    }
  }

  #refuse(refusal: Refusal): void {
    clearTimeout(this.#timer);
    this.#webSocket.send(errorWords(refusal, undefined).body);
    this.#webSocket.close(1008, refusal.code);
  }
}
