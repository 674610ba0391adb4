/**
 * The one state machine of all clients (contract 60-native "SDK"): connects, authenticates, hears silence, reconnects for
 * ever with capped and jittered back-off, renews tokens. It knows nothing of topics.
 */
import type { ClientMessage, ServerMessage } from "@broadtape/protocol/native";
import { type Environment, browserEnvironment, reportUncaught } from "./environment.ts";
import type { Link, LinkRequest } from "./link.ts";
import { ValueStore, type Store } from "./store.ts";
import { openStreamLink } from "./stream-link.ts";
import { expiryOf } from "./token.ts";
import { openWebSocketLink } from "./web-socket-link.ts";

/** A token, or a function that fetches a fresh one. Without it the browser's session cookie counts. */
export type TokenSource = string | (() => string | Promise<string>);

export interface ConnectionOptions {
  /** `http(s)://host:port`; default: where the page came from. */
  readonly url?: string;
  readonly token?: TokenSource;
  /** Names this device or tab, so that the server keeps how far it has acknowledged. */
  readonly clientId?: string;
  readonly reconnection?: boolean;
  readonly reconnectionAttempts?: number;
  /** Milliseconds before the first attempt; doubled at each, up to 30 s. */
  readonly reconnectionDelay?: number;
  /** Which transports to use; default: WebSocket, and SSE where that cannot be opened. */
  readonly transport?: "auto" | "websocket" | "sse";
  /** What callbacks throw; default: reported like any uncaught error. */
  readonly onError?: (error: unknown) => void;
  readonly environment?: Partial<Environment>;
}

export type ConnectionState = "connecting" | "live" | "resuming" | "stale" | "closed";

export interface ConnectionStatus {
  /** `stale`: contact was lost; `resuming`: connected again, catching up; `closed` for good. */
  readonly state: ConnectionState;
  /** Milliseconds since the epoch from which on nothing is known; undefined while contact is good. */
  readonly staleSince: number | undefined;
  /** How far behind the server says this connection is. */
  readonly behindMs: number;
  /** Why it is closed. */
  readonly reason: string | undefined;
}

export interface ConnectionEvents {
  /** A connection was opened and greeted: say what is to be followed. */
  onWelcome(): void;
  onMessage(message: ServerMessage): void;
}

const MAX_DELAY_MS = 30_000;
const DEFAULT_HEARTBEAT_MS = 15_000;
/** Silence of so many heartbeats means that contact is lost. */
const SILENT_HEARTBEATS = 2.5;
/** Failures to open a WebSocket after which streams are tried. */
const WEBSOCKET_TRIES = 2;

