/** The wallets as the server knows them: a bank that starts again goes on from there. */
import { toBig } from "@broadtape/protocol/money";
import type { Wallets } from "@broadtape/protocol/products/transactions/wallets";
import { type Reader, readTopic, signIn } from "../topics.ts";
import { type Wallet, isBankCurrency } from "./wallet.ts";

export interface StandingOptions extends Reader {
  readonly users: readonly string[];
}

/**
 * Read with a token of each user, as the page gets it. Nothing where the server signs nobody in: the bank starts anew.
 * Rejects where wallets cannot be read: a bank that started anew beside them would contradict them.
 */
export async function readStanding({ users, ...reader }: StandingOptions): Promise<readonly Wallet[]> {
  const wallets: Wallet[] = [];
  for (const userId of users) {
    const token = await signIn(reader, userId);
    if (token === undefined) continue;
    const state = (await readTopic(reader, token, "wallets", userId)) as Wallets | null;
    wallets.push(...(state?.wallets ?? []).filter(({ currency }) => isBankCurrency(currency)).map((each) => walletOf(userId, each)));
  }
  return wallets;
}

function walletOf(userId: string, { currency, balance, standing }: Wallets["wallets"][number]): Wallet {
  return {
    userId,
    currency,
    ledger: toBig(balance?.ledgerBalance ?? 0),
    pending: toBig(balance?.pendingAmount ?? 0),
    locked: toBig(balance?.lockedAmount ?? 0),
    isFrozen: standing?.status === "FROZEN",
  };
}
