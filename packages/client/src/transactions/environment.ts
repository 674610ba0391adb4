/** What the feed needs of the outside: a socket instead of the SDK's links, and the same clock and chance. */
import { type Environment, browserEnvironment } from "../environment.ts";

export interface SocketEvents {
  onText(text: string): void;
  /** The socket could not be opened, or has ended; called once. `reason` is the server's, else empty. */
  onClose(reason: string): void;
}

export interface FeedSocket {
  /** Does nothing where the socket is not open. */
  send(text: string): void;
  close(): void;
}

export interface FeedEnvironment extends Omit<Environment, "openLink"> {
  /** Opens a WebSocket; may throw where there is none. */
  readonly openSocket: (url: string, events: SocketEvents) => FeedSocket;
}

export const browserFeedEnvironment: FeedEnvironment = { ...browserEnvironment, openSocket };

function openSocket(url: string, events: SocketEvents): FeedSocket {
  const socket = new WebSocket(url);
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") events.onText(data);
  };
  // `close` follows every error and says all there is to know.
  socket.onerror = () => undefined;
  socket.onclose = ({ reason }) => events.onClose(reason);
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
  };
}
