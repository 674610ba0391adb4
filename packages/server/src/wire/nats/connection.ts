/** One connection to NATS, from the greeting to the loss. It is never mended: the line makes another one. */
import { connect, type NatsConnection, type Status } from "@nats-io/transport-node";
import type { Connection } from "../line.ts";
import type { NatsServers } from "./place.ts";
import type { NatsSizes } from "./sizes.ts";

export interface DialOptions {
  readonly servers: NatsServers;
  readonly subject: string;
  /** What the other nodes are told when this one is there again: they may have missed something of it. */
  readonly greeting: Uint8Array;
  readonly hear: (bytes: Uint8Array) => void;
  readonly sizes: NatsSizes;
}

/** Of one message; the server's own limit may be lower. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Resolves when the server has the subscription: whatever is announced from then on is heard. */
export async function dialNats(options: DialOptions): Promise<NatsLine> {
  const { servers, sizes } = options;
  const nats = await connect({
    ...servers,
    name: "broadtape",
    noEcho: true,
    // The library would go on taking messages while it is not connected, without a limit.
    reconnect: false,
    timeout: sizes.connectMs,
    pingInterval: sizes.pingMs,
    maxPingOut: 2,
    noAsyncTraces: true,
  });
  const line = new NatsLine(nats, options);
  try {
    const lost = await Promise.race([line.open(), line.lost]);
    if (lost !== undefined) throw lost;
    return line;
  } catch (error) {
    await line.close();
    throw error;
  }
}

export class NatsLine implements Connection {
  readonly lost: Promise<Error>;
  readonly #nats: NatsConnection;
  readonly #options: DialOptions;
  /** Sent, and not known to have arrived. */
  #unconfirmedBytes = 0;
  #isConfirming = false;
  /** Whether something could not be sent that the others have to be told of. */
  #owesWake = false;

  constructor(nats: NatsConnection, options: DialOptions) {
    this.#nats = nats;
    this.#options = options;
    this.lost = lossOf(nats);
  }

  async open(): Promise<undefined> {
    const { subject, greeting, hear } = this.#options;
    this.#nats.subscribe(subject, {
      callback: (error, message) => {
        // Of the subscription: the connection's status tells of it as well.
        if (error === null) hear(message.data);
      },
    });
    this.#nats.publish(subject, greeting);
    await this.#nats.flush();
  }

  get maxMessageBytes(): number {
    return Math.min(MAX_MESSAGE_BYTES, this.#nats.info?.max_payload ?? 0);
  }

  /** False where it cannot be sent: the others are then woken as soon as it is possible. */
  send(bytes: Uint8Array): boolean {
    const { unconfirmedBytes } = this.#options.sizes;
    if (this.#nats.isClosed() || this.#unconfirmedBytes + bytes.length > unconfirmedBytes) {
      this.#owesWake = true;
      return false;
    }
    this.#nats.publish(this.#options.subject, bytes);
    this.#unconfirmedBytes += bytes.length;
    // Not after each message: a question costs as much as a small one.
    if (this.#unconfirmedBytes > unconfirmedBytes / 4) this.#confirm();
    return true;
  }

  async close(): Promise<void> {
    await this.#nats.close();
  }

  #confirm(): void {
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    const bytes = this.#unconfirmedBytes;
    // Where the connection is lost, nobody asks any more.
    this.#nats.flush().then(
      () => {
        this.#isConfirming = false;
        this.#unconfirmedBytes -= bytes;
        if (!this.#owesWake) return;
        this.#owesWake = false;
        this.send(this.#options.greeting);
      },
      () => undefined,
    );
  }
}

/** Whatever the server complains of: it is said, and tried again on another connection. */
async function lossOf(nats: NatsConnection): Promise<Error> {
  for await (const status of nats.status()) {
    const error = errorIn(status);
    if (error !== undefined) return error;
  }
  return (await nats.closed()) ?? new Error("NATS ended the connection");
}

function errorIn(status: Status): Error | undefined {
  if (status.type === "error") return status.error;
  return status.type === "staleConnection" ? new Error("NATS does not answer") : undefined;
}
