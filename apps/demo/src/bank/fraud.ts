/** What the bank's fraud check makes of a recording's labels. */
import type { EventData } from "@broadtape/protocol/catalogue";
import type { BankEvent } from "./events.ts";
import type { Label } from "./records.ts";
import type { Transaction } from "./transaction.ts";

type Alert = EventData<"fraud.alert">["alert"];
type Verdict = Pick<Alert, "action" | "riskScore" | "reason">;

/** The score is between 0 and 1; the recording has none, so each label has its own. */
export const VERDICT: Readonly<Record<Label, Verdict>> = {
  laundering: { action: "BLOCK", riskScore: 0.97, reason: "part of a chain of transfers that leads back to its beginning" },
  suspect: { action: "REVIEW", riskScore: 0.72, reason: "both accounts are on the watch list" },
};

/** How a review ends: such a transfer is honest as far as the recording says. */
export const CLEARED: Verdict = {
  action: "ALLOWED",
  riskScore: 0.31,
  reason: "reviewed: both accounts are on the watch list, this transfer is in order",
};

export function alertOf(userId: string, { id, amount, currency, counterpartyName }: Transaction, verdict: Verdict): BankEvent {
  return {
    type: "fraud.alert",
    data: { userId, alert: { transactionId: id, ...verdict, details: { amount, currency, counterpartyName } } },
  };
}