export class Connection {
  readonly status: Store<ConnectionStatus>;
  readonly environment: Environment;
  readonly onError: (error: unknown) => void;
  readonly #status: ValueStore<ConnectionStatus>;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  #link: Link | undefined;
  #attempts = 0;
  #webSocketFailures = 0;
  #wasLive = false;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #reconnectAfterMs: number | undefined;
  #cancelRetry: (() => void) | undefined;
  #cancelSilence: (() => void) | undefined;
  #cancelRenewal: (() => void) | undefined;

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    this.environment = { ...browserEnvironment, ...options.environment };
    this.onError = options.onError ?? reportUncaught;
    this.#status = new ValueStore<ConnectionStatus>({ state: "connecting", staleSince: undefined, behindMs: 0, reason: undefined }, this.onError);
    this.status = this.#status;
    void this.#open();
  }

  send(message: ClientMessage): void {
    this.#link?.send(message);
  }

  /** Everything that is followed is up to date. */
  caughtUp(): void {
    if (this.#status.get().state === "closed") return;
    this.#wasLive = true;
    this.#status.set({ state: "live", staleSince: undefined, behindMs: 0, reason: undefined });
  }

  /** Ends it for good. */
  close(reason = "closed by the client"): void {
    this.#drop();
    this.#cancelRetry?.();
    const { staleSince } = this.#status.get();
    this.#status.set({ state: "closed", staleSince: staleSince ?? this.environment.now(), behindMs: 0, reason });
  }

  async #open(): Promise<void> {
    let token: string | undefined;
    try {
      const { token: source } = this.#options;
      token = typeof source === "function" ? await source() : source;
    } catch (error) {
      this.onError(error);
      this.#retry();
      return;
    }
    if (this.#status.get().state === "closed") return;
    const isStream = this.#options.transport === "sse" || (this.#options.transport !== "websocket" && this.#webSocketFailures >= WEBSOCKET_TRIES);
    const request: LinkRequest = {
      url: (this.#options.url ?? globalThis.location.origin).replace(/\/+$/, ""),
      token,
      clientId: this.#options.clientId,
      events: {
        onMessage: (message) => {
          this.#receive(message, token);
        },
        onClose: ({ opened, unauthorized }) => {
          if (!opened && !isStream) this.#webSocketFailures += 1;
          this.#drop();
          if (unauthorized && typeof this.#options.token !== "function") this.close("AUTH_FAILED");
          else this.#retry();
        },
      },
    };
    this.#hearSilence();
    this.#link = isStream ? openStreamLink(request, this.environment) : openWebSocketLink(request, this.environment);
  }

  #receive(message: ServerMessage, token: string | undefined): void {
    this.#hearSilence();
    switch (message.type) {
      case "welcome":
        this.#attempts = 0;
        this.#webSocketFailures = 0;
        this.#heartbeatMs = message.heartbeatMs;
        this.#renewLater(token);
        if (this.#wasLive) this.#status.set({ ...this.#status.get(), state: "resuming" });
        this.#events.onWelcome();
        return;
      case "lagging":
        this.#status.set({ ...this.#status.get(), behindMs: message.behindMs });
        return;
      case "caughtUp":
        this.#status.set({ ...this.#status.get(), behindMs: 0 });
        return;
      case "closing":
        this.#reconnectAfterMs = message.reconnectAfterMs;
        if (!message.reconnect) this.close(message.code);
        return;
      case "error":
        if (message.code === "AUTH_FAILED" || message.code === "UNAUTHORIZED") this.#refused(message.code);
        break;
      default:
    }
    this.#events.onMessage(message);
  }

  /** A token that is refused is fetched anew where it can be; else there is no sense in coming back with it. */
  #refused(code: string): void {
    if (typeof this.#options.token !== "function") this.close(code);
  }

  #drop(): void {
    this.#cancelSilence?.();
    this.#cancelRenewal?.();
    this.#link?.close();
    this.#link = undefined;
  }

  #retry(): void {
    const status = this.#status.get();
    if (status.state === "closed") return;
    const { reconnection = true, reconnectionAttempts = Infinity, reconnectionDelay = 1000 } = this.#options;
    if (!reconnection || this.#attempts >= reconnectionAttempts) {
      this.close("connection lost");
      return;
    }
    const state = this.#wasLive ? "stale" : "connecting";
    this.#status.set({ ...status, state, staleSince: status.staleSince ?? (this.#wasLive ? this.environment.now() : undefined) });
    const backOff = Math.min(MAX_DELAY_MS, reconnectionDelay * 2 ** this.#attempts) * (0.5 + this.environment.random() / 2);
    this.#attempts += 1;
    const wait = this.#reconnectAfterMs ?? backOff;
    this.#reconnectAfterMs = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = this.environment.after(wait, () => void this.#open());
  }

  /** Contact is lost when nothing comes for some heartbeats, whatever the operating system believes. */
  #hearSilence(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = this.environment.after(this.#heartbeatMs * SILENT_HEARTBEATS, () => {
      this.#drop();
      this.#retry();
    });
  }

  /** Brings a fresh token before the old one ends, so that delivery goes on without a cut. */
  #renewLater(token: string | undefined): void {
    const { token: source } = this.#options;
    const expiresAt = token === undefined ? undefined : expiryOf(token);
    if (typeof source !== "function" || expiresAt === undefined) return;
    const left = expiresAt - this.environment.now();
    const wait = Math.max(1000, Math.min(left * 0.8, left - 30_000));
    this.#cancelRenewal?.();
    // A timer's longest wait is 2^31 ms; who stays connected longer renews earlier.
    this.#cancelRenewal = this.environment.after(Math.min(wait, 2_000_000_000), () => void this.#renew(source));
  }

  async #renew(source: () => string | Promise<string>): Promise<void> {
    try {
      const token = await source();
      this.send({ type: "reauthenticate", token });
      this.#renewLater(token);
    } catch (error) {
      this.onError(error);
    }
  }
}
