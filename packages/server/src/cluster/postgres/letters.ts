/** Questions and answers on their way to one node each: one transaction at a time, with all that waits. */
import { escapeLiteral } from "pg";
import type { PoolClient } from "pg";
import { textArray } from "../../postgres/arrays.ts";
import type { ClusterNode } from "../cluster.ts";
import type { Database } from "./database.ts";

/** Letters that wait at the same time, and their bodies' characters; beyond, they are lost. */
const MAX_WAITING = 10_000;
const MAX_WAITING_LENGTH = 64_000_000;
/** Of one transaction. */
const GROUP_LENGTH = 4_000_000;

export interface Letter {
  /** A node's id. */
  readonly recipient: string;
  /** What it asks, or answers. */
  readonly question: string;
  /** Undefined: it is an answer. */
  readonly kind: string | undefined;
  /** Undefined: the answer is that there is none. */
  readonly body: string | undefined;
  /** Nobody wants to read it later. */
  readonly endsInMs: number;
}

export class Letters {
  readonly #node: ClusterNode;
  readonly #database: Database;
  readonly #write: { readonly name: string; readonly text: string };
  #waiting: Letter[] = [];
  #waitingLength = 0;
  #writing: Promise<void> | undefined;

  constructor(node: ClusterNode, database: Database, channel: string) {
    this.#node = node;
    this.#database = database;
    this.#write = {
      name: "write-letters",
      text: `with written as (
          insert into letters (recipient, sender, sender_name, question, kind, body, ends_at)
          select recipient, $1, $2, question, kind, body, clock_timestamp() + ms * interval '1 millisecond'
          from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::float8[]) as letter (recipient, question, kind, body, ms)
          returning recipient
        )
        select pg_notify(${escapeLiteral(channel)}, recipient) from written group by recipient`,
    };
  }

  /** False where it is lost at once. */
  send(letter: Letter): boolean {
    const length = letter.body?.length ?? 0;
    if (this.#database.isAway || this.#waiting.length >= MAX_WAITING || this.#waitingLength + length > MAX_WAITING_LENGTH) return false;
    this.#waiting.push(letter);
    this.#waitingLength += length;
    this.#writing ??= this.#writeAll();
    return true;
  }

  /** Writes what was sent before. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // What is sent in this turn goes into one transaction.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#take();
      // What is not written is lost, and told of by the database; whoever asked goes by the time.
      await this.#database.ask((client) => this.#writeGroup(client, group)).catch(() => undefined);
    }
    this.#writing = undefined;
  }

  #take(): readonly Letter[] {
    let length = 0;
    let count = 0;
    for (const { body } of this.#waiting) {
      length += body?.length ?? 0;
      count += 1;
      if (length >= GROUP_LENGTH) break;
    }
    this.#waitingLength -= length;
    return this.#waiting.splice(0, count);
  }

  async #writeGroup(client: PoolClient, group: readonly Letter[]): Promise<void> {
    const column = (read: (letter: Letter) => string | null) => textArray(group.map(read));
    const values = [
      this.#node.id,
      this.#node.name,
      column(({ recipient }) => recipient),
      column(({ question }) => question),
      column(({ kind }) => kind ?? null),
      column(({ body }) => body ?? null),
      group.map(({ endsInMs }) => endsInMs),
    ];
    await client.query({ ...this.#write, values });
  }
}
