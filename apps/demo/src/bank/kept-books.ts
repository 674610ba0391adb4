/** For tests: books kept from the bank's events alone, each checked as the server would. */
import Big from "big.js";
import { catalogue } from "@broadtape/protocol/catalogue";
import { parseJson } from "@broadtape/protocol/json";
import type { BankEvent } from "./events.ts";
import { type Transaction, isOutgoing } from "./transaction.ts";

const TEXT_OF_CENTS = /^-?\d+\.\d\d$/;

/** One wallet's: what was booked and what is open, by the transactions; and its newest balance, as it was told. */
interface Account {
  booked: Big;
  readonly open: Map<string, { readonly amount: Big; readonly status: string }>;
  told?: Extract<BankEvent, { type: "wallet.balance" }>["data"]["wallet"];
  status: string;
}

export class KeptBooks {
  readonly accounts = new Map<string, Account>();
  readonly events: BankEvent[] = [];
  readonly #ids = new Set<string>();

  /** `ledgers`: what wallets held before, by `user currency`. */
  constructor(ledgers: Readonly<Record<string, string>> = {}) {
    for (const [key, ledger] of Object.entries(ledgers)) this.accounts.set(key, { booked: Big(ledger), open: new Map(), status: "ACTIVE" });
  }

  /** Takes events that were published together; throws where they contradict what was before. */
  take(events: readonly BankEvent[]): void {
    for (const event of events) {
      catalogue[event.type].schema.parse(parseJson(JSON.stringify(event.data)));
      this.events.push(event);
      this.#enter(event);
    }
    for (const [key, account] of this.accounts) check(key, account);
  }

  /** The story of one transaction: {@link nameOf} of its events, with its status. */
  storyOf(transactionId: string): string[] {
    return this.events.flatMap((event) => {
      if (event.type === "fraud.alert") return event.data.alert.transactionId === transactionId ? [nameOf(event)] : [];
      const transaction = transactionIn(event);
      return transaction?.id === transactionId ? [`${event.type} ${transaction.status}`] : [];
    });
  }

  #enter(event: BankEvent): void {
    const { userId } = event.data;
    switch (event.type) {
      case "wallet.changed": {
        const { currency, action, status } = event.data.wallet;
        const key = `${userId} ${currency}`;
        if (action === "CREATED" && this.accounts.has(key)) throw new Error(`${key} is created twice`);
        if (action === "CREATED") this.accounts.set(key, { booked: Big(0), open: new Map(), status });
        this.#account(userId, currency).status = status;
        return;
      }
      case "wallet.balance":
        this.#account(userId, event.data.wallet.currency).told = event.data.wallet;
        return;
      case "fraud.alert":
        if (!this.#ids.has(event.data.alert.transactionId)) throw new Error("an alert of no transaction");
        return;
      case "transaction.created":
        if (this.#ids.has(event.data.transaction.id)) throw new Error(`${event.data.transaction.id} is created twice`);
        this.#ids.add(event.data.transaction.id);
        this.#open(userId, event.data.transaction);
        return;
      case "transaction.updated":
        this.#open(userId, event.data.transaction);
        return;
      case "transaction.completed": {
        const { id, amount, currency, status } = event.data.transaction;
        const account = this.#account(userId, currency);
        if (status !== "SUCCESS" || !account.open.delete(id)) throw new Error(`${id} is completed as ${status}, and was not open`);
        account.booked = isOutgoing(event.data.transaction) ? account.booked.minus(String(amount)) : account.booked.plus(String(amount));
      }
    }
  }

  #open(userId: string, transaction: Transaction): void {
    const { id, amount, currency, status } = transaction;
    if (!TEXT_OF_CENTS.test(String(amount))) throw new Error(`${id} has an amount of ${String(amount)}`);
    const { open } = this.#account(userId, currency);
    if (status === "FAILED") open.delete(id);
    else open.set(id, { amount: isOutgoing(transaction) ? Big(String(amount)) : Big(0), status });
  }

  #account(userId: string, currency: string): Account {
    const account = this.accounts.get(`${userId} ${currency}`);
    if (account === undefined) throw new Error(`${userId} has no wallet in ${currency}`);
    return account;
  }
}

/** What happened, in a word: an alert's and a wallet's action, else the event's type. */
export function nameOf(event: BankEvent): string {
  switch (event.type) {
    case "fraud.alert":
      return event.data.alert.action;
    case "wallet.changed":
      return event.data.wallet.action;
    default:
      return event.type;
  }
}

export function transactionIn(event: BankEvent): Transaction | undefined {
  switch (event.type) {
    case "transaction.created":
    case "transaction.updated":
    case "transaction.completed":
      return event.data.transaction;
    default:
      return undefined;
  }
}

/** The balance that was told last is what the transactions make of it. */
function check(key: string, { booked, open, told }: Account): void {
  const sumOf = (wanted: string) =>
    [...open.values()].reduce((sum, { amount, status }) => (status === wanted ? sum.plus(amount) : sum), Big(0));
  const [pending, locked] = [sumOf("PENDING"), sumOf("UNDER_REVIEW")];
  const available = booked.minus(pending).minus(locked);
  if (available.lt(0)) throw new Error(`${key} is overdrawn`);
  if (told === undefined) return;
  const { availableBalance, ledgerBalance, pendingAmount, lockedAmount } = told;
  const said = [availableBalance, ledgerBalance, pendingAmount, lockedAmount].map(String);
  const right = [available, booked, pending, locked].map((amount) => amount.toFixed(2));
  if (said.join(" ") !== right.join(" ")) throw new Error(`${key}: told ${said.join(" ")}, should be ${right.join(" ")}`);
}
