/**
 * How a product meets its clients (contract 00-common "Words"): what a client may say, and how answers and messages read.
 * A surface knows no connection; transports know no product; both meet here.
 */
import type { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "./engine.ts";
import type { Surface } from "./message.ts";
import type { Session } from "./session.ts";

/** What a surface may ask of the engine. */
export type Desk = Pick<
  Engine,
  | "follow"
  | "unfollow"
  | "setRate"
  | "allow"
  | "snapshot"
  | "clock"
  | "views"
  | "epoch"
  | "cursorAt"
  | "routedTo"
  | "publicTenant"
  | "resumeAt"
  | "reconnectAfterMs"
>;

/** Commands that a client may send at once, and their refill. */
export interface CommandRate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A surface with messages both ways: a Socket.IO namespace. */
export interface SocketSurface extends Surface {
  /** The namespace. */
  readonly path: string;
  readonly idleMs: number;
  readonly commandRate: CommandRate;
  /** Greets an authenticated client. */
  open(session: Session, desk: Desk): void;
  /**
   * Carries out a command and returns what its acknowledgement holds; it reaches the client after everything that the session
   * was told before. Throws (or rejects with) a Refusal, and has changed nothing then.
   */
  receive(session: Session, desk: Desk, command: string, body: unknown): object | Promise<object>;
  /** The acknowledgement of a refused command. */
  answerRefused(refusal: Refusal): object;
}

/** A one-way stream of server-sent events. */
export interface StreamSurface extends Surface {
  readonly path: string;
  /** Reads the query; throws a BAD_REQUEST refusal. What it returns is followed. */
  plan(query: URLSearchParams, identity: Identity, desk: Desk): StreamPlan;
  /** Says what comes first. `after`: the client's last event id, if it has one. */
  open(session: Session, desk: Desk, plan: StreamPlan, after: string | undefined): void;
}

export interface StreamPlan {
  readonly topics: readonly string[];
  readonly maxUpdatesPerSecond?: number | undefined;
}

/** The body of an `error` message (contract 00-common "Errors on sockets"). */
export function errorBody(refusal: Refusal): string {
  return JSON.stringify({ code: refusal.code, message: refusal.message, ...refusal.details });
}
