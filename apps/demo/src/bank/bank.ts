/** The bank: takes the recorded transactions one a turn, and says what becomes of them and of the wallets. Plain state; it knows no clock and no server. */
import Big from "big.js";
import { type Random, wholeOf } from "../desk/random.ts";
import type { BankEvent } from "./events.ts";
import { CLEARED, VERDICT, alertOf } from "./fraud.ts";
import type { BankRecord, Label } from "./records.ts";
import { type Transaction, deposit, isOutgoing, transactionOf } from "./transaction.ts";
import { type Wallet, availableOf, balanceOf, emptyWallet, move } from "./wallet.ts";

export interface BankOptions {
  /** The wallets as they stand: of what an earlier start left open nothing comes any more. */
  readonly wallets: readonly Wallet[];
  /** An id that no transaction of any start has. */
  readonly newId: () => string;
  readonly random: Random;
}

/** A transaction that is not at its end. */
interface Open {
  readonly userId: string;
  readonly transaction: Transaction;
  readonly amount: Big;
  readonly label: Label | undefined;
  readonly isReviewed: boolean;
  /** In which turn it goes on. */
  readonly due: number;
}

const PENDING_TURNS = { least: 1, most: 3 };
const REVIEW_TURNS = { least: 3, most: 6 };
const FROZEN_TURNS = 10;

export class Bank {
  readonly #options: BankOptions;
  /** By {@link keyOf}. Invariant: `pending` and `locked` of each are the sums of its outgoing transactions in `#open`. */
  readonly #wallets: Map<string, Wallet>;
  /** In the order in which they began. */
  #open: readonly Open[] = [];
  /** The frozen wallets' keys, and in which turn each is frozen no longer. */
  readonly #thaws = new Map<string, number>();
  #turn = 0;

  constructor(options: BankOptions) {
    this.#options = options;
    this.#wallets = new Map(options.wallets.map((wallet) => [keyOf(wallet.userId, wallet.currency), wallet]));
  }

