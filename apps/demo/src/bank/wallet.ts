/** A wallet's money, in decimals; what changes it gives a new one. */
import Big from "big.js";
import type { EventData } from "@broadtape/protocol/catalogue";

/** Invariant: `pending` and `locked` are at least 0 and what is open of outgoing transactions. What is available follows: {@link availableOf}. */
export interface Wallet {
  readonly userId: string;
  readonly currency: string;
  /** What is booked. */
  readonly ledger: Big;
  /** Going out, and not yet booked. */
  readonly pending: Big;
  /** Going out, and held back by a review. */
  readonly locked: Big;
  readonly isFrozen: boolean;
}

type Amounts = Pick<Wallet, "ledger" | "pending" | "locked">;

/** ISO 4217: how many decimals an amount is written with. The bank has wallets in these currencies only. */
const DECIMALS: Readonly<Record<string, number>> = { GBP: 2, USD: 2 };

export function isBankCurrency(currency: string): boolean {
  return Object.hasOwn(DECIMALS, currency);
}

export function emptyWallet(userId: string, currency: string): Wallet {
  return { userId, currency, ledger: Big(0), pending: Big(0), locked: Big(0), isFrozen: false };
}

export function availableOf({ ledger, pending, locked }: Amounts): Big {
  return ledger.minus(pending).minus(locked);
}

/** The wallet after these amounts were added to its own. */
export function move(wallet: Wallet, by: Partial<Amounts>): Wallet {
  const plus = (name: keyof Amounts) => wallet[name].plus(by[name] ?? 0);
  return { ...wallet, ledger: plus("ledger"), pending: plus("pending"), locked: plus("locked") };
}

/** Text of a decimal in its currency's digits: `147.80`. */
export function spell(amount: Big, currency: string): string {
  const decimals = DECIMALS[currency];
  if (decimals === undefined) throw new Error(`the bank has no wallet in ${currency}`);
  return amount.toFixed(decimals);
}

/** As `wallet.balance` tells it. */
export function balanceOf(wallet: Wallet): EventData<"wallet.balance"> {
  const { userId, currency, ledger, pending, locked } = wallet;
  return {
    userId,
    wallet: {
      currency,
      availableBalance: spell(availableOf(wallet), currency),
      ledgerBalance: spell(ledger, currency),
      pendingAmount: spell(pending, currency),
      lockedAmount: spell(locked, currency),
    },
  };
}
