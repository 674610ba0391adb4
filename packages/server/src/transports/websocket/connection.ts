/**
 * A native WebSocket: `ws` keeps the handshake, control frames and what the client sends; what the server tells goes to
 * the socket as prepared frames, one write a turn. Both write whole frames to the same socket in call order, so they never mix.
 */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Refusal } from "@broadtape/protocol/errors";
import type { Connection, Form, Parcel } from "../../engine/message.ts";
import { closeGraceMs } from "../grace.ts";

/** RFC 6455 7.4 and the registry: 1008 policy, 1009 too big, 1012 restart, 1013 try again later. */
const CLOSE_CODES: Partial<Record<string, number>> = { SHUTTING_DOWN: 1012, SLOW_CONSUMER: 1013, LIMIT_REACHED: 1013, RATE_LIMITED: 1008 };

export class WebSocketConnection implements Connection {
  readonly form: Form;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;

  constructor(webSocket: WebSocket, socket: Duplex, form: Form) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.form = form;
  }

  get ready(): boolean {
    return !this.#socket.writableNeedDrain;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  send(parcel: Parcel): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#socket.write(parcel.bytes);
  }

  close(refusal: Refusal): void {
    this.#webSocket.close(CLOSE_CODES[refusal.code] ?? 1008, refusal.code);
    setTimeout(() => {
      this.#webSocket.terminate();
    }, closeGraceMs(refusal)).unref();
  }

  cut(): void {
    this.#webSocket.terminate();
  }
}
