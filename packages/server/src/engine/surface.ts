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
  | "current"
  | "snapshot"
  | "clock"
  | "cluster"
  | "views"
  | "lookup"
  | "epoch"
  | "cursorAt"
  | "routedTo"
  | "publicTenant"
  | "resumeAt"
  | "sendBack"
  | "beforeRecent"
  | "reconnectAfterMs"
  | "subscribers"
  | "onFault"
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
  /** Greets an authenticated client. `parameters`: of the query and of `auth`. May be refused by throwing (or rejecting with) a Refusal. */
  open(session: Session, desk: Desk, parameters: URLSearchParams): void | Promise<void>;
  /**
   * Carries out a command and returns what its acknowledgement holds; it reaches the client after everything that the session
   * was told before. Throws (or rejects with) a Refusal, and has changed nothing then.
   */
  receive(session: Session, desk: Desk, command: string, body: unknown): object | Promise<object>;
  /** Commands whose answers, or what follows them, are of the views. */
  readonly looksAtViews: ReadonlySet<string>;
  /** A client is recovered by its wire: it goes on after `cursor` with what its connection was marked with. Without it, none is. */
  recover?(session: Session, desk: Desk, cursor: string, mark: string): void;
  /** The acknowledgement of a refused command. */
  answerRefused(refusal: Refusal): object;
}

/** A surface of its own words as JSON text frames over a plain WebSocket. */
export interface TextSurface extends Surface {
  readonly path: string;
  readonly idleMs: number;
  /** Offered by clients that know it. */
  readonly subprotocol?: string;
  /** The token in the first message, where the connection brought none; throws BAD_REQUEST or UNAUTHORIZED. Without it there is no upgrade. */
  tokenOf?(text: string): string;
  /** Throws a BAD_REQUEST refusal for a query that asks for what there is not; the upgrade is refused then. */
  checkParameters?(parameters: URLSearchParams): void;
  /** Greets an authenticated client; what comes before that is done waits. May be refused by rejecting with a Refusal. */
  open(session: Session, parameters: URLSearchParams): TextConversation;
}

/** What a client says on a {@link TextSurface}. */
export interface TextConversation {
  /** Takes one message. Whatever it is, the answer is a message; only a flood closes the connection. */
  receive(text: string): Promise<void>;
  closed?(): void;
}

/** A one-way stream of server-sent events; what its plan holds beside the topics is its own. */
export interface StreamSurface<P extends StreamPlan = StreamPlan> extends Surface {
  readonly path: string;
  /** Who says nothing of itself is let in too, as an anonymous user of the public tenant; pages of any origin may read it. */
  readonly isPublic?: true;
  /** Said with each event: how long a browser waits before it comes back. Without it, once at the beginning. */
  readonly retryMs?: number;
  /** For its readers: what it streams, its events, and what its query may hold. */
  readonly about?: {
    readonly summary: string;
    readonly events: readonly string[];
    readonly query: Readonly<Record<string, string>>;
    readonly places?: Readonly<Record<string, string>>;
  };
  /**
   * Reads the query, and what stands in the path's `:places`; throws a BAD_REQUEST or FORBIDDEN refusal. What it returns is
   * followed; undefined where there is nothing of that name for this client.
   */
  plan(query: URLSearchParams, identity: Identity, desk: Desk, places: Readonly<Record<string, string>>): P | undefined;
  /** What comes of the client's identity on this stream alone. */
  identityOf?(identity: Identity): Identity;
  /** Says what comes first. `after`: the client's last event id, if it has one. */
  open(session: Session, desk: Desk, plan: P, after: string | undefined): void | Promise<void>;
  /** The connection is gone. */
  closed?(session: Session, desk: Desk): void;
}

export interface StreamPlan {
  readonly topics: readonly string[];
  readonly maxUpdatesPerSecond?: number | undefined;
}

/** The body of an `error` message (contract 00-common "Errors on sockets"). */
export function errorBody(refusal: Refusal): string {
  return JSON.stringify({ code: refusal.code, message: refusal.message, ...refusal.details });
}
