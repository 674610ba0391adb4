/** Which wallets are frozen: the money feed tells changes, the tape's topic how they stood before. */
import { type Folds } from "@broadtape/client";
import { type Wallets, foldWallets } from "@broadtape/protocol/products/transactions/wallets";

/** For the page's tape: the server's own fold. */
export const WALLET_FOLDS: Folds = {
  wallets: (state, { event, data }) => {
    const wallets = (state ?? undefined) as Wallets | undefined;
    // A topic's events come in the log's order, without their offsets.
    return foldWallets(wallets, { type: event, data, offset: newestOffset(wallets) + 1, time: "" }) ?? null;
  },
};

/** The wallet's status, where anything said it. */
export function statusIn(wallets: unknown, currency: string): string | undefined {
  // Folded by WALLET_FOLDS, or as the server's snapshot is.
  return (wallets as Wallets | null | undefined)?.wallets.find((wallet) => wallet.currency === currency)?.standing?.status;
}

function newestOffset(wallets: Wallets | undefined): number {
  return Math.max(0, ...(wallets?.wallets ?? []).flatMap(({ balance, standing }) => [balance?.offset ?? 0, standing?.offset ?? 0]));
}
