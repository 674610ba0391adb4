/** Plain `res.write`: the event made once, one write a client. */
import { type ServerResponse, createServer } from "node:http";
import { serve } from "../control.ts";
import { priceOf, symbolOf } from "../message.ts";

const followers = new Map<string, Set<ServerResponse>>();
let id = 0;
const http = createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.flushHeaders();
  const symbols = new URL(request.url ?? "/", "http://localhost").searchParams.get("symbols")?.split(",") ?? [];
  for (const symbol of symbols) followers.set(symbol, (followers.get(symbol) ?? new Set()).add(response));
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
