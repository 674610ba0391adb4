/** `ws` as most people use it: stringify once, one `send` a client. */
import { WebSocketServer, type WebSocket } from "ws";
import { serve } from "../control.ts";
import { priceOf, symbolOf } from "../message.ts";

const followers = new Map<string, Set<WebSocket>>();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (text: Buffer) => {
    const { topics } = JSON.parse(text.toString()) as { topics: string[] };
    for (const topic of topics) followers.set(topic, (followers.get(topic) ?? new Set()).add(socket));
  });
});
server.on("listening", () => {
  serve(
    { port: (server.address() as { port: number }).port, token: "" },
    {
      publish: (index) => {
        const symbol = symbolOf(index);
        const text = JSON.stringify({ type: "event", topic: `symbol:${symbol}`, data: priceOf(symbol) });
        for (const socket of followers.get(`symbol:${symbol}`) ?? []) socket.send(text);
      },
    },
  );
});
