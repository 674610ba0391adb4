/**
 * Stock clients that name themselves and acknowledge: they come and go at any node, and what they have acknowledged is told to them no
 * more, once their node has had the time to write it down.
 */
import { setTimeout as passed } from "node:timers/promises";
import WebSocket from "ws";
import { type Journal, differences, offsetsOf } from "./journal.ts";
import { type Reader, type ReaderContext, bearerOf, leak, missing, offsetOf } from "./reader.ts";

/** A node writes once a second; a look into the database, and a busy machine. */
const WRITTEN_MS = 6000;
/** Trouble that has been over for so long is forgotten by all nodes. */
const FORGOTTEN_MS = 12_000;

interface Message {
  readonly type: string;
  readonly eventId?: string;
  readonly events?: readonly Message[];
}

interface Acked {
  /** When its node had certainly taken it. */
  readonly takenAt: number;
  readonly node: string;
}

export type Spoken = "feed" | "native";

export class Device implements Reader {
  readonly #context: ReaderContext;
  readonly #spoken: Spoken;
  /** In the order in which they were first told. */
  readonly #told = new Set<number>();
  readonly #acked = new Map<number, Acked>();
  #socket: WebSocket | undefined;
  #node = "";
  #openedAt = 0;
  #isLive = false;
  /** Acknowledged on this connection, and not yet certain to have been taken. */
  #ackedHere: number[] = [];
  /** What was ever certain to have been taken. */
  readonly #taken: (Acked & { readonly offset: number })[] = [];
  #newest = 0;
  #newestId = "";
  #isSettled = false;
  #isOver = false;
  again = 0;

  private constructor(context: ReaderContext, spoken: Spoken) {
    this.#context = context;
    this.#spoken = spoken;
  }

  static open(context: ReaderContext, spoken: Spoken): Device {
    const device = new Device(context, spoken);
    void device.#live();
    return device;
  }

  settle(): void {
    this.#isSettled = true;
  }

  behind(journal: Journal): string | undefined {
    return this.#isLive ? missing(this.#expected(journal), this.#told) : "is not connected";
  }

