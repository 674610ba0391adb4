/** Stock Socket.IO: rooms and `to(room).emit`. */
import { createServer } from "node:http";
import { Server } from "socket.io";
import { serve } from "../control.ts";
import { priceOf, symbolOf } from "../message.ts";

const http = createServer();
const io = new Server(http, { perMessageDeflate: false });
io.on("connection", (socket) => {
  socket.on("subscribe", ({ symbols }: { symbols: string[] }) => void socket.join(symbols));
});
http.listen(0, "127.0.0.1", () => {
  serve(
    { port: (http.address() as { port: number }).port, token: "" },
    {
      publish: (index) => {
        const symbol = symbolOf(index);
        io.to(symbol).emit("price", priceOf(symbol));
      },
    },
  );
});
