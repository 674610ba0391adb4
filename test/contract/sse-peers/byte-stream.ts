/** A plain HTTP client that keeps every byte of a stream as it came, and reads along. */
import { request } from "node:http";
import { createGunzip } from "node:zlib";
import { until } from "../server.ts";

export interface ByteStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body so far, as it travelled: compressed where it is. */
  bytes(): Buffer;
  /** The same, decompressed. */
  text(): string;
  /** Resolves once the text has this in it. */
  has(words: string): Promise<void>;
  /** Resolves when all of the body is here. */
  readonly ended: Promise<void>;
  close(): void;
}

export interface ByteStreamOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it comes from: an address of the loopback. */
  readonly from?: string;
}

export async function openBytes(url: string, { headers = {}, from }: ByteStreamOptions = {}): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const own = request(url, { headers, agent: false, ...(from !== undefined && { localAddress: from }) }, (response) => {
      const parts: Buffer[] = [];
      let text = "";
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", () => undefined);
      const isGzip = response.headers["content-encoding"] === "gzip";
      const decoded = isGzip ? response.pipe(createGunzip()) : response;
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      decoded.on("data", (part: Buffer) => (text += decoder.decode(part, { stream: true })));
      const ended = new Promise<void>((end) => decoded.on("end", () => end()).on("error", () => end()));
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        bytes: () => Buffer.concat(parts),
        text: () => text,
        has: async (words) => {
          await until(
            () => text.includes(words),
            () => text.slice(-2000),
          );
        },
        ended,
        close: () => own.destroy(),
      });
    });
    own.on("error", reject);
    own.end();
  });
}