  faults(journal: Journal): string[] {
    const expected = this.#expected(journal);
    return differences(
      expected,
      [...this.#told].filter((offset) => offset >= (expected[0] ?? Infinity)),
    );
  }

  close(): void {
    this.#isOver = true;
    this.#socket?.close();
  }

  async #live(): Promise<void> {
    const { random } = this.#context;
    while (!this.#isOver) {
      const { name, url } = random.oneOf(this.#context.nodes);
      const leaveAt = performance.now() + random.between(200, 10_000);
      await this.#connection(name, url, leaveAt);
      if (random.is(0.5)) await passed(random.between(0, 2000));
      else await passed(20);
    }
  }

  /** Resolves when it has ended. */
  async #connection(node: string, url: string, leaveAt: number): Promise<void> {
    const { name, random } = this.#context;
    const path = this.#spoken === "feed" ? "/api/v1/ws/transactions" : "/api/v1/ws";
    const socket = new WebSocket(`${url.replace("http", "ws")}${path}?clientId=${name}`, {
      headers: { authorization: `Bearer ${await bearerOf(this.#context)}` },
      handshakeTimeout: 5000,
    });
    this.#socket = socket;
    this.#node = node;
    this.#ackedHere = [];
    let heardAt = performance.now();
    const closed = new Promise<void>((resolve) => {
      socket.once("close", () => {
        resolve();
      });
    });
    socket.on("error", () => undefined);
    socket.on("message", (text: Buffer) => {
      heardAt = performance.now();
      this.#hear(socket, JSON.parse(text.toString()) as Message);
    });
    const watch = setInterval(() => {
      const now = performance.now();
      if (this.#isSettled ? now - heardAt > 45_000 : now > leaveAt) {
        // Rudely, or with a good-bye.
        if (random.is(0.5)) socket.terminate();
        else socket.close();
        setTimeout(() => {
          socket.terminate();
        }, 1000);
        clearInterval(watch);
      } else if (this.#isLive && this.#ackedHere.length > 0 && random.is(0.3)) this.#ask(socket);
    }, 200);
    await closed;
    clearInterval(watch);
    this.#isLive = false;
  }

  #hear(socket: WebSocket, message: Message): void {
    switch (message.type) {
      case "connected":
      case "welcome":
        this.#openedAt = performance.now();
        this.#say(socket, this.#spoken === "feed" ? { type: "subscribe", events: ["transaction", "fraud"] } : TOPICS);
        break;
      case "subscribed":
        this.#isLive = true;
        break;
      case "unsubscribed":
        for (const offset of this.#ackedHere.splice(0)) {
          const acked = { takenAt: performance.now(), node: this.#node };
          this.#acked.set(offset, acked);
          this.#taken.push({ ...acked, offset });
        }
        break;
      case "resync":
        this.#context.onViolation(`had to begin anew: ${JSON.stringify(message)}`);
        break;
      case "transaction":
      case "fraud":
      case "event":
        this.#take(socket, [message]);
        break;
      case "batch":
        this.#take(socket, message.events ?? []);
        break;
      default:
    }
  }

  #take(socket: WebSocket, messages: readonly Message[]): void {
    const { onViolation, random } = this.#context;
    for (const message of messages) {
      const { eventId = "" } = message;
      const offset = offsetOf(eventId);
      const leaked = leak(this.#context, message);
      if (leaked !== undefined) onViolation(leaked);
      if (this.#told.has(offset)) this.#toldAgain(offset);
      else if (offset < this.#newest) onViolation(`was first told of ${offset} after ${this.#newest}`);
      this.#told.add(offset);
      this.#newest = Math.max(this.#newest, offset);
      this.#newestId = eventId;
      if (this.#spoken === "feed" && (this.#isSettled || random.is(0.95))) {
        this.#say(socket, { type: "ack", eventId });
        this.#ackedHere.push(offset);
      }
    }
    if (this.#spoken === "native" && (this.#isSettled || random.is(0.8))) {
      this.#say(socket, { type: "ack", upTo: this.#newestId });
      for (const offset of this.#told) if (offset <= this.#newest && !this.#acked.has(offset)) this.#ackedHere.push(offset);
    }
  }

  /** What was acknowledged may be told again only where that could not be written down. */
  #toldAgain(offset: number): void {
    this.again += 1;
    const acked = this.#acked.get(offset);
    if (acked === undefined) return;
    const { troubles, onViolation } = this.#context;
    const { node, takenAt } = acked;
    const writtenAt = troubles.quietSince(node, takenAt, WRITTEN_MS);
    const seconds = ((this.#openedAt - takenAt) / 1000).toFixed(1);
    if (writtenAt !== undefined && writtenAt < this.#openedAt)
      onViolation(`was told ${offset} again by ${this.#node}, ${seconds} s after ${node} had taken its ack, and time to write it`);
    else if (troubles.isQuiet(undefined, takenAt - FORGOTTEN_MS, performance.now()))
      onViolation(`was told ${offset} again by ${this.#node}, ${seconds} s after ${node} had taken its ack, and nothing was wrong`);
    this.#acked.delete(offset);
  }

  /** Answered after everything before was taken. */
  #ask(socket: WebSocket): void {
    this.#say(
      socket,
      this.#spoken === "feed" ? { type: "unsubscribe", events: ["wallet"] } : { type: "unsubscribe", topics: ["symbol:NONE"] },
    );
  }

  #say(socket: WebSocket, message: object): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  #expected(journal: Journal): number[] {
    const { tenant, user, troubles } = this.#context;
    const now = performance.now();
    // A client of the native protocol has no place before its first ack is written down.
    const first =
      this.#spoken === "feed"
        ? 0
        : this.#taken.find(({ node, takenAt }) => (troubles.quietSince(node, takenAt, WRITTEN_MS) ?? Infinity) < now)?.offset;
    return offsetsOf(journal, tenant, [`transactions:${user}`, `fraud:${user}`], ({ offset }) => offset >= (first ?? Infinity));
  }
}

const TOPICS = { type: "subscribe", id: 1, topics: ["transactions:me", "fraud:me"], snapshot: false };
