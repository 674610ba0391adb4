/** A line between two programs that refuses, falls silent, is slow, or loses answers, as networks do. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * - `refused`: whoever was connected is cut off, and nobody gets through
 * - `silent`: connections stay, nothing gets through in either direction, and nobody is told, not even of an end
 * - `deaf`: what is asked gets there, and no answer comes back
 */
export type LineState = "open" | "refused" | "silent" | "deaf";

type Direction = "there" | "back";

export class Line {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #pipes = new Set<Pipe>();
  readonly #targetPort: () => number;
  #state: LineState = "open";
  #delayMs = 0;

  private constructor(server: Server, targetPort: () => number) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (near: Socket) => {
      this.#join(near);
    });
  }

  /** `targetPort` is asked for each new connection. */
  static async open(targetPort: () => number): Promise<Line> {
    const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Line(server, targetPort);
  }

  get state(): LineState {
    return this.#state;
  }

  setState(state: LineState): void {
    this.#state = state;
    if (state === "refused") this.cut();
    for (const pipe of this.#pipes) pipe.go();
  }

  /** Whatever comes is late by so much. */
  setDelay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Ends all connections, once. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.setState("refused");
    this.#server.close();
  }

  #join(near: Socket): void {
    near.on("error", () => undefined);
    if (this.#state === "refused") {
      near.resetAndDestroy();
      return;
    }
    const there = this.#newPipe("there");
    const back = this.#newPipe("back");
    this.#sockets.add(near);
    let far: Socket | undefined;
    // Who knocks while nothing gets through waits.
    there.push(() => {
      far = connect({ port: this.#targetPort(), host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
      this.#sockets.add(far);
      far.on("error", () => undefined);
      far.on("data", (bytes) => back.push(() => near.write(bytes)));
      far.on("end", () => back.push(() => near.end()));
      far.once("close", () => {
        back.push(() => {
          near.destroy();
          this.#pipes.delete(back);
        });
      });
    });
    near.on("data", (bytes) => there.push(() => far?.write(bytes)));
    near.on("end", () => there.push(() => far?.end()));
    near.once("close", () => {
      there.push(() => {
        far?.destroy();
        this.#sockets.delete(near);
        if (far !== undefined) this.#sockets.delete(far);
        this.#pipes.delete(there);
      });
    });
  }

  #newPipe(direction: Direction): Pipe {
    const pipe = new Pipe(
      () => this.#state === "silent" || (this.#state === "deaf" && direction === "back"),
      () => this.#delayMs,
    );
    this.#pipes.add(pipe);
    return pipe;
  }
}

/** What goes one way, in order. */
class Pipe {
  readonly #isHeld: () => boolean;
  readonly #delayMs: () => number;
  readonly #waiting: { readonly run: () => void; readonly dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(isHeld: () => boolean, delayMs: () => number) {
    this.#isHeld = isHeld;
    this.#delayMs = delayMs;
  }

  push(run: () => void): void {
    this.#waiting.push({ run, dueAt: performance.now() + this.#delayMs() });
    this.go();
  }

  go(): void {
    clearTimeout(this.#timer);
    for (let first = this.#waiting[0]; first !== undefined && !this.#isHeld(); first = this.#waiting[0]) {
      const waitMs = first.dueAt - performance.now();
      if (waitMs > 0.5) {
        this.#timer = setTimeout(() => this.go(), waitMs);
        return;
      }
      this.#waiting.shift();
      first.run();
    }
  }
}
