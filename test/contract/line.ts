import { once } from "node:events";
import { type Server, type Socket, connect, createServer } from "node:net";
import { freePort } from "./server.ts";

/** A line between client and server that can be cut, and refuse. */
export class Line {
  readonly url: string;
  isDown = false;
  readonly #sockets = new Set<Socket>();
  readonly #listener: Server;

  private constructor(port: number, serverUrl: () => string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#listener = createServer((near) => {
      const far = connect(Number(new URL(serverUrl()).port), "127.0.0.1");
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
      if (this.isDown) near.destroy();
      else near.pipe(far).pipe(near);
    });
    this.#listener.listen(port, "127.0.0.1");
  }

  static async open(serverUrl: () => string): Promise<Line> {
    const line = new Line(await freePort(), serverUrl);
    await once(line.#listener, "listening");
    return line;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#listener.close();
  }
}
