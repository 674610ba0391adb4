/** Answers to what the HTTP server hands over as a bare socket: upgrades, and bytes that make no request. */
import type { Duplex } from "node:stream";
import { httpError } from "./reason-phrase.ts";

/** The last answer on this connection, shaped like every refusal (contract 00-common "Errors over HTTP"). */
export function answerRaw(
  socket: Duplex,
  statusCode: number,
  message: string,
  correlationId: string,
  more: Readonly<Record<string, string>> = {},
): void {
  const body = httpError(statusCode, message);
  const text = JSON.stringify(body);
  const headers = {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(text)),
    "X-Correlation-ID": correlationId,
    ...more,
    Connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${statusCode} ${body.error}\r\n${lines.join("")}\r\n${text}`);
}
