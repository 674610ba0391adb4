/** How an event of the catalogue reads in the money feed (contract 30-transactions): allow-listed, secrets hidden, digits kept. */
import { feedEventOf } from "./events.ts";
import type { FeedEventMessage } from "./messages.ts";
import { redact } from "../../redact.ts";
import type { Balance, FraudAlertData, Transaction, TransactionData, WalletBalanceData, WalletChangedData } from "./schema.ts";

/** An event's place and time, as its message says them. */
export interface Told {
  /** `EV-` and 16 hex digits. */
  readonly eventId: string;
  /** When it happened: RFC 3339, in any zone. */
  readonly time: string;
}

/** Undefined for types of other products. `data` is checked against the type's schema. */
export function feedMessageOf(type: string, data: unknown, told: Told): FeedEventMessage | undefined {
  switch (feedEventOf(type)) {
    case "transaction":
      return { type: "transaction", ...headOf(told), transaction: transactionOf((data as TransactionData).transaction) };
    case "balance":
      return balanceMessageOf((data as WalletBalanceData).wallet, told);
    case "wallet": {
      const { currency, action, status } = (data as WalletChangedData).wallet;
      return { type: "wallet", ...headOf(told), wallet: { currency, action, status } };
    }
    case "fraud": {
      const { transactionId, riskScore, reason, action, details } = (data as FraudAlertData).alert;
      const alert = { transactionId, riskScore, reason, action, ...(details != null && { details: redact(details) }) };
      return { type: "fraud", ...headOf(told), alert };
    }
    case undefined:
      return undefined;
  }
}

/** A balance as its event told it; also one that stands, for those who subscribe. */
export function balanceMessageOf(wallet: Balance, told: Told): FeedEventMessage {
  const { currency, availableBalance, ledgerBalance, pendingAmount, lockedAmount } = wallet;
  return { type: "balance", ...headOf(told), wallet: { currency, availableBalance, ledgerBalance, pendingAmount, lockedAmount } };
}

function transactionOf(transaction: Transaction) {
  const { id, amount, currency, type, status, counterpartyName, counterpartyPhone, description, createdAt, fees, meta } = transaction;
  return {
    id,
    amount,
    currency,
    type,
    status,
    ...(counterpartyName != null && { counterpartyName }),
    ...(counterpartyPhone != null && { counterpartyPhone }),
    ...(description != null && { description }),
    createdAt: isoOf(createdAt),
    ...(fees != null && { fees }),
    ...(meta != null && { meta: redact(meta) }),
  };
}

function headOf({ eventId, time }: Told) {
  return { eventId, timestamp: isoOf(time) };
}

/** Times in messages are ISO 8601 in UTC with milliseconds (contract 70-details "times"). */
function isoOf(time: string | number): string {
  return new Date(time).toISOString();
}
