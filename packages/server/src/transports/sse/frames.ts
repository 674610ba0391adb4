/** Server-sent events as bytes (WHATWG HTML 9.2), in the framings that HTTP needs: chunked or bare, plain or gzip. */
import { type Form, type Surface, type Words } from "../../engine/message.ts";
import { joinFrames } from "../websocket/frames.ts";
import { deflateBlock, frameBlock } from "./gzip.ts";

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

export interface StreamForms {
  of(coding: { readonly isChunked: boolean; readonly isGzip: boolean }): Form;
}

/** `retryMs`: said with each event. */
export function streamForms(surface: Surface, retryMs?: number): StreamForms {
  const frame = (words: Words) => Buffer.from(eventText(words, retryMs));
  const gzip = (frames: readonly Buffer[]) => deflateBlock(joinFrames(frames));
  const form = (join: Form["join"]): Form => ({ surface, keepsCursor: true, frame, join });
  const plainChunked = form((frames) => chunk(joinFrames(frames)));
  const plainBare = form(joinFrames);
  const gzipBare = form(gzip);
  const gzipChunked = form((frames) => {
    const block = gzip(frames);
    return frameBlock(block, chunk(block));
  });
  return {
    of: ({ isChunked, isGzip }) => (isGzip ? (isChunked ? gzipChunked : gzipBare) : isChunked ? plainChunked : plainBare),
  };
}
