/** A connection that one part of a node keeps for itself until it is lost. What is asked on it is asked one after the other. */
import type { Notification, PoolClient } from "pg";

export interface HeldClientOptions {
  /** What is not answered by then is lost with the connection. Default: as the pool has it. */
  readonly answerMs?: number | undefined;
}

export class HeldClient {
  /** Resolves with the reason when the connection is lost, or {@link close} is called. */
  readonly lost: Promise<Error>;
  readonly #client: PoolClient;
  readonly #answerMs: number | undefined;
  #lose: (error: Error) => void = () => undefined;
  #isLost = false;
  #isReleased = false;
  /** Settles when what was asked last is answered; never rejects. */
  #asked: Promise<unknown> = Promise.resolve();

  constructor(client: PoolClient, { answerMs }: HeldClientOptions = {}) {
    this.#client = client;
    this.#answerMs = answerMs;
    this.lost = new Promise((resolve) => {
      this.#lose = (error) => {
        this.#isLost = true;
        resolve(error);
      };
    });
    client.once("error", this.#lose);
    client.once("end", () => this.#lose(new Error("the database ended the connection")));
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  onNotification(hear: (notification: Notification) => void): void {
    this.#client.on("notification", hear);
  }

  /** Rejects where the connection is lost, with an answer that does not come at the latest: nobody knows what became of that. */
  ask<R extends object = Readonly<Record<string, unknown>>>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    const asked = this.#asked.then(() => this.#askNow<R>(text, values));
    this.#asked = asked.catch(() => undefined);
    return asked;
  }

  /** The connection ends with it. */
  close(): void {
    this.#lose(new Error("closed"));
    if (!this.#isReleased) this.#client.release(true);
    this.#isReleased = true;
  }

  async #askNow<R extends object>(text: string, values: readonly unknown[]): Promise<R[]> {
    if (this.#isLost) throw new Error("the connection to the database is lost");
    try {
      const answer = this.#client.query<R>(text, [...values]);
      return (await (this.#answerMs === undefined ? answer : within(answer, this.#answerMs))).rows;
    } catch (error) {
      this.#lose(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }
}

async function within<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the database does not answer")), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
