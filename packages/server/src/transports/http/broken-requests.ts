/** Requests that reach no route, because their bytes, their path or their expectation is none: refused like all others. */
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { correlationIdOf } from "../peer.ts";
import { answerRaw } from "../raw-answer.ts";
import { httpError } from "../reason-phrase.ts";

/** Bytes that Node's parser gave up; nothing of the request can be trusted, its correlation id neither. */
export function refuseBytes({ code }: NodeJS.ErrnoException, socket: Socket): void {
  // What comes after the last request of a connection gets no answer (RFC 9112 9.6).
  if (code === "ECONNRESET" || code === "HPE_CLOSED_CONNECTION" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [statusCode, message] = REASONS[code ?? ""] ?? [400, "the request is not HTTP"];
  answerRaw(socket, statusCode, message, randomUUID());
  socket.destroySoon();
}

const REASONS: Readonly<Partial<Record<string, readonly [number, string]>>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request did not come in time"],
  HPE_HEADER_OVERFLOW: [431, "path and headers are too large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "the chunk extensions are too large"],
};

/** Paths that cannot be decoded, or have too long a part. No hook ran for them. */
export function refusePath(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const statusCode = error.statusCode ?? 400;
  reply
    .header("X-Correlation-ID", request.id)
    .code(statusCode)
    .send(httpError(statusCode, statusCode === 414 ? "the path is too long" : "the path cannot be decoded"));
}

/** `Expect` with anything but `100-continue` (RFC 9110 10.1.1). */
export function refuseExpectations(server: Server): void {
  server.on("checkExpectation", (request, response) => {
    const body = JSON.stringify(httpError(417, "only 100-continue is expected here"));
    response.writeHead(417, {
      "Content-Type": "application/json; charset=utf-8",
      "Content-Length": Buffer.byteLength(body),
      "X-Correlation-ID": correlationIdOf(request),
      // The body, whose sender may or may not go on, is not read.
      Connection: "close",
    });
    response.end(body);
  });
}
