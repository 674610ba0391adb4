/** Clients that are none of ours: an event stream that goes on after its last id, and Socket.IO with its own recovery. */
import { setTimeout as passed } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { type Journal, differences, offsetsOf } from "./journal.ts";
import { type Reader, type ReaderContext, bearerOf, leak, missing, offsetOf } from "./reader.ts";

/** Longer than the server is ever silent on a stream. */
const SILENCE_MS = 45_000;

/** The money feed as an event stream, read as a browser's EventSource does; it moves to another node at each cut. */
export class StreamReader implements Reader {
  readonly #context: ReaderContext;
  readonly #told: number[] = [];
  #lastEventId = "";
  /** It had no id yet when it had to come back: what came meanwhile it cannot ask for. */
  #wasBlind = false;
  #end: AbortController | undefined;
  #isLive = false;
  #isSettled = false;
  #isOver = false;

  constructor(context: ReaderContext) {
    this.#context = context;
    void this.#live();
  }

  settle(): void {
    this.#isSettled = true;
  }

  behind(journal: Journal): string | undefined {
    return this.#isLive ? missing(this.#expected(journal), new Set(this.#told)) : "is not connected";
  }

  faults(journal: Journal): string[] {
    return differences(this.#expected(journal), this.#told);
  }

  close(): void {
    this.#isOver = true;
    this.#end?.abort();
  }

  async #live(): Promise<void> {
    const { random, urls } = this.#context;
    while (!this.#isOver) {
      await this.#read(random.oneOf(urls), random.between(500, 15_000)).catch(() => undefined);
      if (this.#isLive && this.#lastEventId === "") this.#wasBlind = true;
      this.#isLive = false;
      await passed(random.between(20, 1000));
    }
  }

  async #read(url: string, forMs: number): Promise<void> {
    const end = (this.#end = new AbortController());
    let heardAt = performance.now();
    const startedAt = heardAt;
    const watch = setInterval(() => {
      const now = performance.now();
      if (now - heardAt > SILENCE_MS || (!this.#isSettled && this.#lastEventId !== "" && now - startedAt > forMs)) end.abort();
    }, 200);
    try {
      const response = await fetch(`${url}/api/v1/sse/transactions?events=transaction,fraud`, {
        signal: end.signal,
        headers: {
          authorization: `Bearer ${await bearerOf(this.#context)}`,
          ...(this.#lastEventId !== "" && { "last-event-id": this.#lastEventId }),
        },
      });
      if (response.status !== 200) return;
      this.#isLive = true;
      let rest = "";
      for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        heardAt = performance.now();
        const blocks = (rest + part).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) this.#take(block);
      }
    } finally {
      clearInterval(watch);
    }
  }

  #take(block: string): void {
    const { onViolation } = this.#context;
    const name = /^event: (.*)$/m.exec(block)?.[1];
    const id = /^id: (.*)$/m.exec(block)?.[1];
    if (name === "resync") onViolation("had to begin anew");
    if (id !== undefined) this.#lastEventId = id;
    if (name !== "transaction" && name !== "fraud") return;
    const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "{}") as { eventId: string };
    this.#told.push(offsetOf(data.eventId));
    const leaked = leak(this.#context, data);
    if (leaked !== undefined) onViolation(leaked);
  }

  #expected(journal: Journal): number[] {
    const { tenant, user } = this.#context;
    const [first = Infinity] = this.#told;
    return offsetsOf(journal, tenant, [`transactions:${user}`, `fraud:${user}`], ({ offset }) => !this.#wasBlind || offset >= first);
  }
}

/** Trading over stock Socket.IO: recovered by its own means where that works, else by the cursor. */
export class SocketReader implements Reader {
  readonly #context: ReaderContext;
  readonly #told: number[] = [];
  readonly #socket: Socket;
  #cursor: string | undefined;
  #isLive = false;
  #isSettled = false;

  private constructor(context: ReaderContext, socket: Socket) {
    this.#context = context;
    this.#socket = socket;
    const { onViolation } = context;
    socket.on("connect", () => {
      if (socket.recovered) {
        this.#isLive = true;
        return;
      }
      const asked = { channel: "trading", ...(this.#cursor !== undefined && { after: this.#cursor }) };
      socket.emit("subscribe", asked, (answer: { success?: boolean; eventId?: string }) => {
        if (answer.success !== true) return;
        this.#cursor ??= answer.eventId;
        this.#isLive = true;
      });
    });
    socket.on("disconnect", (reason) => {
      this.#isLive = false;
      // Then it does not come back by itself.
      if (reason === "io server disconnect") setTimeout(() => socket.connect(), 200);
    });
    socket.on("order:created", (body: { eventId: string }) => {
      this.#told.push(offsetOf(body.eventId));
      this.#cursor = body.eventId;
      const leaked = leak(context, body);
      if (leaked !== undefined) onViolation(leaked);
    });
    socket.on("resync", (body: unknown) => onViolation(`had to begin anew: ${JSON.stringify(body)}`));
  }

  static async open(context: ReaderContext): Promise<SocketReader> {
    const socket = io(context.random.oneOf(context.urls), {
      auth: { token: await bearerOf(context) },
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 2000,
      transports: ["websocket"],
      autoConnect: false,
    });
    const reader = new SocketReader(context, socket);
    socket.connect();
    void reader.#cutNowAndThen();
    return reader;
  }

  settle(): void {
    this.#isSettled = true;
  }

  behind(journal: Journal): string | undefined {
    return this.#isLive ? missing(this.#expected(journal), new Set(this.#told)) : "is not connected";
  }

  faults(journal: Journal): string[] {
    return differences(this.#expected(journal), this.#told);
  }

  close(): void {
    this.#socket.disconnect();
  }

  async #cutNowAndThen(): Promise<void> {
    while (this.#mayMove()) {
      await passed(this.#context.random.between(2000, 15_000));
      if (this.#mayMove() && this.#socket.connected) this.#socket.io.engine.close();
    }
  }

  #mayMove(): boolean {
    return !this.#isSettled;
  }

  #expected(journal: Journal): number[] {
    const { tenant, user } = this.#context;
    return offsetsOf(journal, tenant, [`orders:${user}`]);
  }
}
