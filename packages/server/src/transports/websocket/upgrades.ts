/** Gives each upgrade request to whoever serves its path; everything else, tunnels (CONNECT) too, gets a 404 instead of silence. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { correlationIdOf, pathOf } from "../peer.ts";
import { answerRaw } from "../raw-answer.ts";

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/** `socketIoPath` is left to Socket.IO, which listens for itself. */
export function serveUpgrades(server: Server, socketIoPath: string, handlers: readonly UpgradeHandler[]): void {
  server.on("upgrade", (request, socket, head) => {
    if (pathOf(request).startsWith(`${socketIoPath}/`)) return;
    if (handlers.some((handle) => handle(request, socket, head))) return;
    refuse(request, socket);
  });
  server.on("connect", refuse);
}

function refuse(request: IncomingMessage, socket: Duplex): void {
  socket.on("error", () => socket.destroy());
  answerRaw(socket, 404, "no such resource", correlationIdOf(request));
}
