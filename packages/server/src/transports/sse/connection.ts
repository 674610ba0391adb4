/** One event stream: after the headers, prepared bytes go straight to its socket, one write a turn. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Refusal } from "@broadtape/protocol/errors";
import type { Connection, Form, Parcel } from "../../engine/message.ts";
import { closeGraceMs } from "../grace.ts";
import { type StreamForms, chunk, sharedChunk } from "./frames.ts";
import { GZIP_HEADER, GzipStream } from "./gzip.ts";

/** Browsers wait so long before they reconnect. */
const RETRY_MS = 5000;

export class StreamConnection implements Connection {
  readonly form: Form;
  readonly isOneWay = true;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #isChunked: boolean;
  readonly #gzip: GzipStream | undefined;
  #ended = false;

  /** Sends the headers. `socket` is the response's own, which nobody else writes to until its end. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    socket: Socket,
    forms: StreamForms,
    headers: Readonly<Record<string, string>>,
    /** Where events do not say it themselves. */
    saysRetry: boolean,
  ) {
    this.#response = response;
    this.#socket = socket;
    this.#isChunked = request.httpVersion === "1.1";
    const isGzip = acceptsGzip(request);
    this.#gzip = isGzip ? new GzipStream() : undefined;
    this.form = forms.of({ isChunked: this.#isChunked, isGzip });
    response.writeHead(200, {
      ...headers,
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-cache",
      "X-Accel-Buffering": "no",
      ...(isGzip && { "Content-Encoding": "gzip" }),
      ...(this.#isChunked && { Connection: "keep-alive" }),
    });
    response.flushHeaders();
    if (isGzip) this.#write(this.#framed(GZIP_HEADER));
    if (saysRetry) this.#writeText(`retry: ${RETRY_MS}\n\n`);
  }

  get ready(): boolean {
    return !this.#socket.writableNeedDrain;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  send(parcel: Parcel): void {
    if (this.#ended) return;
    this.#write(this.#gzip === undefined ? parcel.bytes : this.#compressed(this.#gzip, parcel.bytes));
  }

  close(refusal: Refusal): void {
    if (this.#ended) return;
    if (this.#gzip !== undefined) this.#write(this.#framed(this.#gzip.trailer()));
    this.#ended = true;
    const grace = setTimeout(() => this.#socket.destroy(), closeGraceMs(refusal)).unref();
    // A proxy or a client that keeps its connections may have the next request on this one by then.
    this.#response.once("finish", () => clearTimeout(grace));
    this.#response.end();
  }

  cut(): void {
    this.#ended = true;
    if (!this.#response.writableFinished) this.#socket.destroy();
  }

  #writeText(text: string): void {
    const bytes = Buffer.from(text);
    this.#write(this.#gzip === undefined ? this.#framed(bytes) : this.#compressed(this.#gzip, bytes));
  }

  #compressed(gzip: GzipStream, text: Buffer): Buffer {
    const block = gzip.next(text);
    return this.#isChunked ? sharedChunk(block) : block;
  }

  #framed(bytes: Buffer): Buffer {
    return this.#isChunked ? chunk(bytes) : bytes;
  }

  #write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }
}

/** Whether gzip is named and not refused (RFC 9110 12.5.3). */
export function acceptsGzip(request: IncomingMessage): boolean {
  const header = request.headers["accept-encoding"];
  const codings = (Array.isArray(header) ? header.join(",") : (header ?? "")).toLowerCase().split(",");
  for (const coding of codings) {
    const [name = "", ...parameters] = coding.split(";").map((part) => part.trim());
    if (name !== "gzip" && name !== "x-gzip") continue;
    return !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  }
  return false;
}
