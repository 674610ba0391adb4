/**
 * The one state machine of all clients (contract 60-native "SDK") as a pure function: what happened, the clock and a
 * chance in, the next state and what is to be done out. It opens nothing and waits for nothing itself.
 */
import type { ClosingMessage, ErrorMessage, WelcomeMessage } from "@broadtape/protocol/native";
import type { ConnectionStatus, Effect, Input, Machine, Moment, Step } from "./connection-state.ts";
import type { LinkEnd, Transport } from "./link.ts";
import { expiryOf } from "./token.ts";

const MAX_DELAY_MS = 30_000;
/** Silence of so many heartbeats means that contact is lost. */
const SILENT_HEARTBEATS = 2.5;
/** A link that has not brought its first message by then has failed. */
const OPEN_MS: Readonly<Record<Transport, number>> = { shared: 5000, websocket: 15_000, sse: 15_000 };
/** Failures to open, one after the other, before the next transport is tried. */
const OPEN_TRIES: Readonly<Record<Transport, number>> = { shared: 1, websocket: 2, sse: 1 };
/** A connection that was live for so long begins its back-off anew. */
const STABLE_MS = 5000;
const RENEWAL_RETRY_MS = 5000;
/** A token that has not come by then does not come. */
const TOKEN_MS = 30_000;
/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2_147_483_647;

export function step(machine: Machine, input: Input, moment: Moment): Step {
  if (machine.phase === "closed") return { machine, effects: [] };
  switch (input.type) {
    case "start":
    case "retry":
    case "wake":
      return machine.phase === "waiting" ? authorize(machine) : same(machine);
    case "token":
      return machine.phase === "authorizing" ? open(machine, input.token) : same(machine);
    case "tokenFailed":
      return machine.phase === "authorizing" ? retry(machine, moment, undefined) : same(machine);
    case "message":
      return receive(machine, input.message, moment);
    case "caughtUp":
      return machine.phase === "greeted" && machine.status.state !== "live" ? live(machine, moment) : same(machine);
    case "behind":
      if (input.behindMs === machine.status.behindMs) return same(machine);
      return same({ ...machine, status: { ...machine.status, behindMs: input.behindMs } });
    case "upstream":
      return same({ ...machine, upstream: input.status });
    case "silence":
      return silence(machine, input.heardAt, moment);
    case "lost":
      return lost(machine, input.end, input.heardAt, moment);
    case "renewal":
      return { machine, effects: machine.phase === "greeted" ? [{ do: "renew" }] : [] };
    case "renewed":
      return renewed(machine, input.token, moment);
    case "renewalFailed":
      return { machine, effects: machine.phase === "greeted" ? [{ do: "wait", timer: "renewal", ms: RENEWAL_RETRY_MS }] : [] };
    case "close":
      return close(machine, input.reason, moment.now);
  }
}

function same(machine: Machine): Step {
  return { machine, effects: [] };
}

function authorize(machine: Machine): Step {
  return {
    machine: { ...machine, phase: "authorizing" },
    effects: [{ do: "cancel", timer: "retry" }, { do: "wait", timer: "silence", ms: TOKEN_MS }, { do: "authorize" }],
  };
}

function open(machine: Machine, token: string | undefined): Step {
  const { transport } = machine;
  return {
    machine: { ...machine, phase: "opening", token, upstream: undefined },
    effects: [
      { do: "wait", timer: "silence", ms: OPEN_MS[transport] },
      { do: "open", transport, token },
    ],
  };
}

function receive(machine: Machine, message: WelcomeMessage | ClosingMessage | ErrorMessage, moment: Moment): Step {
  if (!isLinked(machine)) return same(machine);
  switch (message.type) {
    case "welcome":
      return machine.phase === "opening" ? welcome(machine, message, moment) : same(machine);
    case "closing": {
      if (!message.reconnect && !(isOfToken(message.code) && machine.rules.canRefresh)) return close(machine, message.code, moment.now);
      const asked = { ...machine, reconnectAfterMs: message.reconnectAfterMs ?? machine.reconnectAfterMs };
      // A worker that takes no more tabs is none to this one.
      const opened = machine.phase === "greeted" || machine.transport !== "shared";
      return lost(asked, { opened, code: message.code }, moment.now, moment);
    }
    case "error": {
      if (message.id !== undefined) return same(machine);
      if (isOfToken(message.code)) return lost(machine, { opened: true, code: message.code }, moment.now, moment);
      return same({ ...machine, reconnectAfterMs: message.reconnectAfterMs ?? machine.reconnectAfterMs });
    }
  }
}

function welcome(machine: Machine, message: WelcomeMessage, moment: Moment): Step {
  const greeted: Machine = {
    ...machine,
    phase: "greeted",
    status: machine.wasLive ? { ...machine.status, state: "resuming" } : machine.status,
    openFailures: 0,
    isWebSocketProven: machine.isWebSocketProven || machine.transport === "websocket",
    heartbeatMs: message.heartbeatMs,
    skewMs: message.serverTime - moment.now,
    reconnectAfterMs: undefined,
  };
  const silence: Effect = { do: "wait", timer: "silence", ms: message.heartbeatMs * SILENT_HEARTBEATS };
  return { machine: greeted, effects: [silence, ...renewalOf(greeted, moment)] };
}

