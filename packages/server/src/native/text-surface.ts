/** The native protocol over WebSocket: `GET /api/v1/ws` (contract 60-native). */
import { NATIVE_WEBSOCKET_PATH, SUBPROTOCOL } from "@broadtape/protocol/native";
import type { TextSurface } from "../engine/surface.ts";
import { NativeCommands, type NativeHost, authenticateToken } from "./commands.ts";

export function nativeTextSurface(host: NativeHost): TextSurface {
  const { surface, durable, engine } = host;
  return {
    ...surface,
    path: NATIVE_WEBSOCKET_PATH,
    subprotocol: SUBPROTOCOL,
    idleMs: surface.options.idleMs,
    tokenOf: authenticateToken,
    open(session) {
      durable.opened(session);
      surface.welcome(session, engine);
      const commands = new NativeCommands(host, session);
      return {
        receive: (text) => commands.receive(text),
        closed: () => {
          durable.closed(session);
        },
      };
    },
  };
}
