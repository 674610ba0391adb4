/** The native protocol over WebSocket. The token is the first message, never part of the URL. */
import { type Link, type LinkRequest, parseMessage, queryOf } from "./link.ts";
import { NATIVE_WEBSOCKET_PATH, SUBPROTOCOL } from "./paths.ts";

export function openWebSocketLink({ url, token, clientId, events }: LinkRequest): Link {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}${NATIVE_WEBSOCKET_PATH}${queryOf(clientId)}`, SUBPROTOCOL);
  let opened = false;
  let isOver = false;
  socket.onopen = () => {
    if (token !== undefined) socket.send(JSON.stringify({ type: "authenticate", token }));
  };
  socket.onmessage = ({ data }) => {
    const message = typeof data === "string" && !isOver ? parseMessage(data) : undefined;
    if (message === undefined) return;
    opened = true;
    events.onMessage(message);
  };
  // `close` follows every error and says all there is to know.
  socket.onerror = () => undefined;
  socket.onclose = () => {
    if (isOver) return;
    isOver = true;
    events.onClose({ opened });
  };
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    close() {
      isOver = true;
      socket.close();
    },
  };
}
