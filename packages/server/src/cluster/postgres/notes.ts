/** What this node tells all others: one transaction at a time, with all that waits. */
import type { PoolClient } from "pg";
import { textArray } from "../../postgres/arrays.ts";
import { type ClusterNode, ClusterUnavailable } from "../cluster.ts";
import type { ClusterMeter } from "../meter.ts";
import type { Database } from "./database.ts";

/** Notes that wait at the same time; who tells beyond that is refused. */
const MAX_WAITING = 10_000;
/** Of one transaction. */
const GROUP_SIZE = 500;

interface Note {
  readonly kind: string;
  readonly body: string;
  readonly resolve: () => void;
  readonly reject: (error: ClusterUnavailable) => void;
}

/**
 * The row of the last number is held to the end of the transaction: whoever sees a note sees every one before it. One statement, so
 * that a node that stops in the middle holds nobody up.
 */
const WRITE = {
  name: "write-notes",
  text: `with head as (update note_head set number = number + cardinality($3::text[]) returning number)
    insert into notes
    select head.number - cardinality($3::text[]) + place, $1, $2, kind, body, clock_timestamp()
    from head, unnest($3::text[], $4::text[]) with ordinality as told (kind, body, place)`,
};

export class Notes {
  readonly #node: ClusterNode;
  readonly #database: Database;
  readonly #meter: ClusterMeter;
  readonly #onWritten: () => void;
  #waiting: Note[] = [];
  #writing: Promise<void> | undefined;
  #isClosed = false;

  /** @param onWritten there is something to hear for the others */
  constructor(node: ClusterNode, database: Database, meter: ClusterMeter, onWritten: () => void) {
    this.#node = node;
    this.#database = database;
    this.#meter = meter;
    this.#onWritten = onWritten;
  }

  tell(kind: string, body: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(new ClusterUnavailable("this node has left the cluster"));
    if (this.#database.isAway) return Promise.reject(new ClusterUnavailable("the cluster's database does not answer"));
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(new ClusterUnavailable("too much is being told to the other nodes"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ kind, body, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Writes what was told before. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // What is told in this turn goes into one transaction.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.slice(0, GROUP_SIZE);
      this.#waiting = this.#waiting.slice(GROUP_SIZE);
      try {
        await this.#database.write((client) => this.#write(client, group));
        this.#meter.told += group.length;
        for (const { resolve } of group) resolve();
        this.#onWritten();
      } catch (error) {
        const refusal = new ClusterUnavailable("the cluster's database does not answer", error);
        for (const { reject } of group) reject(refusal);
      }
    }
    this.#writing = undefined;
  }

  async #write(client: PoolClient, group: readonly Note[]): Promise<void> {
    const kinds = textArray(group.map(({ kind }) => kind));
    const bodies = textArray(group.map(({ body }) => body));
    await client.query({ ...WRITE, values: [this.#node.id, this.#node.name, kinds, bodies] });
  }
}
