/** One connection that listens and notifies, from LISTEN to the loss. */
import { escapeIdentifier, type Pool, type PoolClient } from "pg";
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
  readonly lost: Promise<Error>;
  readonly #client: PoolClient;
  readonly #options: ListenOptions;
  /** Statements one after the other; never rejects. */
  #asked: Promise<unknown> = Promise.resolve();
  #lose: (error: Error) => void = () => undefined;
  #isReleased = false;
  #beat: NodeJS.Timeout | undefined;

  constructor(client: PoolClient, options: ListenOptions) {
    this.#client = client;
    this.#options = options;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
    client.once("error", this.#lose);
    client.once("end", () => this.#lose(new Error("the database ended the connection")));
  }

  async open(): Promise<void> {
    const { channel, times, hear, hearOwn } = this.#options;
    const [session] = await this.#ask("select pg_backend_pid() as pid");
    this.#client.on("notification", ({ processId }) => {
      if (processId === session?.["pid"]) hearOwn();
      else hear();
    });
    await this.#ask(`listen ${escapeIdentifier(channel)}`);
    await this.notify();
    this.#beat = setInterval(() => void this.#ask("select 1").catch(this.#lose), times.beatMs).unref();
  }

  /** In a transaction of its own. Rejects, and the connection is lost, where the database does not answer. */
  async notify(): Promise<void> {
    await this.#ask(`notify ${escapeIdentifier(this.#options.channel)}`);
  }

  close(): Promise<void> {
    clearInterval(this.#beat);
    this.#lose(new Error("closed"));
    if (!this.#isReleased) this.#client.release(true);
    this.#isReleased = true;
    return Promise.resolve();
  }

  async #ask(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const answer = this.#asked.then(() => within(this.#client.query<Record<string, unknown>>(sql), this.#options.times.answerMs));
    this.#asked = answer.catch((error: unknown) => this.#lose(error instanceof Error ? error : new Error(String(error))));
    return (await answer).rows;
  }
}

async function within<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the database does not answer")), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
