/** What a client says in a namespace: each command in its turn, and answered in the order of what the client is told. */
import { Refusal } from "@broadtape/protocol/errors";
import { Abreast } from "../../engine/abreast.ts";
import type { Engine } from "../../engine/engine.ts";
import { TokenBucket } from "../../engine/limits.ts";
import type { Session } from "../../engine/session.ts";
import type { SocketSurface } from "../../engine/surface.ts";
import type { ConnectionLog, Gate } from "../gate.ts";
import { MALFORMED } from "./decoder.ts";

export interface CommandsHost {
  readonly engine: Engine;
  readonly gate: Gate;
  readonly log: ConnectionLog;
}

type Acknowledge = (answer: object) => void;

export class Commands {
  readonly #host: CommandsHost;
  readonly #surface: SocketSurface;
  readonly #session: Session;
  readonly #bucket: TokenBucket;
  /** Bounded by what the bucket lets through while one of them waits. */
  readonly #abreast: Abreast;

  constructor(host: CommandsHost, surface: SocketSurface, session: Session) {
    this.#host = host;
    this.#surface = surface;
    this.#session = session;
    this.#bucket = new TokenBucket(host.engine.clock, surface.commandRate.burst, surface.commandRate.perSecond);
    this.#abreast = new Abreast(host.engine);
  }

  receive(name: string, args: readonly unknown[]): void {
    const last = args.at(-1);
    const acknowledge = typeof last === "function" ? (last as Acknowledge) : undefined;
    const body = acknowledge !== undefined && args.length === 1 ? undefined : args[0];
    try {
      this.#take();
      if (name === MALFORMED) throw new Refusal("BAD_REQUEST", "the packet is malformed", { path: "" });
      if (name === "reauthenticate") {
        this.#reauthenticate(body, acknowledge);
        return;
      }
      const turn = this.#abreast.turn(this.#surface.looksAtViews.has(name));
      if (turn === undefined) this.#carryOut(name, body, acknowledge);
      else turn.then(() => this.#carryOutLater(name, body, acknowledge)).catch(this.#host.engine.onFault);
    } catch (error) {
      this.#failed(error, acknowledge);
    }
  }

  #carryOutLater(name: string, body: unknown, acknowledge: Acknowledge | undefined): void {
    if (this.#session.isClosed) return;
    try {
      this.#carryOut(name, body, acknowledge);
    } catch (error) {
      this.#failed(error, acknowledge);
    }
  }

  #carryOut(name: string, body: unknown, acknowledge: Acknowledge | undefined): void {
    const answer = this.#surface.receive(this.#session, this.#host.engine, name, body);
    if (answer instanceof Promise)
      answer.then((each) => this.#answer(acknowledge, each)).catch((error: unknown) => this.#failedLater(error, acknowledge));
    else this.#answer(acknowledge, answer);
  }

  /** After what the session is owed so far: an answer never overtakes the messages that it counts on. */
  #answer(acknowledge: Acknowledge | undefined, answer: object): void {
    if (acknowledge !== undefined && !this.#session.isClosed) this.#session.outbox.afterPending(() => acknowledge(answer));
  }

  #failed(error: unknown, acknowledge: Acknowledge | undefined): void {
    if (!(error instanceof Refusal)) throw error;
    this.#refuse(error, acknowledge);
  }

  /** What a command waits for may be away, the registry for one: that ends this connection, and nobody else's. */
  #failedLater(error: unknown, acknowledge: Acknowledge | undefined): void {
    if (error instanceof Refusal) {
      this.#refuse(error, acknowledge);
      return;
    }
    this.#host.log.error({ err: error, sessionId: this.#session.id }, "command failed");
    this.#session.close(new Refusal("SLOW_CONSUMER", "the command could not be carried out; come back later"));
  }

  #take(): void {
    const retryAfterMs = this.#bucket.take();
    if (retryAfterMs !== undefined) throw new Refusal("RATE_LIMITED", "Rate limit exceeded", { retryAfterMs });
  }

  #refuse(refusal: Refusal, acknowledge: Acknowledge | undefined): void {
    this.#session.noteLimit(refusal);
    if (acknowledge === undefined) this.#session.say(this.#surface.refuse(refusal));
    else acknowledge(this.#surface.answerRefused(refusal));
    if (this.#bucket.isFlooded) this.#session.close(new Refusal("RATE_LIMITED", "commands went on after RATE_LIMITED"));
  }

  #reauthenticate(body: unknown, acknowledge: Acknowledge | undefined): void {
    const token = typeof body === "object" && body !== null && "token" in body ? body.token : undefined;
    if (typeof token !== "string") throw new Refusal("BAD_REQUEST", "must be a token", { path: "token" });
    this.#host.gate.verify(token).then(
      (identity) => {
        if (this.#session.isClosed) return;
        try {
          this.#host.engine.reauthenticate(this.#session, identity);
          acknowledge?.({ success: true, expiresAt: identity.expiresAt });
        } catch (error) {
          this.#refuseReauthentication(error, acknowledge);
        }
      },
      (error: unknown) => {
        this.#refuseReauthentication(error, acknowledge);
      },
    );
  }

  /** The old token goes on until its own end. */
  #refuseReauthentication(error: unknown, acknowledge: Acknowledge | undefined): void {
    if (!(error instanceof Refusal)) {
      this.#host.log.error({ err: error, sessionId: this.#session.id }, "reauthentication failed");
      return;
    }
    this.#session.say(this.#surface.refuse(error));
    acknowledge?.({ success: false, error: error.code });
  }
}
