/** Plain `res.write`: the event made once, one write a client; with BENCH_GZIP, through a compressor of each client's own. */
import { createServer } from "node:http";
import type { Writable } from "node:stream";
import { constants, createGzip } from "node:zlib";
import { serve } from "../control.ts";
import { priceOf, symbolOf } from "../message.ts";

const followers = new Map<string, Set<Writable>>();
const isGzip = process.env["BENCH_GZIP"] !== undefined;
let id = 0;
const http = createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", ...(isGzip && { "Content-Encoding": "gzip" }) });
  response.flushHeaders();
  const body = isGzip ? createGzip({ level: 6, flush: constants.Z_SYNC_FLUSH }) : response;
  if (body !== response) body.pipe(response);
  const symbols = new URL(request.url ?? "/", "http://localhost").searchParams.get("symbols")?.split(",") ?? [];
  for (const symbol of symbols) followers.set(symbol, (followers.get(symbol) ?? new Set()).add(body));
});
http.listen(0, "127.0.0.1", () => {
  serve(
    { port: (http.address() as { port: number }).port, token: "" },
    {
      publish: (index) => {
        const symbol = symbolOf(index);
        const text = `event: price\nid: ${id++}\ndata: ${JSON.stringify(priceOf(symbol))}\n\n`;
        for (const response of followers.get(symbol) ?? []) response.write(text);
      },
    },
  );
});
