/** Where a transaction moves money: amounts have no sign of their own, its type says it (contract 30-transactions). */

export type Direction = "in" | "out" | "unknown";

const OUT = new Set(["OUT", "OUTGOING", "DEBIT", "PAYMENT", "PURCHASE", "WITHDRAWAL", "FEE", "CHARGE", "PAYOUT", "SENT"]);
const IN = new Set(["IN", "INCOMING", "CREDIT", "DEPOSIT", "REFUND", "SALARY", "INTEREST", "REVERSAL", "TOPUP", "RECEIVED"]);

/** By the last of the type's words that says it: `TRANSFER_OUT`, `CARD_REFUND`. Types are free: an unknown one is not guessed at. */
export function directionOf(type: string): Direction {
  for (const word of type
    .toUpperCase()
    .split(/[^A-Z]+/)
    .reverse()) {
    if (OUT.has(word)) return "out";
    if (IN.has(word)) return "in";
  }
  return "unknown";
}