  /** Before the first turn: what an earlier start held back or froze is free again. */
  begin(): BankEvent[] {
    return [...this.#wallets.values()].flatMap((wallet) => {
      const { pending, locked } = wallet;
      const isHeld = pending.gt(0) || locked.gt(0);
      const released = isHeld ? this.#change(wallet, { pending: pending.neg(), locked: locked.neg() }) : [];
      return [...released, ...(wallet.isFrozen ? this.#thaw(keyOf(wallet.userId, wallet.currency)) : [])];
    });
  }

  /** One record begins, those whose time has come go on. The events belong together: one of them alone would not add up. */
  turn(record: BankRecord, now: number): BankEvent[] {
    this.#turn++;
    return [...this.#goOn((due) => due <= this.#turn), ...this.#start(record, now)];
  }

  /** Everything comes to its end, now. */
  end(): BankEvent[] {
    const events: BankEvent[] = [];
    while (this.#open.length + this.#thaws.size > 0) events.push(...this.#goOn(() => true));
    return events;
  }

  #goOn(isDue: (turn: number) => boolean): BankEvent[] {
    const thawed = [...this.#thaws].filter(([, turn]) => isDue(turn)).flatMap(([key]) => this.#thaw(key));
    const due = this.#open.filter((open) => isDue(open.due));
    this.#open = this.#open.filter((open) => !due.includes(open));
    return [...thawed, ...due.flatMap((open) => this.#continue(open))];
  }

  #start(record: BankRecord, now: number): BankEvent[] {
    const { userId, currency, label } = record;
    const created = this.#wallets.has(keyOf(userId, currency)) ? [] : this.#create(userId, currency);
    const wallet = this.#walletOf(userId, currency);
    const transaction = transactionOf(record, { id: this.#options.newId(), now });
    const began: BankEvent = { type: "transaction.created", data: { userId, transaction } };
    if (wallet.isFrozen) return [began, failed(userId, transaction, "the wallet is frozen")];
    const amount = Big(record.amount);
    const isOut = isOutgoing(transaction);
    const funded = isOut ? this.#fund(wallet, amount, now) : [];
    this.#open = [...this.#open, { userId, transaction, amount, label, isReviewed: false, due: this.#in(PENDING_TURNS) }];
    const held = isOut ? this.#change(this.#walletOf(userId, currency), { pending: amount }) : [];
    return [...created, ...funded, began, ...held];
  }

  #continue(open: Open): BankEvent[] {
    const { userId, transaction, label, isReviewed } = open;
    if (isReviewed) return [alertOf(userId, transaction, CLEARED), ...this.#book(open)];
    if (label === undefined) return this.#book(open);
    const alert = alertOf(userId, transaction, VERDICT[label]);
    return [alert, ...(label === "laundering" ? this.#block(open) : this.#review(open))];
  }

  #book({ userId, transaction, amount, isReviewed }: Open): BankEvent[] {
    const wallet = this.#walletOf(userId, transaction.currency);
    const by = !isOutgoing(transaction) ? { ledger: amount } : { ledger: amount.neg(), [isReviewed ? "locked" : "pending"]: amount.neg() };
    return [completed(userId, transaction), ...this.#change(wallet, by)];
  }

  /** No money moves; the wallet rests for a while, as what else comes out of it may be of the same kind. */
  #block({ userId, transaction, amount }: Open): BankEvent[] {
    const { currency } = transaction;
    const wallet = this.#walletOf(userId, currency);
    const released = isOutgoing(transaction) ? this.#change(wallet, { pending: amount.neg() }) : [];
    const ended = [failed(userId, transaction, "blocked by the fraud check"), ...released];
    if (wallet.isFrozen) return ended;
    this.#keep({ ...this.#walletOf(userId, currency), isFrozen: true });
    this.#thaws.set(keyOf(userId, currency), this.#turn + FROZEN_TURNS);
    return [...ended, { type: "wallet.changed", data: { userId, wallet: { currency, action: "FROZEN", status: "FROZEN" } } }];
  }

  #review(open: Open): BankEvent[] {
    const { userId, amount } = open;
    const transaction = { ...open.transaction, status: "UNDER_REVIEW" };
    this.#open = [...this.#open, { ...open, transaction, isReviewed: true, due: this.#in(REVIEW_TURNS) }];
    const wallet = this.#walletOf(userId, transaction.currency);
    const locked = isOutgoing(transaction) ? this.#change(wallet, { pending: amount.neg(), locked: amount }) : [];
    return [{ type: "transaction.updated", data: { userId, transaction } }, ...locked];
  }

  /** What goes out is paid for: the recordings do not tell what the accounts held. */
  #fund(wallet: Wallet, amount: Big, now: number): BankEvent[] {
    const missing = amount.minus(availableOf(wallet));
    if (missing.lte(0)) return [];
    const { userId, currency } = wallet;
    const { transaction, amount: paidIn } = deposit({ currency, missing, id: this.#options.newId(), now });
    const began: BankEvent = { type: "transaction.created", data: { userId, transaction } };
    return [began, completed(userId, transaction), ...this.#change(wallet, { ledger: paidIn })];
  }

  #create(userId: string, currency: string): BankEvent[] {
    this.#keep(emptyWallet(userId, currency));
    return [{ type: "wallet.changed", data: { userId, wallet: { currency, action: "CREATED", status: "ACTIVE" } } }];
  }

  #thaw(key: string): BankEvent[] {
    this.#thaws.delete(key);
    const wallet = this.#wallets.get(key);
    if (wallet === undefined) throw new Error(`no wallet ${key}`);
    this.#keep({ ...wallet, isFrozen: false });
    const { userId, currency } = wallet;
    return [{ type: "wallet.changed", data: { userId, wallet: { currency, action: "UNFROZEN", status: "ACTIVE" } } }];
  }

  #change(wallet: Wallet, by: Parameters<typeof move>[1]): BankEvent[] {
    const changed = move(wallet, by);
    this.#keep(changed);
    return [{ type: "wallet.balance", data: balanceOf(changed) }];
  }

  #keep(wallet: Wallet): void {
    this.#wallets.set(keyOf(wallet.userId, wallet.currency), wallet);
  }

  #walletOf(userId: string, currency: string): Wallet {
    const wallet = this.#wallets.get(keyOf(userId, currency));
    if (wallet === undefined) throw new Error(`${userId} has no wallet in ${currency}`);
    return wallet;
  }

  #in(turns: typeof PENDING_TURNS): number {
    return this.#turn + wholeOf(turns, this.#options.random);
  }
}

function keyOf(userId: string, currency: string): string {
  return `${userId} ${currency}`;
}

function completed(userId: string, transaction: Transaction): BankEvent {
  return { type: "transaction.completed", data: { userId, transaction: { ...transaction, status: "SUCCESS" } } };
}

/** Told as an update: what is completed has moved money. */
function failed(userId: string, transaction: Transaction, reason: string): BankEvent {
  const meta = { ...transaction.meta, reason };
  return { type: "transaction.updated", data: { userId, transaction: { ...transaction, status: "FAILED", meta } } };
}
