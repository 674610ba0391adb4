/** One attempt at a connection: messages out, messages in, and an end. */
import type { ClientMessage, ServerMessage } from "@broadtape/protocol/native";

export interface LinkEvents {
  onMessage(message: ServerMessage): void;
  /** Called once; `opened` tells whether any message had come. */
  onClose(why: { readonly opened: boolean; readonly unauthorized: boolean }): void;
}

export interface Link {
  send(message: ClientMessage): void;
  close(): void;
}

export interface LinkRequest {
  /** `http(s)://host:port`, without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
  readonly clientId: string | undefined;
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
