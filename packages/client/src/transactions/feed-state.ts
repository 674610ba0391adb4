/** What a screen shows of the feed: the newest transactions, and the balances as they stand. */
import { parseEventId } from "@broadtape/protocol/event-id";
import type { Decimal } from "@broadtape/protocol/money";
import type { FeedEventMessage } from "@broadtape/protocol/products/transactions/messages";
import { type Wallets, foldWallets } from "@broadtape/protocol/products/transactions/wallets";
import { DerivedStore } from "./derived-store.ts";

export type TransactionMessage = Extract<FeedEventMessage, { type: "transaction" }>;

/** One currency's balance. Amounts have the digits that the server sent: as number, `ExactNumber` or text. */
export interface FeedBalance {
  readonly currency: string;
  readonly availableBalance: Decimal;
  readonly ledgerBalance: Decimal;
  readonly pendingAmount: Decimal;
  readonly lockedAmount: Decimal;
  /** When it was told. */
  readonly timestamp: string;
  /** The wallet's, where a `wallet` event has said it. */
  readonly status?: string;
}

export class FeedState {
  /** Each transaction once, as last told, newest first. */
  readonly transactions: DerivedStore<readonly TransactionMessage[]>;
  /** Each currency once, in the order in which they came first. */
  readonly balances: DerivedStore<readonly FeedBalance[]>;
  readonly #keep: number;
  /** By transaction id. Invariant: the newest word of each; the newest `#keep` are among them, and at most as many more. */
  #byId = new Map<string, TransactionMessage>();
  #wallets: Wallets | undefined;

  /** @param keep how many transactions are kept */
  constructor(keep: number, onError: (error: unknown) => void) {
    this.#keep = keep;
    this.transactions = new DerivedStore(() => newest(this.#byId.values(), this.#keep), onError);
    this.balances = new DerivedStore(() => balancesOf(this.#wallets), onError);
  }

  /** Events in any order, each as often as it comes: the newest event of a transaction or a wallet counts. */
  take(message: FeedEventMessage): void {
    switch (message.type) {
      case "transaction":
        this.#takeTransaction(message);
        return;
      case "balance":
      case "wallet": {
        const type = message.type === "balance" ? "wallet.balance" : "wallet.changed";
        const offset = parseEventId(message.eventId)?.offset ?? 0;
        const wallets = foldWallets(this.#wallets, { type, data: { wallet: message.wallet }, offset, time: message.timestamp });
        if (wallets === this.#wallets) return;
        this.#wallets = wallets;
        this.balances.changed();
        return;
      }
      case "fraud":
    }
  }

  clear(): void {
    this.#byId.clear();
    this.#wallets = undefined;
    this.transactions.changed();
    this.balances.changed();
  }

  #takeTransaction(message: TransactionMessage): void {
    const { id } = message.transaction;
    const before = this.#byId.get(id);
    if (before !== undefined && before.eventId >= message.eventId) return;
    this.#byId.set(id, message);
    if (this.#byId.size > 2 * this.#keep) {
      this.#byId = new Map(newest(this.#byId.values(), this.#keep).map((each) => [each.transaction.id, each]));
    }
    this.transactions.changed();
  }
}

/** Text order of ids is log order. */
function newest(messages: Iterable<TransactionMessage>, count: number): readonly TransactionMessage[] {
  return [...messages].sort((one, other) => (one.eventId < other.eventId ? 1 : -1)).slice(0, count);
}

function balancesOf(wallets: Wallets | undefined): readonly FeedBalance[] {
  return (wallets?.wallets ?? []).flatMap(({ currency, balance, standing }) => {
    if (balance === undefined) return [];
    const { availableBalance, ledgerBalance, pendingAmount, lockedAmount, time: timestamp } = balance;
    const amounts = { availableBalance, ledgerBalance, pendingAmount, lockedAmount };
    return [{ currency, ...amounts, timestamp, ...(standing !== undefined && { status: standing.status }) }];
  });
}
