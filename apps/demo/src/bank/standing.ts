/** The wallets as the server knows them: a bank that starts again goes on from there. */
import { parseJson } from "@broadtape/protocol/json";
import { toBig } from "@broadtape/protocol/money";
import type { Wallets } from "@broadtape/protocol/products/transactions/wallets";
import { type Wallet, isBankCurrency } from "./wallet.ts";

export interface StandingOptions {
  readonly url: string;
  readonly users: readonly string[];
  readonly fetch: typeof fetch;
}

/**
 * Read with a token of each user, as the page gets it. Nothing where the server signs nobody in: the bank starts anew.
 * Rejects where wallets cannot be read: a bank that started anew beside them would contradict them.
 */
export async function readStanding({ url, users, fetch }: StandingOptions): Promise<readonly Wallet[]> {
  const wallets: Wallet[] = [];
  for (const userId of users) {
    const token = await signIn(url, userId, fetch);
    if (token === undefined) continue;
    const answer = await fetch(`${url}/api/v1/topics/wallets:${encodeURIComponent(userId)}/snapshot`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the wallets of ${userId} cannot be read: ${answer.status} ${text}`);
    const { state } = parseJson(text) as { state: Wallets | null };
    wallets.push(...(state?.wallets ?? []).filter(({ currency }) => isBankCurrency(currency)).map((each) => walletOf(userId, each)));
  }
  return wallets;
}

/** A token of the user's; undefined where the server has no such door or no such user. */
async function signIn(url: string, user: string, fetch: StandingOptions["fetch"]): Promise<string | undefined> {
  const answer = await fetch(`${url}/api/demo/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user }),
  });
  const text = await answer.text();
  if (answer.status === 400 || answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`${user} cannot be signed in: ${answer.status} ${text}`);
  return (JSON.parse(text) as { token: string }).token;
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
