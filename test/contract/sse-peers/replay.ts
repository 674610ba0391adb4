/** Recorded answers, sent again byte for byte, cut where the network might cut them. */
import { once } from "node:events";
import { createServer } from "node:http";

export interface Recording {
  readonly contentEncoding: string | undefined;
  readonly bytes: Buffer;
}

export interface Replay {
  /** Where the recording can be fetched any number of times. `sizes`: of the pieces, over and over. */
  add(recording: Recording, sizes: readonly number[]): string;
  close(): void;
}

export async function openReplay(): Promise<Replay> {
  const recordings: { readonly recording: Recording; readonly sizes: readonly number[] }[] = [];
  const server = createServer((request, response) => {
    const found = recordings[Number(request.url?.slice(1))];
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { recording, sizes } = found;
    response.socket?.setNoDelay(true);
    response.writeHead(200, {
      "Content-Type": "text/event-stream",
      ...(recording.contentEncoding !== undefined && { "Content-Encoding": recording.contentEncoding }),
    });
    void (async () => {
      for (let at = 0, piece = 0; at < recording.bytes.length; piece++) {
        const size = sizes[piece % sizes.length] ?? 1;
        response.write(recording.bytes.subarray(at, at + size));
        at += size;
        // Else several pieces would leave as one.
        await new Promise(setImmediate);
      }
      response.end();
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    add: (recording, sizes) => `http://127.0.0.1:${address.port}/${recordings.push({ recording, sizes }) - 1}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
