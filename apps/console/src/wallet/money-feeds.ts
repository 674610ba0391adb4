/** The account's money feed: one client for what is read at a glance, one for the alerts that wait for a person. */
import { FeedError, TransactionFeedClient } from "@broadtape/client/transactions";
import type { Account } from "../sign-in.ts";
import { AlertQueue } from "../alerts/alert-queue.ts";
import { tabStorage } from "./tab-storage.ts";
import { Unseen } from "./unseen.ts";

export interface MoneyFeeds {
  readonly wallet: TransactionFeedClient;
  /** Transactions that nobody has seen yet, and that are therefore not acknowledged. */
  readonly unseen: Unseen;
  readonly alerts: TransactionFeedClient;
  readonly queue: AlertQueue;
  close(): void;
}

/** What the page shows of the newest transactions. */
export const MAX_SHOWN = 50;

/**
 * Two clients, as the server sends no more than a window of events without their acks: alerts that nobody acknowledges
 * would fill it, and balances would stand still behind them.
 */
export function openMoneyFeeds(token: Account["token"]): MoneyFeeds {
  const wallet = new TransactionFeedClient({
    token,
    events: ["transaction", "wallet"],
    keep: 4 * MAX_SHOWN,
    storage: tabStorage("wallet"),
  });
  const unseen = new Unseen(MAX_SHOWN);
  wallet.on("transaction", unseen.take);
  void followBalances(wallet);
  const alerts = new TransactionFeedClient({ token, events: ["fraud"], storage: tabStorage("alerts") });
  const queue = new AlertQueue();
  alerts.on("fraud", queue.take);
  // How both are is read from their status; a refused filter is told to who asked for it.
  for (const client of [wallet, alerts]) client.on("error", () => undefined);
  return {
    wallet,
    unseen,
    alerts,
    queue,
    close() {
      wallet.disconnect();
      alerts.disconnect();
    },
  };
}

/**
 * Balances as they stand are told to who subscribes to them. A clientId that was restored has subscribed before and is told
 * changes alone, and the page has forgotten the rest when it was reloaded: it subscribes anew.
 */
async function followBalances(client: TransactionFeedClient): Promise<void> {
  try {
    const { filters } = await client.unsubscribe(["balance"]);
    await client.subscribe({ events: ["balance"], filters });
  } catch (error) {
    // The feed has ended before it was told, and its status says so.
    if (!(error instanceof FeedError)) throw error;
  }
}
