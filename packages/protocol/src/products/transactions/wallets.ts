/** A user's wallets folded from their events (contract 30-transactions): the code that the server's view and the SDK share. */
import type { Offset } from "../../event-id.ts";
import type { Decimal } from "../../money.ts";
import type { WalletBalanceData, WalletChangedData } from "./schema.ts";

/** Which event said so, and when that happened (RFC 3339). */
export interface SetBy {
  readonly offset: Offset;
  readonly time: string;
}

export interface WalletBalance extends SetBy {
  readonly availableBalance: Decimal;
  readonly ledgerBalance: Decimal;
  readonly pendingAmount: Decimal;
  readonly lockedAmount: Decimal;
}

export interface WalletStanding extends SetBy {
  readonly status: string;
}

/** One currency's wallet, as far as anything was said of it. */
export interface Wallet {
  readonly currency: string;
  readonly balance?: WalletBalance;
  readonly standing?: WalletStanding;
}

/** Invariant: each currency once, in the order in which they came first. */
export interface Wallets {
  readonly wallets: readonly Wallet[];
}

export interface WalletEvent extends SetBy {
  readonly type: string;
  /** Checked against the type's schema. */
  readonly data: unknown;
}

/** A user has this many wallets: a publisher's endless new currencies grow nothing. The one that came first goes first. */
export const MAX_WALLETS = 1000;

/** The wallets after an event of their user. The same object for events of other types and those that are not newer. */
export function foldWallets(state: Wallets | undefined, { type, data, offset, time }: WalletEvent): Wallets | undefined {
  switch (type) {
    case "wallet.balance": {
      const { currency, availableBalance, ledgerBalance, pendingAmount, lockedAmount } = (data as WalletBalanceData).wallet;
      const balance = { availableBalance, ledgerBalance, pendingAmount, lockedAmount, offset, time };
      return changed(state, currency, offset, ({ balance: before }) => before, { balance });
    }
    case "wallet.changed": {
      const { currency, status } = (data as WalletChangedData).wallet;
      return changed(state, currency, offset, ({ standing: before }) => before, { standing: { status, offset, time } });
    }
    default:
      return state;
  }
}

function changed(
  state: Wallets | undefined,
  currency: string,
  offset: Offset,
  setBy: (wallet: Wallet) => SetBy | undefined,
  change: Omit<Wallet, "currency">,
): Wallets | undefined {
  const all = state?.wallets ?? [];
  const wallet = all.find((each) => each.currency === currency);
  if (wallet === undefined) return { wallets: [...all, { currency, ...change }].slice(-MAX_WALLETS) };
  const before = setBy(wallet);
  if (before !== undefined && before.offset >= offset) return state;
  return { wallets: all.map((each) => (each === wallet ? { ...each, ...change } : each)) };
}
