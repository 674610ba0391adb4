/** `broadtape tail`: prints what is told on topics, over the native protocol. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import type { EventMessage, ServerMessage, SubscribedMessage } from "@broadtape/protocol/native";
import { EXIT, EXIT_CODE_HELP, type ExitCode, type Finish } from "./exit-codes.ts";
import { type Colours, coloursOf, complain, type Io, say } from "./io.ts";
import { DEFAULT_URL, type Server, serverOf } from "./server.ts";
import { connect, type Connection } from "./tail/connection.ts";

interface TailFlags {
  readonly url?: string;
  readonly token?: string;
  readonly after?: string;
  readonly snapshot: boolean;
  readonly count?: number;
  readonly json?: true;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;

export function addTail(program: Command, io: Io, finish: Finish): void {
  program
    .command("tail")
    .description("Print what is told on topics; after a lost connection, go on where it was lost.")
    .argument("<topic...>", "symbol:EUR/USD, rfq:42, orders:me, ...")
    .option("--url <url>", `server (BROADTAPE_URL; default: ${DEFAULT_URL})`)
    .option("--token <token>", "token of a user who may follow the topics (BROADTAPE_TOKEN)")
    .option("--after <eventId>", "begin with the events after this one instead of a snapshot")
    .option("--no-snapshot", "begin with the next event")
    .option("--count <events>", "end after so many events", wholeNumber)
    .option("--json", "print the server's messages as they come")
    .addHelpText("after", EXIT_CODE_HELP)
    .action(async (topics: string[], flags: TailFlags) => {
      const server = serverOf(flags, io);
      finish(server === undefined ? EXIT.unauthorized : await new Tail(server, topics, flags, io).run());
    });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1.");
  return Number(text);
}

class Tail {
  readonly #server: Server;
  readonly #topics: readonly string[];
  readonly #flags: TailFlags;
  readonly #io: Io;
  readonly #colours: Colours;
  #connection: Connection | undefined;
  /** Everything up to this event has been printed. */
  #cursor: string | undefined;
  #printed = 0;
  /** Set when there is no more to come. */
  #code: ExitCode | undefined;
  #retryAfterMs: number | undefined;

  constructor(server: Server, topics: readonly string[], flags: TailFlags, io: Io) {
    this.#server = server;
    this.#topics = topics;
    this.#flags = flags;
    this.#io = io;
    this.#colours = coloursOf(io, io.stdout);
    this.#cursor = flags.after;
  }

  async run(): Promise<ExitCode> {
    for (let failures = 0; ;) {
      const subscription = { topics: this.#topics, after: this.#cursor, snapshot: this.#flags.snapshot };
      this.#connection = connect(this.#server, subscription, { onMessage: (message, text) => this.#hear(message, text) });
      const { wasOpen, reason } = await this.#connection.ended;
      if (this.#code !== undefined) return this.#code;
      if (!wasOpen && this.#printed === 0 && failures === 0) {
        complain(this.#io, [`${this.#server.url}: ${reason} (is a server there, and does it take this token?)`]);
        return EXIT.unreachable;
      }
      failures = wasOpen ? 1 : failures + 1;
      const backoffMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS) * (0.5 + Math.random());
      const afterMs = Math.round(this.#retryAfterMs ?? backoffMs);
      this.#retryAfterMs = undefined;
      complain(this.#io, [`${reason}; again in ${afterMs} ms`]);
      await sleep(afterMs);
    }
  }

  #hear(message: ServerMessage, text: string): void {
    if (this.#code !== undefined) return;
    if (this.#flags.json === true) say(this.#io.stdout, text);
    switch (message.type) {
      case "subscribed":
        this.#subscribed(message);
        break;
      case "event":
        this.#event(message);
        break;
      case "batch":
        for (const event of message.events) this.#event(event);
        break;
      case "ping":
        this.#cursor = message.lastEventId;
        break;
      case "closing":
        this.#retryAfterMs = message.reconnectAfterMs;
        if (!message.reconnect)
          this.#end(message.code === "LIMIT_REACHED" ? EXIT.refused : EXIT.unauthorized, `closed by the server: ${message.code}`);
        break;
      case "revoked":
        complain(this.#io, [`no longer allowed: ${message.topics.join(", ")}`]);
        break;
      case "resync":
        complain(this.#io, [`the events after ${message.from} are not there any more (${message.reason}); a snapshot follows`]);
        break;
      case "error":
        complain(this.#io, [`${message.code}: ${message.message}`]);
        break;
      case "welcome":
      case "unsubscribed":
      case "updated":
      case "lagging":
      case "caughtUp":
      case "reauthenticated":
        break;
    }
  }

  #subscribed({ results, snapshots, cut }: SubscribedMessage): void {
    for (const result of results) {
      if (!result.ok) complain(this.#io, [`${result.topic}: ${result.message ?? result.code}`]);
    }
    if (results.every(({ ok }) => !ok)) {
      const isForbidden = results.some((result) => !result.ok && result.code === "FORBIDDEN");
      this.#end(isForbidden ? EXIT.unauthorized : EXIT.refused);
      return;
    }
    this.#cursor = cut;
    if (this.#flags.json === true) return;
    const { dim, cyan } = this.#colours;
    for (const { topic, state } of snapshots) say(this.#io.stdout, `${dim(cut)} ${cyan(topic)} snapshot ${JSON.stringify(state)}`);
  }

  #event(event: EventMessage): void {
    if (this.#code !== undefined) return;
    if (this.#flags.json !== true) {
      const { dim, cyan, bold } = this.#colours;
      const skipped = event.conflated === undefined ? "" : dim(` (+${event.conflated})`);
      say(this.#io.stdout, `${dim(event.time)} ${cyan(event.topic)} ${bold(event.event)} ${JSON.stringify(event.data)}${skipped}`);
    }
    this.#cursor = event.eventId ?? this.#cursor;
    this.#printed += 1;
    if (this.#printed === this.#flags.count) this.#end(EXIT.ok);
  }

  #end(code: ExitCode, reason?: string): void {
    this.#code = code;
    if (reason !== undefined) complain(this.#io, [reason]);
    this.#connection?.close();
  }
}
