/** One native WebSocket connection of `tail`, from welcome to its end. */
import { parseJson } from "@broadtape/protocol/json";
import { NATIVE_WEBSOCKET_PATH, type ServerMessage, SUBPROTOCOL } from "@broadtape/protocol/native";
import type { Server } from "../server.ts";

export interface Subscription {
  readonly topics: readonly string[];
  /** Cursor to go on from; without it a snapshot comes first. */
  readonly after: string | undefined;
  readonly snapshot: boolean;
}

export interface ConnectionHandlers {
  /** @param text the message as it came */
  readonly onMessage: (message: ServerMessage, text: string) => void;
}

/** Why a connection ended. `wasOpen`: whether the server had welcomed it. */
export interface Ending {
  readonly wasOpen: boolean;
  readonly reason: string;
}

export interface Connection {
  readonly ended: Promise<Ending>;
  close(): void;
}

/** Silence of so many heartbeats means that nobody is there any more. */
const MISSED_HEARTBEATS = 3;

export function connect({ url, token }: Server, subscription: Subscription, { onMessage }: ConnectionHandlers): Connection {
  const address = new URL(NATIVE_WEBSOCKET_PATH, url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("token", token);
  const socket = new WebSocket(address, SUBPROTOCOL);
  let wasOpen = false;
  let fault = "";
  let heartbeatMs = 0;
  let silence: NodeJS.Timeout | undefined;
  const send = (message: object) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };

  socket.addEventListener("message", (event) => {
    const text = String(event.data);
    const message = messageOf(text);
    if (message === undefined) return;
    if (message.type === "welcome") {
      wasOpen = true;
      ({ heartbeatMs } = message);
      const { topics, after, snapshot } = subscription;
      send({ type: "subscribe", id: 1, topics, after, ...(!snapshot && { snapshot: false }) });
    }
    if (message.type === "ping") send({ type: "pong" });
    clearTimeout(silence);
    if (heartbeatMs > 0) {
      silence = setTimeout(() => {
        fault = "the server fell silent";
        socket.close();
      }, MISSED_HEARTBEATS * heartbeatMs);
    }
    onMessage(message, text);
  });
  socket.addEventListener("error", (event) => {
    // The event says nothing of a refused handshake but that it failed, and must not: the address holds the token.
    fault = "message" in event && event.message !== "" ? String(event.message) : "connection failed";
  });
  const ended = new Promise<Ending>((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => {
      clearTimeout(silence);
      resolve({ wasOpen, reason: reason || fault || `connection closed with ${code}` });
    });
  });
  return {
    ended,
    close() {
      socket.close(1000);
    },
  };
}

/** Undefined for what is no message of ours. */
function messageOf(text: string): ServerMessage | undefined {
  try {
    const message = parseJson(text);
    const isMessage = typeof message === "object" && message !== null && "type" in message;
    // Fields are as the protocol's version says, which the subprotocol has settled.
    return isMessage ? (message as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}
