/** One connection to NATS by which publishers ask, from the greeting to the loss. It is never mended: whoever holds it makes another one. */
import { connect, errors, type Msg, type NatsConnection, type Status, type Subscription } from "@nats-io/transport-node";
import type { NatsAnswer } from "./answers.ts";

export interface PublishingDial {
  /** As `connect` of the client library takes them. */
  readonly servers: { readonly servers: string[] };
  readonly subject: string;
  readonly take: (request: Msg, mostBytes: number) => void;
  readonly onFault: (error: unknown) => void;
}

/** All nodes together: a request goes to one of them. */
const QUEUE = "broadtape";
const CONNECT_MS = 3000;
/** Between two questions whether the server is there; it is taken for gone when the third is due. */
const PING_MS = 3000;
/** Answers that the server has not confirmed; one that has stopped reading costs no more memory. */
const UNCONFIRMED_BYTES = 64 * 1024 * 1024;

/** Resolves when the server has the subscription. */
export async function dialPublishing(dial: PublishingDial): Promise<PublishingConnection> {
  const nats = await connect({
    ...dial.servers,
    name: "broadtape publishing",
    // The library would go on taking answers while it is not connected, without a limit.
    reconnect: false,
    timeout: CONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    noAsyncTraces: true,
  });
  const connection = new PublishingConnection(nats, dial);
  try {
    const lost = await Promise.race([nats.flush(), connection.lost]);
    if (lost !== undefined) throw lost;
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

export class PublishingConnection {
  /** Resolves with the reason when it carries nothing any more, also after {@link close}. Never rejects. */
  readonly lost: Promise<Error>;
  readonly #nats: NatsConnection;
  readonly #subscription: Subscription;
  readonly #onFault: (error: unknown) => void;
  #unconfirmedBytes = 0;
  #isConfirming = false;

  constructor(nats: NatsConnection, { subject, take, onFault }: PublishingDial) {
    this.#nats = nats;
    this.#onFault = onFault;
    this.lost = lossOf(nats);
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
    this.#unconfirmedBytes += body.length;
    if (this.#unconfirmedBytes > UNCONFIRMED_BYTES) this.#nats.close().catch(this.#onFault);
    else if (this.#unconfirmedBytes > UNCONFIRMED_BYTES / 4) this.#confirm();
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

  #confirm(): void {
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    const bytes = this.#unconfirmedBytes;
    // Where the connection is lost, nobody asks any more.
    this.#nats.flush().then(
      () => {
        this.#isConfirming = false;
        this.#unconfirmedBytes -= bytes;
      },
      () => undefined,
    );
  }
}

async function lossOf(nats: NatsConnection): Promise<Error> {
  for await (const status of nats.status()) {
    const error = errorIn(status);
    if (error !== undefined) return error;
  }
  return (await nats.closed()) ?? new Error("NATS ended the connection");
}

function errorIn(status: Status): Error | undefined {
  if (status.type === "staleConnection") return new Error("NATS does not answer");
  if (status.type !== "error") return undefined;
  // An answer that NATS does not let through is the loss of whoever named its subject, and not of all the others.
  const isAnswer = status.error instanceof errors.PermissionViolationError && status.error.operation === "publish";
  return isAnswer ? undefined : status.error;
}
