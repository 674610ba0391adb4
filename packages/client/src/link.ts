/** One attempt at a connection: messages out, messages in, and an end. */
import type { ClientMessage, ServerMessage } from "@broadtape/protocol/native";
import type { ConnectionStatus } from "./connection-state.ts";

/** `shared`: the connection of a worker that all tabs share. */
export type Transport = "shared" | "websocket" | "sse";

/** Said by a shared worker beside what the server says: how its own connection is. */
export interface StatusMessage {
  readonly type: "status";
  readonly status: ConnectionStatus;
}

export type LinkMessage = ServerMessage | StatusMessage;

export interface LinkEnd {
  /** Whether any message had come. */
  readonly opened: boolean;
  /** Why the server refused it, where that was told. */
  readonly code?: string;
  readonly retryAfterMs?: number;
}

export interface LinkEvents {
  onMessage(message: LinkMessage): void;
  /** Called once, and not after `close()`. */
  onClose(end: LinkEnd): void;
}

export interface Link {
  /** Does nothing where the link is not open: whoever needs an answer asks again on the next link. */
  send(message: ClientMessage): void;
  close(): void;
}

export interface LinkRequest {
  /** `http(s)://host:port`, without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
  /** Fetches a fresh token; undefined where there is none to fetch. */
  readonly freshToken: (() => Promise<string>) | undefined;
  readonly clientId: string | undefined;
  /** Script of the shared worker. */
  readonly workerUrl: string | URL | undefined;
  readonly events: LinkEvents;
}

/** Text of the server as a message; undefined for what is none. */
export function parseMessage(text: string): ServerMessage | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // The server speaks the protocol; what it may add later is ignored by type.
    return typeof value === "object" && value !== null && "type" in value ? (value as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}

/** The query of a link's address. */
export function queryOf(clientId: string | undefined): string {
  return clientId === undefined ? "" : `?clientId=${encodeURIComponent(clientId)}`;
}