function live(machine: Machine, { now }: Moment): Step {
  const status: ConnectionStatus = { ...machine.status, state: "live", staleSince: undefined };
  return same({ ...machine, status, wasLive: true, liveSince: now });
}

/** Contact is lost when nothing comes for some heartbeats, whatever the operating system believes. */
function silence(machine: Machine, heardAt: number, moment: Moment): Step {
  if (machine.phase === "authorizing") return retry(machine, moment, undefined);
  if (machine.phase === "opening") return lost(machine, { opened: false }, heardAt, moment);
  if (machine.phase !== "greeted") return same(machine);
  const left = heardAt + machine.heartbeatMs * SILENT_HEARTBEATS - moment.now;
  if (left > 0) return { machine, effects: [{ do: "wait", timer: "silence", ms: left }] };
  return lost(machine, { opened: true }, heardAt, moment);
}

function lost(machine: Machine, { opened, code, retryAfterMs }: LinkEnd, heardAt: number, moment: Moment): Step {
  if (!isLinked(machine)) return same(machine);
  if (code !== undefined && isOfToken(code) && !machine.rules.canRefresh) return close(machine, code, moment.now);
  const ended = { ...(opened ? returned(machine) : failed(machine)), reconnectAfterMs: retryAfterMs ?? machine.reconnectAfterMs };
  return retry(ended, moment, heardAt, code);
}

/** After a transport that could not be opened: the same again, or the next one when it has had its tries. */
function failed(machine: Machine): Machine {
  const { transport, rules } = machine;
  const openFailures = machine.openFailures + 1;
  if (openFailures < OPEN_TRIES[transport]) return { ...machine, openFailures };
  const next = rules.transports[rules.transports.indexOf(transport) + 1] ?? rules.transports.find((each) => each !== "shared") ?? transport;
  return { ...machine, transport: next, openFailures: 0 };
}

/** After a link that was open: back to WebSocket where that has worked before. */
function returned(machine: Machine): Machine {
  return machine.transport === "sse" && machine.isWebSocketProven ? { ...machine, transport: "websocket" } : machine;
}

function retry(machine: Machine, moment: Moment, heardAt: number | undefined, code?: string): Step {
  const { rules, liveSince, status, wasLive } = machine;
  const attempts = liveSince !== undefined && moment.now - liveSince >= STABLE_MS ? 0 : machine.attempts;
  if (!rules.reconnection || attempts >= rules.reconnectionAttempts) return close(machine, code ?? "connection lost", moment.now);
  const backOff = Math.min(MAX_DELAY_MS, rules.reconnectionDelay * 2 ** attempts) * (0.5 + moment.random / 2);
  // A fresh token is worth an attempt at once, and so is the next transport when there is no worker to share.
  const isFree =
    (attempts === 0 && code !== undefined && isOfToken(code)) || (rules.transports[0] === "shared" && attempts === 0 && !wasLive);
  const waiting: Machine = {
    ...machine,
    phase: "waiting",
    attempts: attempts + 1,
    liveSince: undefined,
    reconnectAfterMs: undefined,
    status: {
      state: wasLive ? "stale" : "connecting",
      staleSince: status.staleSince ?? (wasLive ? (heardAt ?? moment.now) : undefined),
      behindMs: 0,
      reason: undefined,
    },
  };
  const ms = machine.reconnectAfterMs ?? (isFree ? 0 : backOff);
  return { machine: waiting, effects: [...LET_GO, { do: "wait", timer: "retry", ms }] };
}

function close(machine: Machine, reason: string, now: number): Step {
  const staleSince = machine.status.staleSince ?? now;
  const closed: Machine = {
    ...machine,
    phase: "closed",
    status: { state: "closed", staleSince, behindMs: 0, reason },
    upstream: undefined,
  };
  return { machine: closed, effects: [...LET_GO, { do: "cancel", timer: "retry" }] };
}

const LET_GO: readonly Effect[] = [{ do: "cancel", timer: "silence" }, { do: "cancel", timer: "renewal" }, { do: "drop" }];

function renewed(machine: Machine, token: string | undefined, moment: Moment): Step {
  if (machine.phase !== "greeted" || token === undefined) return same(machine);
  const next = { ...machine, token };
  return { machine: next, effects: [{ do: "reauthenticate", token }, ...renewalOf(next, moment)] };
}

/**
 * When to bring a fresh token, so that delivery goes on without a cut: at 80 % of what is left of this one, at least 30 s
 * ahead where there is time for that, by the server's clock. In shared mode the worker asks.
 */
function renewalOf({ token, skewMs, transport, rules }: Machine, { now }: Moment): Effect[] {
  const expiresAt = token === undefined || transport === "shared" || !rules.canRefresh ? undefined : expiryOf(token);
  if (expiresAt === undefined) return [];
  const left = expiresAt - skewMs - now;
  const ms = Math.min(left * 0.8, Math.max(left - 30_000, left / 2), MAX_TIMER_MS);
  return [{ do: "wait", timer: "renewal", ms: Math.max(1000, ms) }];
}

function isLinked({ phase }: Machine): boolean {
  return phase === "opening" || phase === "greeted";
}

/** Refusals that a fresh token may lift. */
function isOfToken(code: string): boolean {
  return code === "AUTH_FAILED" || code === "TOKEN_EXPIRED" || code === "UNAUTHORIZED";
}
