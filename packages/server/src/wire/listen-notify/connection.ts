/** One connection that listens and notifies, from LISTEN to the loss. */
import { escapeIdentifier, type Pool, type PoolClient } from "pg";
import { HeldClient } from "../../postgres/held-client.ts";
import type { Connection } from "../line.ts";
import type { ListenTimes } from "./times.ts";

export interface ListenOptions {
  /** Of one connection. */
  readonly pool: Pool;
  readonly channel: string;
  /** Another session has notified. */
  readonly hear: () => void;
  /** A notification of this session came back. */
  readonly hearOwn: () => void;
  readonly times: ListenTimes;
}

/** Resolves when the session listens, and the others know that it does: they may have missed something of it. */
export async function dialListen(options: ListenOptions): Promise<ListenLine> {
  const client = await options.pool.connect();
  const line = new ListenLine(client, options);
  try {
    await line.open();
    return line;
  } catch (error) {
    await line.close();
    throw error;
  }
}

export class ListenLine implements Connection {
  readonly #held: HeldClient;
  readonly #options: ListenOptions;
  #beat: NodeJS.Timeout | undefined;

  constructor(client: PoolClient, options: ListenOptions) {
    this.#held = new HeldClient(client, { answerMs: options.times.answerMs });
    this.#options = options;
  }

  get lost(): Promise<Error> {
    return this.#held.lost;
  }

  async open(): Promise<void> {
    const { channel, times, hear, hearOwn } = this.#options;
    const [session] = await this.#held.ask("select pg_backend_pid() as pid");
    this.#held.onNotification(({ processId }) => {
      if (processId === session?.["pid"]) hearOwn();
      else hear();
    });
    await this.#held.ask(`listen ${escapeIdentifier(channel)}`);
    await this.notify();
    // Where it fails, the connection is lost.
    this.#beat = setInterval(() => void this.#held.ask("select 1").catch(() => undefined), times.beatMs).unref();
  }

  /** In a transaction of its own. Rejects, and the connection is lost, where the database does not answer. */
  async notify(): Promise<void> {
    await this.#held.ask(`notify ${escapeIdentifier(this.#options.channel)}`);
  }

  close(): Promise<void> {
    clearInterval(this.#beat);
    this.#held.close();
    return Promise.resolve();
  }
}
