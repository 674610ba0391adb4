/** The kinds of events in the money feed, and the event types that they stand for (contract 30-transactions). */
import { z } from "zod";

/** In the order in which answers list them. */
export const FEED_EVENTS = ["transaction", "balance", "wallet", "fraud"] as const;

export type FeedEvent = (typeof FEED_EVENTS)[number];

const OF_TYPE: Readonly<Record<string, FeedEvent>> = {
  "transaction.created": "transaction",
  "transaction.updated": "transaction",
  "transaction.completed": "transaction",
  "wallet.balance": "balance",
  "wallet.changed": "wallet",
  "fraud.alert": "fraud",
};

/** Undefined for types of other products. */
export function feedEventOf(type: string): FeedEvent | undefined {
  return Object.hasOwn(OF_TYPE, type) ? OF_TYPE[type] : undefined;
}

/** A list of kinds; naming one twice says nothing more. */
export const events = z
  .array(z.enum(FEED_EVENTS, { error: `must be one of ${FEED_EVENTS.join(", ")}` }))
  .min(1, "must name at least one kind of event")
  .max(64);
