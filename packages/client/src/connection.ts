/** Drives the state machine: opens links, keeps its timers, fetches tokens. It knows nothing of topics. */
import type { ClientMessage, ServerMessage, WelcomeMessage } from "@broadtape/protocol/native";
import { type ConnectionOptions, rulesOf, urlOf } from "./connection-options.ts";
import {
  type ConnectionStatus,
  type Effect,
  INITIAL_STATUS,
  type Input,
  type Machine,
  type Timer,
  initialMachine,
  statusOf,
} from "./connection-state.ts";
import { step } from "./connection-step.ts";
import { type Environment, browserEnvironment, errorTaker } from "./environment.ts";
import type { Link, LinkMessage, Transport } from "./link.ts";
import { type Store, ValueStore } from "./store.ts";
import { userOf } from "./token.ts";

export interface ConnectionEvents {
  /** A connection was opened and greeted: say what is to be followed. */
  onWelcome(message: WelcomeMessage): void;
  onMessage(message: ServerMessage): void;
  /** Nothing more comes of this connection. */
  onCut(): void;
  /** Whose token it is. */
  onUser(user: string): void;
  onClosed(reason: string): void;
}

export class Connection {
  readonly status: Store<ConnectionStatus>;
  readonly environment: Environment;
  readonly onError: (error: unknown) => void;
  readonly #options: ConnectionOptions;
  readonly #url: string;
  readonly #events: ConnectionEvents;
  readonly #status: ValueStore<ConnectionStatus>;
  readonly #timers = new Map<Timer, () => void>();
  readonly #offOnline: () => void;
  #machine: Machine;
  #link: Link | undefined;
  /** When the link last brought anything. */
  #heardAt = 0;
  /** Inputs wait while one is worked on: callbacks may cause others. */
  readonly #inputs: Input[] = [];
  #isStepping = false;

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#url = urlOf(options.url);
    this.#events = events;
    this.environment = { ...browserEnvironment, ...options.environment };
    this.onError = errorTaker(options.onError);
    this.#machine = initialMachine(rulesOf(options));
    this.#status = new ValueStore(INITIAL_STATUS, this.onError);
    this.status = { get: this.#status.get, subscribe: this.#status.subscribe };
    this.#offOnline = this.environment.onOnline(() => {
      this.#take({ type: "wake" });
    });
  }

  /** Opens it. */
  start(): void {
    const { token } = this.#options;
    if (typeof token === "string") this.#tellUser(token);
    this.#take({ type: "start" });
  }

  send(message: ClientMessage): void {
    this.#link?.send(message);
  }

  /** Everything that is followed is up to date. */
  caughtUp(): void {
    if (this.#machine.phase === "greeted" && this.#machine.status.state !== "live") this.#take({ type: "caughtUp" });
  }

  /** Ends it for good. */
  close(reason = "closed by the client"): void {
    this.#take({ type: "close", reason });
  }

  #take(input: Input): void {
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) this.#step(next);
    this.#isStepping = false;
  }

  #step(input: Input): void {
    const { now, random } = this.environment;
    const before = this.#machine;
    const { machine, effects } = step(before, input, { now: now(), random: random() });
    this.#machine = machine;
    for (const effect of effects) this.#do(effect);
    this.#status.set(statusOf(machine));
    if (input.type === "message" && input.message.type === "welcome") this.#events.onWelcome(input.message);
    if (machine.phase !== "closed" || before.phase === "closed") return;
    this.#offOnline();
    this.#events.onClosed(machine.status.reason ?? "");
  }

  #do(effect: Effect): void {
    switch (effect.do) {
      case "authorize":
        this.#fetchToken().then(
          (token) => this.#take({ type: "token", token }),
          (error: unknown) => this.#failed(error, "tokenFailed"),
        );
        return;
      case "renew":
        this.#fetchToken().then(
          (token) => this.#take({ type: "renewed", token }),
          (error: unknown) => this.#failed(error, "renewalFailed"),
        );
        return;
      case "open":
        this.#open(effect.transport, effect.token);
        return;
      case "reauthenticate":
        this.send({ type: "reauthenticate", token: effect.token });
        return;
      case "drop":
        this.#drop();
        return;
      case "wait":
        this.#cancel(effect.timer);
        this.#timers.set(
          effect.timer,
          this.environment.after(effect.ms, () => this.#ring(effect.timer)),
        );
        return;
      case "cancel":
        this.#cancel(effect.timer);
    }
  }

  async #fetchToken(): Promise<string | undefined> {
    const { token } = this.#options;
    if (typeof token !== "function") return token;
    const fresh = await token();
    this.#tellUser(fresh);
    return fresh;
  }

  #failed(error: unknown, type: "tokenFailed" | "renewalFailed"): void {
    this.onError(error);
    this.#take({ type });
  }

  #tellUser(token: string): void {
    const user = userOf(token);
    if (user !== undefined) this.#events.onUser(user);
  }

  #open(transport: Transport, token: string | undefined): void {
    const { clientId, workerUrl, token: source } = this.#options;
    const isCurrent = () => this.#link === link || link === undefined;
    let link: Link | undefined;
    const events = {
      onMessage: (message: LinkMessage) => {
        if (isCurrent()) this.#receive(message);
      },
      onClose: (end: { opened: boolean }) => {
        if (isCurrent()) this.#take({ type: "lost", end, heardAt: this.#heardAt });
      },
    };
    this.#heardAt = this.environment.now();
    const freshToken = typeof source === "function" ? async () => source() : undefined;
    try {
      link = this.environment.openLink(transport, { url: this.#url, token, freshToken, clientId, workerUrl, events });
      this.#link = link;
    } catch (error) {
      // A missing SharedWorker is no fault; the next transport is tried.
      if (transport !== "shared") this.onError(error);
      this.#take({ type: "lost", end: { opened: false }, heardAt: this.#heardAt });
    }
  }

  #receive(message: LinkMessage): void {
    this.#heardAt = this.environment.now();
    switch (message.type) {
      case "welcome":
      case "closing":
        this.#take({ type: "message", message });
        return;
      case "lagging":
        this.#take({ type: "behind", behindMs: message.behindMs });
        return;
      case "caughtUp":
        this.#take({ type: "behind", behindMs: 0 });
        return;
      case "status":
        this.#take({ type: "upstream", status: message.status });
        return;
      case "ping":
        this.send({ type: "pong" });
        break;
      case "error":
        this.#take({ type: "message", message });
        break;
      default:
    }
    if (this.#machine.phase === "greeted") this.#events.onMessage(message);
  }

  #drop(): void {
    const link = this.#link;
    this.#link = undefined;
    link?.close();
    this.#events.onCut();
  }

  #ring(timer: Timer): void {
    this.#timers.delete(timer);
    this.#take(timer === "silence" ? { type: "silence", heardAt: this.#heardAt } : { type: timer });
  }

  #cancel(timer: Timer): void {
    this.#timers.get(timer)?.();
    this.#timers.delete(timer);
  }
}
