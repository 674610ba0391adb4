/** The connection to NATS by which publishers ask. Whoever holds it makes another one when it is lost. */
import { errors, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import type { NatsServers } from "../../nats/place.ts";
import { connectSession, lossOf, opened, Unconfirmed } from "../../nats/session.ts";
import type { NatsAnswer } from "./answers.ts";

export interface PublishingDial {
  readonly servers: NatsServers;
  readonly subject: string;
  readonly take: (request: Msg, mostBytes: number) => void;
  readonly onFault: (error: unknown) => void;
}

/** All nodes together: a request goes to one of them. */
const QUEUE = "broadtape";
const CONNECT_MS = 3000;
const PING_MS = 3000;
/** Answers that the server has not confirmed. */
const UNCONFIRMED_BYTES = 64 * 1024 * 1024;

/** Resolves when the server has the subscription. */
export async function dialPublishing(dial: PublishingDial): Promise<PublishingConnection> {
  const { servers } = dial;
  const nats = await connectSession({ servers, name: "broadtape publishing", connectMs: CONNECT_MS, pingMs: PING_MS });
  const connection = new PublishingConnection(nats, dial);
  return opened(connection, connection.flush());
}

export class PublishingConnection {
  /** Resolves with the reason when it carries nothing any more, also after {@link close}. Never rejects. */
  readonly lost: Promise<Error>;
  readonly #nats: NatsConnection;
  readonly #subscription: Subscription;
  readonly #onFault: (error: unknown) => void;
  readonly #unconfirmed: Unconfirmed;

  constructor(nats: NatsConnection, { subject, take, onFault }: PublishingDial) {
    this.#nats = nats;
    this.#onFault = onFault;
    this.#unconfirmed = new Unconfirmed(nats, UNCONFIRMED_BYTES);
    this.lost = lossOf(nats, isLoss);
    this.#subscription = nats.subscribe(subject, {
      queue: QUEUE,
      callback: (error, request) => {
        // Of the subscription: the connection's status tells of it as well.
        if (error === null) take(request, nats.info?.max_payload ?? 0);
      },
    });
  }

  answer(reply: string, { body, headers }: NatsAnswer): void {
    if (this.#nats.isClosed()) return;
    try {
      this.#nats.publish(reply, body, { headers });
    } catch (error) {
      this.#onFault(error);
      return;
    }
    // What cannot be held back is lost with its connection: its publishers ask again.
    if (this.#unconfirmed.hasRoom(body.length)) this.#unconfirmed.sent(body.length);
    else this.#nats.close().catch(this.#onFault);
  }

  /** Takes no new requests; resolves when every one that NATS has sent was taken. Rejects where the connection is lost by then. */
  async drain(): Promise<void> {
    await this.#subscription.drain();
  }

  /** Resolves when NATS has every answer. Rejects where the connection is lost by then. */
  async flush(): Promise<void> {
    await this.#nats.flush();
  }

  async close(): Promise<void> {
    await this.#nats.close();
  }
}

/** An answer that NATS does not let through is the loss of whoever named its subject, and not of all the others. */
function isLoss(error: Error): boolean {
  return !(error instanceof errors.PermissionViolationError && error.operation === "publish");
}
