/** What a connection can be in, what can happen to it, and what is then to be done: the words of the state machine. */
import type { ClosingMessage, ErrorMessage, WelcomeMessage } from "@broadtape/protocol/native";
import type { LinkEnd, Transport } from "./link.ts";

export type ConnectionState = "connecting" | "live" | "resuming" | "stale" | "closed";

export interface ConnectionStatus {
  /** `stale`: contact was lost; `resuming`: connected again and catching up; `closed`: for good. */
  readonly state: ConnectionState;
  /** Milliseconds since the epoch of the last sign of the server; undefined while all that is followed is up to date. */
  readonly staleSince: number | undefined;
  /** How far behind the server says this connection is. */
  readonly behindMs: number;
  /** Why it is closed: a code of the server, or a sentence. */
  readonly reason: string | undefined;
}

/** What a connection was told to do; never changes. */
export interface Rules {
  /** In order of preference. Invariant: not empty. */
  readonly transports: readonly [Transport, ...Transport[]];
  readonly reconnection: boolean;
  readonly reconnectionAttempts: number;
  readonly reconnectionDelay: number;
  /** The token is a function: a refused one can be fetched anew. */
  readonly canRefresh: boolean;
}

export interface Machine {
  readonly rules: Rules;
  /** `greeted`: between `welcome` and the end of the link. */
  readonly phase: "waiting" | "authorizing" | "opening" | "greeted" | "closed";
  readonly status: ConnectionStatus;
  /** In shared mode: how the worker's own connection is. */
  readonly upstream: ConnectionStatus | undefined;
  readonly transport: Transport;
  /** How often in a row the transport could not be opened. */
  readonly openFailures: number;
  /** A WebSocket was once greeted here: event streams are only for the meantime. */
  readonly isWebSocketProven: boolean;
  /** Attempts since the connection was last live for a while; the exponent of the back-off. */
  readonly attempts: number;
  readonly wasLive: boolean;
  /** Since when this link is live. */
  readonly liveSince: number | undefined;
  readonly heartbeatMs: number;
  readonly token: string | undefined;
  /** The server's clock less ours. */
  readonly skewMs: number;
  /** What the server asked to wait before the next attempt. */
  readonly reconnectAfterMs: number | undefined;
}

export type Timer = "retry" | "silence" | "renewal";

export type Input =
  | { readonly type: "start" | "retry" | "tokenFailed" | "renewal" | "renewalFailed" | "caughtUp" | "wake" }
  | { readonly type: "token" | "renewed"; readonly token: string | undefined }
  /** The silence timer rang (of a token, a link that opens, or an open one); `heardAt` is when the server was last heard. */
  | { readonly type: "silence"; readonly heardAt: number }
  | { readonly type: "message"; readonly message: WelcomeMessage | ClosingMessage | ErrorMessage }
  | { readonly type: "behind"; readonly behindMs: number }
  | { readonly type: "upstream"; readonly status: ConnectionStatus }
  | { readonly type: "lost"; readonly end: LinkEnd; readonly heardAt: number }
  | { readonly type: "close"; readonly reason: string };

export type Effect =
  /** Get a token: answered by `token` or `tokenFailed`. */
  | { readonly do: "authorize" }
  /** Get a fresh token for the open link: answered by `renewed` or `renewalFailed`. */
  | { readonly do: "renew" }
  | { readonly do: "open"; readonly transport: Transport; readonly token: string | undefined }
  | { readonly do: "reauthenticate"; readonly token: string }
  /** End the link; nothing of it counts any more. */
  | { readonly do: "drop" }
  /** Replaces the timer of that name. */
  | { readonly do: "wait"; readonly timer: Timer; readonly ms: number }
  | { readonly do: "cancel"; readonly timer: Timer };

/** Time and chance of one step. */
export interface Moment {
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
}

export interface Step {
  readonly machine: Machine;
  readonly effects: readonly Effect[];
}

export const INITIAL_STATUS: ConnectionStatus = { state: "connecting", staleSince: undefined, behindMs: 0, reason: undefined };

export function initialMachine(rules: Rules): Machine {
  return {
    rules,
    phase: "waiting",
    status: INITIAL_STATUS,
    upstream: undefined,
    transport: rules.transports[0],
    openFailures: 0,
    isWebSocketProven: false,
    attempts: 0,
    wasLive: false,
    liveSince: undefined,
    heartbeatMs: 15_000,
    token: undefined,
    skewMs: 0,
    reconnectAfterMs: undefined,
  };
}

/** What is shown: a tab whose worker has lost the server is not live, whatever its own link is. */
export function statusOf({ status, upstream }: Machine): ConnectionStatus {
  return status.state === "live" && upstream !== undefined ? upstream : status;
}
