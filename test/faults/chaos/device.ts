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
/** Longer than the server is ever silent. */
const SILENCE_MS = 45_000;

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

/** One of its connections. */
interface Line {
  readonly socket: WebSocket;
  readonly node: string;
  openedAt: number;
  isLive: boolean;
  newestId: string;
  /** Acknowledged on this connection, and not yet certain to have been taken. */
  ackedHere: number[];
}

export class Device implements Reader {
  readonly #context: ReaderContext;
  readonly #spoken: Spoken;
  /** In the order in which they were first told. */
  readonly #told = new Set<number>();
  readonly #acked = new Map<number, Acked>();
  readonly #lines = new Set<Line>();
  /** How many connections want to be there at the same time, of which one may. */
  readonly #rivals: number;
  /** What was ever certain to have been taken. */
  readonly #taken: (Acked & { readonly offset: number })[] = [];
  #newest = 0;
  /** When each connection was opened, and up to where the client had been told then. */
  readonly #opened: { readonly at: number; readonly newest: number }[] = [];
  #isSettled = false;
  #isOver = false;
  again = 0;

  private constructor(context: ReaderContext, spoken: Spoken, rivals: number) {
    this.#context = context;
    this.#spoken = spoken;
    this.#rivals = rivals;
  }

  static open(context: ReaderContext, spoken: Spoken, rivals = 1): Device {
    const device = new Device(context, spoken, rivals);
    for (let rival = 0; rival < rivals; rival++) void device.#live(rival === 0);
    return device;
  }

  /** One of its connections stays. */
  settle(): void {
    this.#isSettled = true;
  }

