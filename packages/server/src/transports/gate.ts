/** What transports ask of access: who is there. Kept as an interface, so that transports know no tokens and no cookies. */
import type { IncomingHttpHeaders } from "node:http";
import type { Identity } from "@broadtape/protocol/identity";

export interface Credentials {
  readonly authToken?: unknown;
  readonly headers: IncomingHttpHeaders;
  /** Only where browsers cannot set headers: WebSocket and Socket.IO handshakes and SSE. */
  readonly queryToken?: string | undefined;
}

export interface Gate {
  /** Rejects with UNAUTHORIZED where no credential stands, AUTH_FAILED where a bad one does. */
  authenticate(credentials: Credentials): Promise<Identity>;
  /** Verifies a token that was sent as a message; rejects with AUTH_FAILED. */
  verify(token: string): Promise<Identity>;
}

/** Structured log lines of connections. */
export interface ConnectionLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
