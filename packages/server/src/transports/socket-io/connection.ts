/**
 * A Socket.IO client's connection, under Engine.IO's own send: packets keep their order with Socket.IO's own, and a turn
 * leaves as one pre-encoded frame buffer, the way Socket.IO's own adapter hands its broadcasts to Engine.IO.
 */
import type { Socket } from "socket.io";
import type { Refusal } from "@broadtape/protocol/errors";
import type { Connection, Form, Parcel } from "../../engine/message.ts";
import type { FormsOf, SocketIoForms } from "./forms.ts";

interface WebSocketUnder {
  readonly bufferedAmount: number;
  terminate(): void;
}

/** What of Engine.IO's socket is used; `writeBuffer` holds what waits for its transport. */
interface EngineSocket {
  readonly readyState: string;
  readonly upgrading: boolean;
  readonly transport: { readonly name: string; readonly writable: boolean; readonly socket?: WebSocketUnder };
  write(data: string, options?: { wsPreEncodedFrame?: Buffer[]; compress?: boolean }): unknown;
}

const CLOSE_GRACE_MS = 5000;

export class SocketIoConnection implements Connection {
  readonly #socket: Socket;
  readonly #formsOf: FormsOf;
  readonly #engine: EngineSocket;
  #forms: SocketIoForms;

  constructor(socket: Socket, formsOf: FormsOf) {
    this.#socket = socket;
    this.#formsOf = formsOf;
    this.#forms = formsOf("");
    this.#engine = socket.conn;
  }

  set mark(mark: string) {
    this.#forms = this.#formsOf(mark);
  }

  get socketId(): string {
    return this.#socket.id;
  }

  get #isWebSocket(): boolean {
    return this.#engine.transport.name === "websocket";
  }

  get form(): Form {
    return this.#isWebSocket ? this.#forms.webSocket : this.#forms.polling;
  }

  /** While a connection changes from polling to WebSocket, messages wait here, so that none is framed for the wrong one. */
  get ready(): boolean {
    const { readyState, upgrading, transport } = this.#engine;
    return readyState === "open" && transport.writable && !(upgrading && !this.#isWebSocket);
  }

  get unsentBytes(): number {
    return this.#engine.transport.socket?.bufferedAmount ?? 0;
  }

  send(parcel: Parcel): void {
    if (this.#isWebSocket) {
      this.#engine.write("", { wsPreEncodedFrame: [parcel.bytes], compress: false });
      return;
    }
    for (const frame of parcel.frames) this.#engine.write(frame.toString("utf8"));
  }

  close({ code }: Refusal): void {
    // After a goodbye of the namespace a stock client stays away; this one is to come back.
    if (code === "SHUTTING_DOWN") {
      this.#socket.conn.close();
      return;
    }
    // The namespace's own goodbye, after what was sent; other namespaces of the same client are none of this session's.
    const { client } = this.#socket;
    this.#socket.disconnect();
    setTimeout(() => {
      const others = (client as unknown as { sockets: ReadonlyMap<string, unknown> }).sockets;
      if (others.size === 0) client.conn.close();
    }, CLOSE_GRACE_MS).unref();
  }

  cut(): void {
    // Between two polls a polling client has no line that could break: its Engine.IO session ends instead.
    const webSocket = this.#isWebSocket ? this.#engine.transport.socket : undefined;
    if (webSocket === undefined) this.#socket.conn.close(true);
    else webSocket.terminate();
  }
}
