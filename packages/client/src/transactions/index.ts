/** `@broadtape/client/transactions`: a user's money feed; apart from the rest, so that others do not load it. */
export type { FeedCallbacks } from "./callbacks.ts";
export { FeedError } from "./feed-error.ts";
export type { FeedEnvironment, FeedSocket, SocketEvents } from "./environment.ts";
export type { ConnectedMessage } from "./feed-link.ts";
export type { FeedBalance, TransactionMessage } from "./feed-state.ts";
export type { SubscriptionChange } from "./subscription.ts";
export { TransactionFeedClient, type TransactionFeedClientOptions } from "./transaction-feed-client.ts";
