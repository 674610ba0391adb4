/** `better-sse`: one channel a symbol, `broadcast`. */
import { createServer } from "node:http";
import { createChannel, createSession, type Channel } from "better-sse";
import { serve } from "../control.ts";
import { priceOf, symbolOf } from "../message.ts";

const channels = new Map<string, Channel>();
const http = createServer((request, response) => {
  const symbols = new URL(request.url ?? "/", "http://localhost").searchParams.get("symbols")?.split(",") ?? [];
  void createSession(request, response).then((session) => {
    for (const symbol of symbols) {
      let channel = channels.get(symbol);
      if (channel === undefined) channels.set(symbol, (channel = createChannel()));
      channel.register(session);
    }
  });
});
http.listen(0, "127.0.0.1", () => {
  serve(
    { port: (http.address() as { port: number }).port, token: "" },
    {
      publish: (index) => {
        const symbol = symbolOf(index);
        channels.get(symbol)?.broadcast(priceOf(symbol), "price");
      },
    },
  );
});
