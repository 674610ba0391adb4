/** Server-sent events as bytes (WHATWG HTML 9.2), in the framings that HTTP needs: chunked or bare, plain or gzip. */
import { type Form, type Surface, type Words } from "../../engine/message.ts";
import { joinFrames } from "../websocket/frames.ts";

/** One event. Bodies are JSON text, in which a line break can only stand escaped, so none can begin a new field. */
export function eventText({ name, body, id, comment }: Words, retryMs?: number): string {
  const head = comment === undefined ? "" : `: ${comment}\n\n`;
  const place = id === undefined ? "" : `id: ${id}\n`;
  const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
  return `${head}event: ${name}\ndata: ${body}\n${place}${retry}\n`;
}

/** A chunk of HTTP/1.1's chunked coding (RFC 9112 7.1). */
export function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

const chunks = new WeakMap<Buffer, Buffer>();

/** The same chunk for everybody who is sent the same bytes. */
export function sharedChunk(bytes: Buffer): Buffer {
  let framed = chunks.get(bytes);
  if (framed === undefined) chunks.set(bytes, (framed = chunk(bytes)));
  return framed;
}

export interface StreamForms {
  of(coding: { readonly isChunked: boolean; readonly isGzip: boolean }): Form;
}

/** `retryMs`: said with each event. */
export function streamForms(surface: Surface, retryMs?: number): StreamForms {
  const frame = (words: Words) => Buffer.from(eventText(words, retryMs));
  const form = (join: Form["join"]): Form => ({ surface, keepsCursor: true, frame, join });
  const chunked = form((frames) => chunk(joinFrames(frames)));
  // Compressed by each connection after what it had before: chunks come after that.
  const bare = form((frames) => joinFrames(frames));
  return { of: ({ isChunked, isGzip }) => (isChunked && !isGzip ? chunked : bare) };
}
