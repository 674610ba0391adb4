/** The native protocol over WebSocket. The token is the first message, never part of the URL. */
import { NATIVE_WEBSOCKET_PATH, SUBPROTOCOL } from "./paths.ts";
import type { Environment } from "./environment.ts";
import { type Link, type LinkRequest, parseMessage } from "./link.ts";

export function openWebSocketLink({ url, token, clientId, events }: LinkRequest, environment: Environment): Link {
  const query = clientId === undefined ? "" : `?clientId=${encodeURIComponent(clientId)}`;
  const socket = environment.openWebSocket(`${url.replace(/^http/, "ws")}${NATIVE_WEBSOCKET_PATH}${query}`, SUBPROTOCOL);
  let opened = false;
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    events.onClose({ opened, unauthorized: false });
  };
  socket.onopen = () => {
    if (token !== undefined) socket.send(JSON.stringify({ type: "authenticate", token }));
  };
  socket.onmessage = ({ data }) => {
    const message = typeof data === "string" && !isOver ? parseMessage(data) : undefined;
    if (message === undefined) return;
    opened = true;
    events.onMessage(message);
  };
  socket.onerror = () => undefined;
  socket.onclose = end;
  return {
    send(message) {
      if (socket.readyState === 1) socket.send(JSON.stringify(message));
    },
    close() {
      isOver = true;
      socket.close();
    },
  };
}