  behind(journal: Journal): string | undefined {
    const live = [...this.#lines].filter(({ isLive }) => isLive).length;
    return live === 1 ? missing(this.#expected(journal), this.#told) : `has ${live} connections`;
  }

  faults(journal: Journal): string[] {
    const expected = this.#expected(journal);
    const told = [...this.#told].filter((offset) => offset >= (expected[0] ?? Infinity));
    return differences(expected, this.#rivals === 1 ? told : told.toSorted((a, b) => a - b));
  }

  close(): void {
    this.#isOver = true;
    for (const { socket } of this.#lines) socket.close();
  }

  async #live(isStaying: boolean): Promise<void> {
    const { random } = this.#context;
    while (!this.#isOver && (isStaying || !this.#isSettled)) {
      const { name, url } = random.oneOf(this.#context.nodes);
      const leaveAt = performance.now() + random.between(200, 10_000);
      await this.#connection(name, url, leaveAt, isStaying);
      if (random.is(0.5)) await passed(random.between(0, 2000));
      else await passed(20);
    }
  }

  /** Resolves when it has ended. */
  async #connection(node: string, url: string, leaveAt: number, isStaying: boolean): Promise<void> {
    const { name, random } = this.#context;
    const path = this.#spoken === "feed" ? "/api/v1/ws/transactions" : "/api/v1/ws";
    const socket = new WebSocket(`${url.replace("http", "ws")}${path}?clientId=${name}`, {
      headers: { authorization: `Bearer ${await bearerOf(this.#context)}` },
      handshakeTimeout: 5000,
    });
    const line: Line = { socket, node, openedAt: 0, isLive: false, newestId: "", ackedHere: [] };
    this.#lines.add(line);
    let heardAt = performance.now();
    const closed = new Promise<void>((resolve) => {
      socket.once("close", () => {
        resolve();
      });
    });
    socket.on("error", () => undefined);
    socket.on("message", (text: Buffer) => {
      heardAt = performance.now();
      this.#hear(line, JSON.parse(text.toString()) as Message);
    });
    const watch = setInterval(() => {
      const now = performance.now();
      if (this.#isSettled && isStaying ? now - heardAt > SILENCE_MS : this.#isSettled || now > leaveAt) {
        // Rudely, or with a good-bye.
        if (random.is(0.5)) socket.terminate();
        else socket.close();
        setTimeout(() => {
          socket.terminate();
        }, 1000);
        clearInterval(watch);
      } else if (line.isLive && line.ackedHere.length > 0 && random.is(0.3)) this.#ask(line);
    }, 200);
    await closed;
    clearInterval(watch);
    this.#lines.delete(line);
  }

  #hear(line: Line, message: Message): void {
    switch (message.type) {
      case "connected":
      case "welcome":
        line.openedAt = performance.now();
        this.#opened.push({ at: line.openedAt, newest: this.#newest });
        say(line, this.#spoken === "feed" ? { type: "subscribe", events: ["transaction", "fraud"] } : TOPICS);
        break;
      case "subscribed":
        line.isLive = true;
        break;
      case "unsubscribed":
        for (const offset of line.ackedHere.splice(0)) {
          const acked = { takenAt: performance.now(), node: line.node };
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
        this.#take(line, [message]);
        break;
      case "batch":
        this.#take(line, message.events ?? []);
        break;
      default:
    }
  }

  #take(line: Line, messages: readonly Message[]): void {
    const { onViolation, random } = this.#context;
    for (const message of messages) {
      const { eventId = "" } = message;
      const offset = offsetOf(eventId);
      const leaked = leak(this.#context, message);
      if (leaked !== undefined) onViolation(leaked);
      if (this.#told.has(offset)) this.#toldAgain(line, offset);
      // Of two nodes that cannot hear each other both may tell, for as long.
      else if (offset < this.#newest && this.#rivals === 1) onViolation(`was first told of ${offset} after ${this.#newest}`);
      this.#told.add(offset);
      this.#newest = Math.max(this.#newest, offset);
      line.newestId = eventId;
      if (this.#spoken === "feed" && (this.#isSettled || random.is(0.95))) {
        say(line, { type: "ack", eventId });
        line.ackedHere.push(offset);
      }
    }
    if (this.#spoken === "native" && (this.#isSettled || random.is(0.8))) {
      say(line, { type: "ack", upTo: line.newestId });
      const upTo = offsetOf(line.newestId);
      for (const offset of this.#told) if (offset <= upTo && !this.#acked.has(offset)) line.ackedHere.push(offset);
    }
  }

  /** What was acknowledged may be told again only where that could not be written down. */
  #toldAgain(line: Line, offset: number): void {
    this.again += 1;
    const acked = this.#acked.get(offset);
    if (acked === undefined) return;
    const { troubles, onViolation } = this.#context;
    const { node, takenAt } = acked;
    const writtenAt = troubles.quietSince(node, takenAt, WRITTEN_MS);
    const seconds = ((line.openedAt - takenAt) / 1000).toFixed(1);
    if (writtenAt !== undefined && writtenAt < line.openedAt)
      onViolation(`was told ${offset} again by ${line.node}, ${seconds} s after ${node} had taken its ack, and time to write it`);
    else if (line.openedAt > takenAt && troubles.isQuiet(undefined, takenAt - FORGOTTEN_MS, performance.now()))
      onViolation(`was told ${offset} again by ${line.node}, ${seconds} s after ${node} had taken its ack, and nothing was wrong`);
    this.#acked.delete(offset);
  }

  /** Answered after everything before was taken. */
  #ask(line: Line): void {
    say(line, this.#spoken === "feed" ? { type: "unsubscribe", events: ["wallet"] } : { type: "unsubscribe", topics: ["symbol:NONE"] });
  }

  #expected(journal: Journal): number[] {
    const { tenant, user } = this.#context;
    const first = this.#spoken === "feed" ? 0 : this.#begunAt();
    return offsetsOf(journal, tenant, [`transactions:${user}`, `fraud:${user}`], ({ offset }) => offset > first);
  }

  /** A client of the native protocol may have no place before an ack is written down, where its beginning was not: up to its next connection it may have missed something. */
  #begunAt(): number {
    const writtenAt = this.#taken.map(({ node, takenAt }) => this.#context.troubles.quietSince(node, takenAt, WRITTEN_MS) ?? Infinity);
    const earliest = Math.min(...writtenAt);
    return this.#opened.find(({ at }) => at > earliest)?.newest ?? Infinity;
  }
}

const TOPICS = { type: "subscribe", id: 1, topics: ["transactions:me", "fraud:me"], snapshot: false };

function say({ socket }: Line, message: object): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}
