/** The wire's connection to NATS: what is announced, and what is heard. The line makes another one when it is lost. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { NatsServers } from "../../nats/place.ts";
import { connectSession, lossOf, opened, Unconfirmed } from "../../nats/session.ts";
import type { Connection } from "../line.ts";
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
  const { connectMs, pingMs } = sizes;
  const line = new NatsLine(await connectSession({ servers, name: "broadtape", noEcho: true, connectMs, pingMs }), options);
  return opened(line, line.open());
}

export class NatsLine implements Connection {
  readonly lost: Promise<Error>;
  readonly #nats: NatsConnection;
  readonly #options: DialOptions;
  readonly #unconfirmed: Unconfirmed;
  /** Whether something could not be sent that the others have to be told of. */
  #owesWake = false;

  constructor(nats: NatsConnection, options: DialOptions) {
    this.#nats = nats;
    this.#options = options;
    this.lost = lossOf(nats);
    this.#unconfirmed = new Unconfirmed(nats, options.sizes.unconfirmedBytes, () => {
      if (!this.#owesWake) return;
      this.#owesWake = false;
      this.send(options.greeting);
    });
  }

  async open(): Promise<void> {
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
    if (this.#nats.isClosed() || !this.#unconfirmed.hasRoom(bytes.length)) {
      this.#owesWake = true;
      return false;
    }
    this.#nats.publish(this.#options.subject, bytes);
    this.#unconfirmed.sent(bytes.length);
    return true;
  }

  async close(): Promise<void> {
    await this.#nats.close();
  }
}
