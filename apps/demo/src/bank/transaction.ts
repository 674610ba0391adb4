/** Transactions as their events tell them: amounts without a sign, the type says where the money goes. */
import Big from "big.js";
import type { EventData } from "@broadtape/protocol/catalogue";
import type { BankRecord } from "./records.ts";
import { spell } from "./wallet.ts";

export type Transaction = EventData<"transaction.created">["transaction"];

interface Birth {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Deposits are round. */
const DEPOSIT = Big(5000);

const OUTGOING: ReadonlySet<string> = new Set<BankRecord["type"]>(["CARD_PAYMENT", "TRANSFER_OUT"]);

/** Whether it takes money out of the wallet; else it brings some. */
export function isOutgoing({ type }: Pick<Transaction, "type">): boolean {
  return OUTGOING.has(type);
}

export function transactionOf(record: BankRecord, { id, now }: Birth): Transaction {
  const { currency, type, amount, counterpartyName, description, meta } = record;
  return {
    id,
    amount: spell(Big(amount), currency),
    currency,
    type,
    status: "PENDING",
    counterpartyName,
    ...(description !== undefined && { description }),
    createdAt: new Date(now).toISOString(),
    meta,
  };
}

/** As much as is missing, rounded up. */
export function deposit({ currency, missing, id, now }: Birth & { readonly currency: string; readonly missing: Big }) {
  const amount = missing.div(DEPOSIT).round(0, Big.roundUp).times(DEPOSIT);
  const transaction: Transaction = {
    id,
    amount: spell(amount, currency),
    currency,
    type: "DEPOSIT",
    status: "PENDING",
    counterpartyName: "Own account",
    createdAt: new Date(now).toISOString(),
  };
  return { transaction, amount };
}
