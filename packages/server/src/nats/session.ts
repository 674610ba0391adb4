/** What every connection to NATS has, from the greeting to the loss. It is never mended: whoever holds it makes another one. */
import { connect, type NatsConnection, type Status } from "@nats-io/transport-node";
import type { NatsServers } from "./place.ts";

export interface SessionOptions {
  readonly servers: NatsServers;
  readonly name: string;
  /** Does not hear what it says itself. */
  readonly noEcho?: boolean;
  readonly connectMs: number;
  /** Between two questions whether the server is there; it is taken for gone when the third is due. */
  readonly pingMs: number;
}

export function connectSession({ servers, name, noEcho = false, connectMs, pingMs }: SessionOptions): Promise<NatsConnection> {
  return connect({
    ...servers,
    name,
    noEcho,
    // The library would go on taking messages while it is not connected, without a limit.
    reconnect: false,
    timeout: connectMs,
    pingInterval: pingMs,
    maxPingOut: 2,
    noAsyncTraces: true,
  });
}

/** Resolves with the session when it is ready; where it is lost before, it is closed, and this rejects. */
export async function opened<S extends { readonly lost: Promise<Error>; close(): Promise<void> }>(
  session: S,
  ready: Promise<void>,
): Promise<S> {
  try {
    const lost = await Promise.race([ready, session.lost]);
    if (lost !== undefined) throw lost;
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Resolves with the reason when the connection is lost. `isLoss`: of what the server complains of; by default, all of it. */
export async function lossOf(nats: NatsConnection, isLoss: (error: Error) => boolean = () => true): Promise<Error> {
  for await (const status of nats.status()) {
    const error = errorIn(status);
    if (error !== undefined && isLoss(error)) return error;
  }
  return (await nats.closed()) ?? new Error("NATS ended the connection");
}

function errorIn(status: Status): Error | undefined {
  if (status.type === "error") return status.error;
  return status.type === "staleConnection" ? new Error("NATS does not answer") : undefined;
}

/** Counts what was sent and is not known to have arrived: a server that has stopped reading costs no more memory than the limit. */
export class Unconfirmed {
  readonly #nats: NatsConnection;
  readonly #limit: number;
  readonly #onConfirmed: () => void;
  #bytes = 0;
  #isConfirming = false;

  constructor(nats: NatsConnection, limit: number, onConfirmed: () => void = () => undefined) {
    this.#nats = nats;
    this.#limit = limit;
    this.#onConfirmed = onConfirmed;
  }

  /** Whether so much more would be within the limit. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#limit;
  }

  sent(bytes: number): void {
    this.#bytes += bytes;
    // Not after each message: a question costs as much as a small one.
    if (this.#bytes > this.#limit / 4) this.#confirm();
  }

  #confirm(): void {
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    const bytes = this.#bytes;
    // Where the connection is lost, nobody asks any more.
    this.#nats.flush().then(
      () => {
        this.#isConfirming = false;
        this.#bytes -= bytes;
        this.#onConfirmed();
      },
      () => undefined,
    );
  }
}
