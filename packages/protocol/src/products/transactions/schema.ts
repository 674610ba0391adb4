/** Event types of the money feed (contract 30-transactions). Amounts are JSON numbers or text, and keep their digits. */
import { z } from "zod";
import { userId } from "../../ids.ts";
import { decimal, jsonNumber } from "../../schema.ts";

/** `NGN`, `USD`, `USDT-TRC20`. */
export const CURRENCY = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,31}$/;

export const currency = z.string().regex(CURRENCY, "must be a currency: 1 to 32 letters, digits or . _ : / -");
const id = z.string().min(1).max(128);
const word = z.string().min(1).max(64);
/** ISO 8601 with a zone, or milliseconds since the epoch. */
const time = z.union([z.iso.datetime({ offset: true }), z.number().int().min(0).max(8.64e15)], {
  error: "must be an ISO 8601 time, or milliseconds",
});
/** Whatever a publisher needs; what must not be seen in it is hidden when it is shown (`redact`). */
const freeForm = z.record(z.string().max(256), z.unknown());

export const transaction = z.looseObject({
  id,
  amount: decimal,
  currency,
  type: word,
  status: word,
  counterpartyName: z.string().max(256).nullish(),
  counterpartyPhone: z.string().max(64).nullish(),
  description: z.string().max(1024).nullish(),
  createdAt: time,
  fees: decimal.nullish(),
  meta: freeForm.nullish(),
});

export const balance = z.looseObject({
  currency,
  availableBalance: decimal,
  ledgerBalance: decimal,
  pendingAmount: decimal,
  lockedAmount: decimal,
});

export const walletChange = z.looseObject({
  currency,
  action: z.enum(["CREATED", "FROZEN", "UNFROZEN", "CLOSED"]),
  status: word,
});

export const fraudAlert = z.looseObject({
  transactionId: id,
  riskScore: jsonNumber,
  reason: z.string().min(1).max(1024),
  action: z.enum(["REVIEW", "BLOCK", "ALLOWED"]),
  details: z.union([z.string().max(4096), freeForm], { error: "must be text, or an object" }).nullish(),
});

/** `transaction.created`, `transaction.updated`, `transaction.completed`. */
export const transactionData = z.looseObject({ userId, transaction });
/** `wallet.balance` */
export const walletBalanceData = z.looseObject({ userId, wallet: balance });
/** `wallet.changed` */
export const walletChangedData = z.looseObject({ userId, wallet: walletChange });
/** `fraud.alert` */
export const fraudAlertData = z.looseObject({ userId, alert: fraudAlert });

export type Transaction = z.infer<typeof transaction>;
export type Balance = z.infer<typeof balance>;
export type WalletChange = z.infer<typeof walletChange>;
export type FraudAlert = z.infer<typeof fraudAlert>;
export type TransactionData = z.infer<typeof transactionData>;
export type WalletBalanceData = z.infer<typeof walletBalanceData>;
export type WalletChangedData = z.infer<typeof walletChangedData>;
export type FraudAlertData = z.infer<typeof fraudAlertData>;
