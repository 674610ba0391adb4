/** Transactions are acknowledged when they were seen: told of and not yet looked at, they come again after a reload. */
import type { TransactionMessage } from "@broadtape/client/transactions";
import { Value } from "./value.ts";

interface Waiting {
  readonly transactionId: string;
  readonly acknowledge: () => void;
}

export class Unseen {
  /** Ids of the transactions that wait. */
  readonly ids = new Value<ReadonlySet<string>>(new Set());
  readonly #limit: number;
  /** By event id, oldest first. Invariant: no more than `#limit`, which is less than the server's window: the feed never stands still. */
  readonly #waiting = new Map<string, Waiting>();

  /** @param limit how many events wait; the oldest of more is off the screen and counts as seen */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** For the client to call: resolves when the transaction was seen. */
  readonly take = ({ eventId, transaction }: TransactionMessage): Promise<void> =>
    new Promise((acknowledge) => {
      this.#waiting.set(eventId, { transactionId: transaction.id, acknowledge });
      const [oldest] = this.#waiting.keys();
      if (this.#waiting.size > this.#limit && oldest !== undefined) this.#end([oldest]);
      this.#tell();
    });

  /** Everything that was told of this transaction: its row shows the last of it. */
  readonly see = (transactionId: string): void => {
    const eventIds = [...this.#waiting].flatMap(([eventId, waiting]) => (waiting.transactionId === transactionId ? eventId : []));
    if (eventIds.length === 0) return;
    this.#end(eventIds);
    this.#tell();
  };

  #end(eventIds: readonly string[]): void {
    for (const eventId of eventIds) {
      this.#waiting.get(eventId)?.acknowledge();
      this.#waiting.delete(eventId);
    }
  }

  #tell(): void {
    this.ids.set(new Set([...this.#waiting.values()].map(({ transactionId }) => transactionId)));
  }
}
